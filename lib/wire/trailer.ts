/** What stands behind content that came piece by piece: 33 bytes, of which its receiver learns whether it was whole. */
import type { ProblemCode } from "../core/entry.ts";
import { equalBytes, malformed } from "./pack.ts";

export const TRAILER_BYTES = 33;

export interface FileTrailer {
  /** Whether the file changed while it was read. */
  changed: boolean;
  /** Of the whole content, 32 bytes; whoever uses this says which one. */
  digest: Uint8Array;
}

/** One byte, 1 for `changed`, and the digest. */
export function trailerBytes({ changed, digest }: FileTrailer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(TRAILER_BYTES);
  bytes[0] = changed ? 1 : 0;
  bytes.set(digest, 1);
  return bytes;
}

/** Reads the 33 bytes of a trailer. Throws `protocol`. */
export function readTrailer(bytes: Uint8Array): FileTrailer {
  if (bytes[0] > 1) throw malformed("an unknown trailer");
  return { changed: bytes[0] === 1, digest: bytes.subarray(1) };
}

/** Why content with digest `actual` cannot be used, or null when it can. */
export function trailerProblem(
  trailer: FileTrailer,
  actual: Uint8Array,
): { code: ProblemCode; message: string } | null {
  if (trailer.changed) return { code: "changed", message: "it changed while it was read" };
  if (equalBytes(trailer.digest, actual)) return null;
  return { code: "bad_content", message: "its content does not match its digest" };
}
