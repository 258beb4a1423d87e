/** A file of the target's name that is there already: whether it is what would be fetched. */
import { readError } from "../../core/errors.ts";
import { pieces, readFullyAt } from "../../core/file_bytes.ts";
import type { Answer } from "../exchange.ts";
import { pump } from "../pump.ts";
import { parseContentRange, strongValidator, type Validator } from "../transfer/resume.ts";
import { statOrNull } from "../sink.ts";
import { type Claim, claimsOf, type Contradiction, type Verification } from "../transfer/verification.ts";

/** What there is. */
export type Existing =
  /** It is the resource as it is now. */
  | { kind: "whole" }
  /** It has the size of the resource, and other bytes. */
  | { kind: "damaged"; size: number; validator: Validator | undefined }
  /** Nothing is there, or nothing says that it is the resource. */
  | { kind: "other" };

/** How a server is asked about it. */
export interface ExistingTools {
  /** A GET of the resource with these headers. */
  ask(headers: Record<string, string>): Promise<Answer>;
  verification: Verification;
  signal: AbortSignal;
}

/** So much of the end is compared: it comes for the price of the headers. */
const TAIL = 1024;

/**
 * Compares `path` with the resource: by a digest where the server has one, else by its size, its last bytes, and that it
 * was not changed there since. The bytes have then gone through the verification.
 */
export async function checkExisting(path: string, tools: ExistingTools): Promise<Existing> {
  const info = statOrNull(path, path);
  if (info === null || !info.isFile || info.size === 0) return { kind: "other" };
  const { size } = info;
  using file = opened(path);
  // What the user demands needs no server to say that it is there.
  if (tools.verification.hasDemands && await hashes(file, [], tools) === null) return { kind: "whole" };
  const start = Math.max(0, size - TAIL);
  // A digest of the whole may take the server as long as it takes us, so it is asked for with all weight.
  const { response, hop } = await tools.ask({ "range": `bytes=${start}-`, "want-repr-digest": "sha-256=10" });
  const range = parseContentRange(response.headers.get("content-range"));
  const isTail = response.status === 206 && range?.kind === "part" && range.start === start &&
    range.end === size &&
    range.size === size;
  const isWhole = response.status === 200 && response.headers.get("content-length") === String(size);
  if (!isTail && !isWhole) {
    await response.body?.cancel();
    return { kind: "other" };
  }
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  const claims = claimsOf(response, { method: "GET", resumed: true });
  // Whole seconds, as the header has them.
  const older = !(modified > (info.mtime?.getTime() ?? 0));
  const proved = isTail || !Number.isNaN(modified);
  if (claims.length === 0 && !(older && proved)) {
    await response.body?.cancel();
    return { kind: "other" };
  }
  if (isTail) {
    const tail = readTail(file, { start, size });
    let at = 0, same = true;
    await pump(response.body, (bytes) => {
      for (const byte of bytes) same &&= byte === tail[at++];
    }, { url: hop.url, limit: size - start, signal: tools.signal });
    if (!same && claims.length === 0) return { kind: "other" };
  } else await response.body?.cancel();
  const wrong = await hashes(file, claims, tools);
  if (wrong === null) return { kind: "whole" };
  const validator = strongValidator(response.headers);
  // What the user demands is not what the server has: nothing to mend it with.
  return wrong.by === "--checksum" ? { kind: "other" } : { kind: "damaged", size, validator };
}

function opened(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    throw readError(error, path);
  }
}

function readTail(file: Deno.FsFile, { start, size }: { start: number; size: number }): Uint8Array {
  const tail = new Uint8Array(size - start);
  readFullyAt(file, tail, start);
  return tail;
}

/** Takes the whole file through the verification; gives what of the claims is not so. */
async function hashes(
  file: Deno.FsFile,
  claims: readonly Claim[],
  { verification, signal }: ExistingTools,
): Promise<Contradiction | null> {
  await verification.begin(claims);
  if (verification.isNeeded) {
    const read = (buffer: Uint8Array, offset: number) => readFullyAt(file, buffer, offset);
    for await (const piece of pieces(Infinity, read, signal)) verification.update(piece);
  }
  return await verification.contradiction();
}
