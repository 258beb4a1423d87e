/** Requests for what shares hold: to the file, the folder, the upload or the listing that answers them. */
import { FerryError } from "../core/errors.ts";
import type { Access } from "./access.ts";
import { addDigests, wantedDigests } from "./answer_digest.ts";
import { madeCoding } from "./coding.ts";
import { HttpError } from "./failure.ts";
import type { FileDigests } from "./file_digests.ts";
import { get, redirect, wantsDownload } from "./get.ts";
import { answerHot } from "./hot_files.ts";
import { ALLOWED } from "./methods.ts";
import { mkcol } from "./mkcol.ts";
import type { Mount } from "./mounts.ts";
import { options } from "./options.ts";
import { outside } from "./outside.ts";
import { checkPinned } from "./pinned.ts";
import { put } from "./put.ts";
import { remove } from "./remove.ts";
import type { Reply } from "./reply.ts";
import { demand, type Exchange, notFound } from "./share.ts";
import type { Found, Shared } from "./shares.ts";
import type { Transaction } from "./transaction.ts";
import { copy, move } from "./transfer.ts";
import { TUS_HEADERS, tusInner } from "./tus/paths.ts";

/** The methods beside GET and HEAD. */
const METHODS: Readonly<Record<string, (exchange: Exchange) => Reply | Promise<Reply>>> = {
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  MOVE: move,
  COPY: copy,
  OPTIONS: options,
  // Loaded when somebody speaks WebDAV.
  PROPFIND: async (exchange) => (await import("./dav/propfind.ts")).propfind(exchange),
  PROPPATCH: async (exchange) => (await import("./dav/proppatch.ts")).proppatch(exchange),
  LOCK: async (exchange) => (await import("./dav/lock.ts")).lock(exchange),
  UNLOCK: async (exchange) => (await import("./dav/lock.ts")).unlock(exchange),
};

/** Where a request leads, and on whose behalf. */
export interface FilesTarget {
  /** The request, as far as its body is to be read. */
  request: Request;
  access: Access;
  /** The raw path on the server. */
  at: string;
  /** What it leads to. */
  found: Found;
  /** The path of the share link that it came by. */
  link?: string;
  /** What the server calls itself. */
  name?: string;
  warn: (message: string) => void;
}

/** Answers with what is there. Throws, or answers, what is wrong. */
export function answerFiles(
  transaction: Transaction,
  target: FilesTarget,
  digests: FileDigests,
): Response | Promise<Response> {
  const { method, headers, query, path, reading } = transaction;
  const { access, at, found, link, name, request, warn } = target;
  const { shared } = found;
  const wanted = reading ? wantedDigests(headers) : null;
  const read = (reply: Reply) =>
    wanted === null
      ? transaction.send(reply)
      : transaction.settle(addDigests(reply, wanted, { method, digests }));
  if (transaction.forTus) {
    const asked = { request, method, path: found.path ?? tusInner(path), query, access, warn };
    return answerTus(found, asked).then(
      (reply) => transaction.send(reply),
      (error) => transaction.fail(error, TUS_HEADERS),
    );
  }
  // In a share with a path of its own, paths and permissions start there.
  const inner = found.path ?? at;
  const own = shared === null ? access : shared.accessOf(access);
  const sha256 = access.token?.sha256;
  if (reading && shared !== null && sha256 === undefined && !wantsDownload(query)) {
    const coding = shared.share.coded ? madeCoding(headers.get("accept-encoding")) : null;
    const file = shared.hot.find(inner, coding);
    if (file !== undefined && own.can("r", file.path)) {
      const reply = answerHot(file, headers);
      if (reply !== null) return read(reply);
    }
  }
  if (found.error !== null) throw found.error;
  const reply = async (made: Promise<Reply>) => await read(await made);
  if (shared === null) {
    const { mounts } = found;
    const see = (mount: Mount) => (mount as Shared).see(access);
    return reply(outside({ request, method, path: at, query, access, mounts, see, link, name }));
  }
  const exchange: Exchange = {
    request,
    method,
    path: inner === "" ? "/" : inner,
    query,
    access: own,
    share: shared.share,
    mounted: shared.mountedAmong(found.mounts, access),
    link,
    warn,
  };
  if (reading && inner === "") {
    demand(own, "r", "");
    return transaction.send(redirect(shared.path, query));
  }
  if (reading && sha256 !== undefined) {
    // What stands beside the file is not the content that was looked at.
    const alone = { ...exchange, share: { ...shared.share, precompressed: false } };
    return checkPinned(alone, sha256, digests).then(() => read(get(alone, shared.hot)));
  }
  if (reading) return read(get(exchange, shared.hot));
  const act = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (act === undefined) throw noSuchMethod(method);
  const made = act(exchange);
  return made instanceof Promise ? transaction.settle(made) : transaction.send(made);
}

/** Those that are known, to answer them as RFC 9110 section 9.1 says: 405 for what is not for this, 501 for all else. */
const KNOWN = new Set(["CONNECT", "PATCH", "POST", "TRACE"]);

function noSuchMethod(method: string): FerryError {
  const known = KNOWN.has(method);
  return new HttpError(
    known ? "method_not_allowed" : "not_implemented",
    known ? "files and folders do not have this method" : "there is no such method",
    { allow: ALLOWED },
  );
}

/** An upload, to the share that its URL leads to. */
async function answerTus(
  { shared, mounts, error }: Found,
  asked: Omit<Exchange, "share" | "mounted">,
): Promise<Reply> {
  // Loaded with the first one.
  const { describe, tus } = await import("./tus/api.ts");
  if (shared === null) {
    if (error === null && asked.method === "OPTIONS") return describe();
    throw error ?? notFound();
  }
  const mounted = shared.mountedAmong(mounts, asked.access);
  return await tus({ ...asked, access: shared.accessOf(asked.access), share: shared.share, mounted });
}
