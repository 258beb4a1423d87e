/** The SHA-256 of a file. */
import { createHash } from "node:crypto";
import { readError } from "../../core/errors.ts";

const CHUNK = 1024 * 1024;

/** In base64, read in pieces; throws `read_failed`, or the reason of `signal`. */
export async function sha256OfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK);
  try {
    using file = await Deno.open(path);
    for (;;) {
      const count = await file.read(buffer);
      if (count === null) return hash.digest("base64");
      hash.update(buffer.subarray(0, count));
      if (signal.aborted) break;
    }
  } catch (error) {
    throw readError(error, path);
  }
  throw signal.reason;
}
