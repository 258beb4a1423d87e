/** Files that hold one ETag: `--etag-save` and `--etag-compare`. */
import { FerryError, quote, readError, writeError } from "../core/errors.ts";
import { DeviceOut } from "./device_out.ts";
import { checkParent, resolveOutput, statOrNull } from "./sink.ts";

/** RFC 9110 section 8.8.3, and spaces, which some servers send. */
const ETAG = /^(?:W\/)?"[\x20\x21\x23-\x7e\x80-\xff]*"$/;
const MAX_BYTES = 8192;

/**
 * The ETag in the file at `path`, as `If-None-Match` wants it; null when there is no such file, or nothing in it.
 * Throws `read_failed`, and `usage` for a file that holds anything else.
 */
export function readEtag(path: string): string | null {
  let bytes: Uint8Array;
  try {
    if (Deno.statSync(path).size > MAX_BYTES) throw noEtag(path);
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw readError(error, path);
  }
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("").trim();
  if (text === "") return null;
  if (!ETAG.test(text)) throw noEtag(path);
  return text;
}

function noEtag(path: string): FerryError {
  return new FerryError("usage", `--etag-compare ${quote(path)}: there is no ETag in it`);
}

/** Throws `write_failed` when no file can be written at `path`, before anything is asked for. */
export function checkEtagPath(path: string): void {
  checkParent(path);
  if (!statOrNull(path, path)?.isDirectory) return;
  throw new FerryError("write_failed", `cannot write ${quote(path)}: it is a folder`);
}

/**
 * Writes the ETag of what was fetched whole, in one step; through a link, and into a device or pipe as it is. An answer
 * without one, or with what is none, leaves an empty file: what is there is not what an older ETag was of. Throws
 * `write_failed`.
 */
export function saveEtag(path: string, etag: string | null): void {
  const valid = etag !== null && etag.length < MAX_BYTES && ETAG.test(etag);
  const bytes = Uint8Array.from(valid ? etag + "\n" : "", (character) => character.charCodeAt(0));
  const target = resolveOutput(path);
  if (!target.ordinary) {
    const out = new DeviceOut(target.path);
    try {
      return out.write(bytes);
    } finally {
      out.close();
    }
  }
  const fresh = `${target.path}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.writeFileSync(fresh, bytes, { createNew: true });
    Deno.renameSync(fresh, target.path);
  } catch (error) {
    try {
      Deno.removeSync(fresh);
    } catch {
      // It was not made.
    }
    throw writeError(error, path);
  }
}
