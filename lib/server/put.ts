/** PUT: a body becomes a file, whole or not at all. */
import { FerryError, writeError } from "../core/errors.ts";
import { writeFully } from "../core/file_bytes.ts";
import { parentPath } from "../core/paths.ts";
import { isThere } from "../store/quiet.ts";
import { syncFolder } from "../store/write/stage.ts";
import { type BodyCheck, bodyCheck } from "./body_check.ts";
import { HttpError } from "./failure.ts";
import { innerPath } from "../store/root.ts";
import { guard } from "./dav/guard.ts";
import { patientBody } from "./patient_body.ts";
import { checkPreconditions, etagOf } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, find, type Target } from "./share.ts";

/** Bytes of a body that are read at once. */
const CHUNK = 256 * 1024;

/** Creates (201) or replaces (204) a file. Parents are made. */
export async function put(exchange: Exchange): Promise<Reply> {
  const { share, request } = exchange;
  if (request.headers.get("content-range") !== null) {
    // RFC 9110 section 14.5: to store a part as if it were the whole would destroy the file.
    throw new FerryError("bad_request", "PUT stores whole files: Content-Range is refused");
  }
  refuseCoded(request.headers);
  const check = bodyCheck(request.headers);
  findPlace(exchange);
  const length = declaredLength(request.headers);
  const { maxUpload = Infinity } = share;
  if (length !== null && length > maxUpload) throw tooLarge(maxUpload);
  const staged = share.staging.take();
  try {
    const body = request.body && patientBody(request.body, share.patience);
    const inMemory = (dev: number) => share.staging.isMemory(dev);
    await receive(body, staged, { length, maxUpload, check, inMemory });
    return await place(exchange, staged);
  } catch (error) {
    throw writeError(error, exchange.path);
  } finally {
    share.staging.giveBack(staged);
  }
}

/** Puts the file `staged`, which is whole and on the disk, where `exchange` wants it. Throws what a PUT is refused with. */
export async function place(exchange: Exchange, staged: string): Promise<Reply> {
  try {
    // From here to the rename nothing waits, so nothing can come between the check and the change.
    const target = findPlace(exchange);
    const folders = makeParents(target.real);
    if (target.info !== null) Deno.chmodSync(staged, (target.info.mode ?? 0o644) & 0o777);
    const { share } = exchange;
    share.staging.place(staged, target.real);
    if (target.info === null) share.dav.created(innerPath(share.root, topmost(target.real, folders)));
    const placed = Deno.lstatSync(target.real);
    const etag = etagOf(placed);
    if (!share.staging.isMemory(placed.dev)) await Promise.all(folders.map(syncFolder));
    if (target.info !== null) return { status: 204, headers: { etag }, body: null };
    return { status: 201, headers: { etag, location: exchange.mounted.urlOf(target.path) }, body: null };
  } catch (error) {
    throw writeError(error, exchange.path);
  }
}

/** A file is stored as it comes: one that came under gzip would be served as if it were the content itself. */
function refuseCoded(headers: Headers): void {
  const coding = headers.get("content-encoding");
  if (coding === null || /^[\s,]*(?:identity)?[\s,]*$/i.test(coding)) return;
  // RFC 9110 section 12.5.3: what would be taken.
  throw new HttpError("unsupported_media_type", "PUT takes a body without a Content-Encoding", {
    "accept-encoding": "identity",
  });
}

/** Where the file goes; throws unless it may and can go there. */
export function findPlace(exchange: Exchange): Target {
  const target = find(exchange, exchange.path, { perm: "w" });
  if (target.info?.isDirectory) {
    throw new FerryError("conflict", "a folder is there; a file cannot take its place");
  }
  if (target.slash) {
    throw new FerryError("conflict", "a path that ends with a slash names a folder; make one with MKCOL");
  }
  if (target.info !== null && !target.info.isFile) {
    throw new FerryError("conflict", "something else than a file is there");
  }
  checkPreconditions(exchange, target);
  guard(exchange, [{ kind: target.info === null ? "member" : "content", at: target }]);
  return target;
}

function declaredLength(headers: Headers): number | null {
  const text = headers.get("content-length");
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw new FerryError("bad_request", "the Content-Length is malformed");
  return Number(text);
}

function tooLarge(limit: number): FerryError {
  return new FerryError("too_large", `this server stores files of at most ${limit} bytes`);
}

/** Writes `body`, once it is checked, to a new file at `staged`, down to the disk. */
async function receive(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  staged: string,
  { length, maxUpload, check, inMemory }: {
    length: number | null;
    maxUpload: number;
    check: BodyCheck;
    /** Whether a device needs no waiting for. */
    inMemory: (dev: number) => boolean;
  },
): Promise<void> {
  using file = Deno.openSync(staged, { write: true, createNew: true });
  let received = 0;
  if (body !== null) {
    const reader = body.getReader({ mode: "byob" });
    // One more, to see the end.
    let buffer = new Uint8Array(Math.min(length === null ? CHUNK : length + 1, CHUNK));
    for (;;) {
      const { value, done } = await reader.read(buffer).catch((error) => {
        throw error instanceof FerryError ? error : brokenOff(received);
      });
      if (done) break;
      received += value.length;
      if (received > maxUpload) {
        reader.cancel().catch(() => {});
        throw tooLarge(maxUpload);
      }
      check.update(value);
      writeFully(file, value);
      buffer = new Uint8Array(value.buffer);
    }
  }
  if (length !== null && received !== length) throw brokenOff(received);
  check.verify();
  if (!inMemory(file.statSync().dev)) await file.sync();
}

function brokenOff(received: number): FerryError {
  return new FerryError("bad_request", `the body broke off after ${received} bytes; nothing was changed`);
}

/** Makes the folders above `path` that are missing, and gives those whose entries change. */
function makeParents(path: string): string[] {
  const folders = [parentPath(path) || "/"];
  while (!isThere(folders[folders.length - 1])) folders.push(parentPath(folders[folders.length - 1]) || "/");
  if (folders.length > 1) Deno.mkdirSync(folders[0], { recursive: true });
  return folders;
}

/** The highest thing that is new: the file itself, or the first of the folders that were made for it. */
function topmost(path: string, folders: readonly string[]): string {
  return folders.length > 1 ? folders[folders.length - 2] : path;
}
