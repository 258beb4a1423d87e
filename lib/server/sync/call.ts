/** One call of the sync API: whom it comes from, the folder that it is about, and how it is answered. */
import { FerryError, osReason } from "../../core/errors.ts";
import { checkedPath, childPath, parentPath } from "../../core/paths.ts";
import { locate } from "../../store/root.ts";
import { gunzip } from "../../wire/gzip.ts";
import { MAX_MESSAGE_BYTES } from "../../wire/limits.ts";
import { type Fields, parseObject } from "../../wire/fields.ts";
import { PACK_TYPE } from "../../wire/pack.ts";
import type { Access, Perm } from "../access.ts";
import type { PathLocks } from "../dav/path_locks.ts";
import { type Patience, patientBody } from "../patient_body.ts";
import { Slots } from "../slots.ts";

/** One call, with the folder of the share that it is about. */
export interface Call {
  /** The share, a real path. */
  root: string;
  /** Its path on the server. */
  mount: string;
  /** The host name that tokens are made for; undefined where there is one share alone. */
  host: string | undefined;
  request: Request;
  query: URLSearchParams;
  access: Access;
  /** The folder, as a path of the share. */
  base: string;
  completed: Promise<void> | undefined;
  patience: Patience;
  /** The memory for bodies that are being received, in bytes. */
  memory: Slots;
  /** What WebDAV clients have locked; absent where there is no WebDAV. */
  locks?: PathLocks;
}

/** Bodies up to this size are received without asking whether there is memory for them. */
const SMALL_BODY_BYTES = 64 * 1024;

/** What larger ones may take together, and how long one waits for its turn. */
const MAX_BODIES_BYTES = 128 * 1024 * 1024;
const WAIT_MS = 45_000;

/** The memory for the bodies of all calls. */
export function bodyMemory(): Slots {
  return new Slots(MAX_BODIES_BYTES, WAIT_MS);
}

/** The folder that a call names, as a path of the server. Throws `bad_request`. */
export function folderIn(query: URLSearchParams): string {
  return checkedPath((query.get("path") ?? "").replace(/^\/|\/$/g, ""));
}

/** The same by the URL of the call. */
export function folderInQuery(url: string): string {
  const mark = url.indexOf("?");
  return folderIn(new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1)));
}

/** `path` of the share as a path of the server. */
export function serverPath({ mount }: Pick<Call, "mount">, path: string): string {
  return mount === "" || path === "" ? mount || path : childPath(mount, path);
}

/** The real folder of the call. A link may lead to it, but only to where `perm` holds as well. */
export function existingFolder(call: Call, perm: Perm): string {
  const { root, base } = call;
  const { real, info } = locate(root, base);
  if (info === null) throw new FerryError("not_found", "there is no such folder");
  if (!info.isDirectory) throw new FerryError("conflict", "this is a file; name a folder");
  const inner = root === "/" ? real.slice(1) : real.slice(root.length + 1);
  if (inner !== base) require(call, perm, inner);
  return real;
}

/** The same for a destination, made with its parents when it is not there. */
export function madeFolder(call: Call): string {
  const { root } = call;
  const missing: string[] = [];
  for (let path = call.base; locate(root, path).info === null; path = parentPath(path)) {
    missing.unshift(path);
  }
  call.locks?.demandRoomFor(locate(root, call.base).real);
  for (const path of missing) {
    const { real } = locate(root, path);
    try {
      Deno.mkdirSync(real);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) {
        throw new FerryError("write_failed", `cannot make the folder: ${osReason(error)}`);
      }
    }
  }
  return existingFolder(call, "w");
}

/** The real path of the call's folder, also when it is not there yet. */
export function folderOf({ root, base }: Call): string {
  const { real, info } = locate(root, base);
  if (info !== null && !info.isDirectory) throw new FerryError("conflict", "this is a file; name a folder");
  return real;
}

/** Whose push it is: of this user, for this folder. */
export function sessionOwner({ access, base }: Call): string {
  return JSON.stringify([access.user, base]);
}

/** Throws `unauthorized` or `forbidden` unless `perm` holds at `path` of the share. */
export function require({ access }: Pick<Call, "access" | "base">, perm: Perm, path: string): void {
  if (access.can(perm, path)) return;
  const { status, detail } = access.denial(perm);
  throw new FerryError(status === 401 ? "unauthorized" : "forbidden", detail);
}

/** A whole number in the query; undefined when it is not there. Throws `bad_request` for anything else. */
export function queryNumber({ query }: Pick<Call, "query">, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new FerryError("bad_request", `the query's \`${name}\` is not a whole number`);
}

/** A number of the query that counts bytes. Throws `bad_request` for one that cannot. */
export function queryBytes(call: Pick<Call, "query">, name: string): number | undefined {
  const bytes = queryNumber(call, name);
  if (bytes === undefined || bytes >= 0) return bytes;
  throw new FerryError("bad_request", `the query's \`${name}\` is less than nothing`);
}

/** Does `work`; a message about the server's disk goes out without the server's paths. */
export async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    if (error.code === "disk_full") {
      throw new FerryError("disk_full", "no space left on the server", { cause: error });
    }
    if (error.code === "write_failed") {
      const reason = error.message.slice(error.message.lastIndexOf(": ") + 2);
      throw new FerryError("write_failed", `the server cannot write into the folder: ${reason}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * The body of a request of at most `max` bytes. Throws `too_large`; `bad_request` when it breaks off, `timeout` when it
 * stalls, `too_many` when too much is being received for too long.
 */
export async function readBody(call: Call, max: number): Promise<Uint8Array<ArrayBuffer>> {
  const { request, memory } = call;
  const declared = request.headers.get("content-length");
  // A length makes HTTP bound the body before a byte of it is kept.
  if (declared === null) throw new FerryError("bad_request", "this call needs a Content-Length");
  if (Number(declared) > max) throw new FerryError("too_large", `this call takes at most ${max} bytes`);
  const length = Number(declared);
  const release = length > SMALL_BODY_BYTES ? await memory.take(length) : () => {};
  try {
    return await receiveBody(call, length);
  } finally {
    release();
  }
}

async function receiveBody({ request, patience }: Call, length: number): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(length);
  if (request.body === null) return bytes.subarray(0, 0);
  const reader = patientBody(request.body, patience).getReader({ mode: "byob" });
  for (let filled = 0; filled < bytes.length;) {
    // Half the CPU of `arrayBuffer()`, and half the memory.
    const { value, done } = await reader.read(bytes.subarray(filled)).catch((error) => {
      throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
    });
    if (done || value === undefined) throw new FerryError("bad_request", "the body broke off");
    filled += value.length;
    bytes = new Uint8Array(value.buffer);
  }
  return bytes;
}

/** The body of a request that is taken as it comes; `what` is said to be missing when there is none. */
export function streamedBody({ request, patience }: Call, what: string): ReadableStream<Uint8Array> {
  if (request.body === null) throw new FerryError("bad_request", `${what} is missing`);
  return patientBody(request.body, patience);
}

/** The message in the body of a request, also under gzip. Throws as `readBody` does, and what parseObject throws. */
export async function readMessage(call: Call): Promise<Fields> {
  const bytes = await readBody(call, MAX_MESSAGE_BYTES);
  const coding = call.request.headers.get("content-encoding");
  if (coding === null) return parseObject(bytes);
  if (coding !== "gzip") throw new FerryError("bad_request", "a message is plain or under gzip");
  return parseObject(await gunzip(bytes, MAX_MESSAGE_BYTES));
}

/** The number of a staged file. */
export function stageNumber(text: string): number {
  const index = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(index < 2 ** 32)) throw new FerryError("bad_request", "a staged file is called by a whole number");
  return index;
}

/** A pack as an answer; with its length, which HTTP would else learn only at the end. */
export function packResponse(pack: Uint8Array<ArrayBuffer>): Response {
  return new Response(pack, {
    headers: { "content-type": PACK_TYPE, "content-length": String(pack.length) },
  });
}

/** An answer of JSON that nobody keeps. */
export function json(value: unknown): Response {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return new Response(body, {
    headers: { "content-type": "application/json", "content-length": String(body.length) },
  });
}
