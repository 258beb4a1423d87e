/** Tokens that are for a file with one certain content. */
import { Buffer } from "node:buffer";
import { FerryError } from "../core/errors.ts";
import { FileBody } from "./file_body.ts";
import type { FileDigests } from "./file_digests.ts";
import { type Exchange, find, notFound } from "./share.ts";

/**
 * Does nothing where the file of `exchange` has the SHA-256 `sha256`, in hex. Throws `gone` where it has another one,
 * `not_found` where there is no file, `too_many` where that cannot be found out now.
 */
export async function checkPinned(exchange: Exchange, sha256: string, digests: FileDigests): Promise<void> {
  const { info, real } = find(exchange, exchange.path, { perm: "r" });
  if (!info?.isFile) throw notFound();
  const file = Deno.openSync(real);
  const body = new FileBody(file, [], 0);
  try {
    const digest = await digests.ofFile(body);
    if (digest === null) throw new FerryError("too_many", "the file is being changed; try again later");
    if (Buffer.from(digest, "base64").toString("hex") !== sha256) {
      throw new FerryError("gone", "the file is no longer the one that this was made for");
    }
  } finally {
    body.close();
  }
}
