/**
 * Resumable uploads: tus 1.0 with creation, creation-with-upload, creation-defer-length, checksum, expiration,
 * termination and concatenation. docs/protocol.md says what Ferry makes of the parts that tus leaves open.
 */
import { FerryError } from "../../core/errors.ts";
import { parseUrlPath } from "../../core/paths.ts";
import { formatHttpDate } from "../../http/date.ts";
import { problemContent, problemHeaders } from "../../http/problem.ts";
import { bodyCheck } from "../body_check.ts";
import { HttpError } from "../failure.ts";
import { patientBody } from "../patient_body.ts";
import { findPlace } from "../put.ts";
import type { Reply } from "../reply.ts";
import { demand, type Exchange, type Share } from "../share.ts";
import { CHECKSUMS, readChecksum } from "./checksum.ts";
import * as fields from "./fields.ts";
import { finish, placeOf } from "./finish.ts";
import { join } from "./join.ts";
import { parseMetadata, readMtime, targetPath } from "./metadata.ts";
import { TUS_HEADERS, TUS_METHODS, TUS_PATH } from "./paths.ts";
import { receivePiece } from "./receive.ts";
import type { NewUpload, ShelvedUpload } from "./shelf.ts";
import type { Hold } from "./turn.ts";

const EXTENSIONS =
  "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";

/** The headers of a creation that are obeyed when the file takes its place: as those of the PUT it stands for. */
const CONDITIONS = ["if-match", "if-none-match", "if-unmodified-since", "if", "repr-digest"];

/**
 * Answers a request below `TUS_PATH`; `path` is what stands behind that, in the share. Whoever calls it adds
 * `TUS_HEADERS` to what is thrown.
 */
export async function tus(exchange: Exchange): Promise<Reply> {
  const { headers } = exchange.request;
  const method = fields.meantMethod(exchange.method, headers);
  if (method === "OPTIONS") return describe(exchange.share);
  const act = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (act === undefined) {
    throw new HttpError("method_not_allowed", "uploads do not have this method", { allow: TUS_METHODS });
  }
  fields.checkVersion(headers);
  const reply = await act(exchange);
  Object.assign(reply.headers, TUS_HEADERS);
  return reply;
}

const METHODS: Readonly<Record<string, (exchange: Exchange) => Promise<Reply>>> = {
  POST: create,
  HEAD: tell,
  PATCH: add,
  DELETE: end,
};

/** What there is, for a share or a server. */
export function describe({ maxUpload }: Pick<Share, "maxUpload"> = {}): Reply {
  const headers: Record<string, string> = {
    ...TUS_HEADERS,
    "allow": TUS_METHODS,
    "tus-version": fields.TUS_VERSION,
    "tus-extension": EXTENSIONS,
    "tus-checksum-algorithm": CHECKSUMS,
  };
  if (maxUpload !== undefined) headers["tus-max-size"] = String(maxUpload);
  return { status: 204, headers, body: null };
}

async function create(exchange: Exchange): Promise<Reply> {
  const { request: { headers }, share, access } = exchange;
  const concat = fields.readConcat(headers);
  const told = readNew(exchange, concat);
  if (concat.kind === "final") return await createJoined(exchange, told, concat.ids);
  const body = pieceOf(exchange);
  const upload = share.uploads.shelf.add(access.user, told);
  using hold = await share.uploads.turns.take(upload.id);
  try {
    const wrong = body === null ? null : await receive(exchange, { upload, hold, body });
    if (wrong !== null) {
      share.uploads.shelf.remove(upload);
      return wrong;
    }
    await finishIfWhole(exchange, upload);
  } catch (error) {
    // Its client never learns of it, or has to make it anew.
    share.uploads.shelf.remove(upload);
    throw error;
  }
  const reply = created(exchange, upload.id);
  if (body !== null || upload.record.length === 0) reply.headers["upload-offset"] = String(upload.offset);
  return expiring(reply, upload);
}

async function createJoined(exchange: Exchange, told: NewUpload, ids: readonly string[]): Promise<Reply> {
  if (exchange.request.headers.get("content-type") === fields.PIECE_TYPE) {
    throw new FerryError("bad_request", "an upload that joins others has no bytes of its own");
  }
  return created(exchange, await join(exchange, told, ids));
}

/** The URL of an upload leads to its share, and to nothing else that has a name. */
function created({ mounted }: Exchange, id: string): Reply {
  return { status: 201, headers: { location: TUS_PATH + mounted.urlOf("", true) + id }, body: null };
}

/** What the head of a POST says of a new upload, with all that can be refused before its bytes come. */
function readNew(exchange: Exchange, concat: fields.Concat): NewUpload {
  const { request: { headers }, share, access, path, mounted } = exchange;
  const folder = path === "" ? "" : parseUrlPath(path).path;
  const field = headers.get("upload-metadata");
  const metadata = parseMetadata(field);
  readMtime(metadata);
  const told: NewUpload = {
    path: folder,
    length: concat.kind === "final" ? null : fields.readLength(headers),
    metadata: field ?? "",
    concat: concat.kind === "final" ? concat.field : concat.kind === "partial" ? "partial" : null,
    conditions: {},
  };
  if (concat.kind === "partial") {
    demand(access, "w", folder);
  } else {
    for (const name of CONDITIONS) {
      const value = headers.get(name);
      if (value !== null) told.conditions[name] = value;
    }
    bodyCheck(new Headers(told.conditions));
    told.path = targetPath(folder, metadata);
    if (mounted.inside(mounted.urlOf(told.path)) === null) {
      throw new FerryError("conflict", "the path is another share's; create the upload at its folder");
    }
    findPlace(placeOf(exchange, told));
  }
  checkSize(share.maxUpload, told.length ?? 0);
  return told;
}

function checkSize(maxUpload: number | undefined, bytes: number): void {
  if (maxUpload !== undefined && bytes > maxUpload) {
    throw new FerryError("too_large", `this server stores files of at most ${maxUpload} bytes`);
  }
}

async function tell(exchange: Exchange): Promise<Reply> {
  const { share: { uploads } } = exchange;
  const { id } = find(exchange);
  // Whoever asks for the offset is about to go on: nothing may move it any more.
  using _hold = await uploads.turns.take(id);
  const upload = find(exchange);
  await finishIfWhole(exchange, upload);
  const { record, offset } = upload;
  const headers: Record<string, string> = { "cache-control": "no-store", "upload-offset": String(offset) };
  if (record.length === null) headers["upload-defer-length"] = "1";
  else headers["upload-length"] = String(record.length);
  if (record.metadata !== "") headers["upload-metadata"] = record.metadata;
  if (record.concat !== null) headers["upload-concat"] = record.concat;
  return expiring({ status: 200, headers, body: null }, upload);
}

async function add(exchange: Exchange): Promise<Reply> {
  const { request: { headers }, share: { uploads } } = exchange;
  const { id } = find(exchange);
  const body = pieceOf(exchange);
  if (body === null) {
    throw new HttpError("unsupported_media_type", `the Content-Type must be ${fields.PIECE_TYPE}`, {
      "accept-patch": fields.PIECE_TYPE,
    });
  }
  const at = fields.readBytes(headers, "Upload-Offset");
  if (at === null) throw new FerryError("bad_request", "Upload-Offset is missing");
  using hold = await uploads.turns.take(id);
  const upload = find(exchange);
  const { record } = upload;
  if (record.concat?.startsWith("final")) {
    throw new FerryError("forbidden", "an upload that joins others cannot be added to");
  }
  if (at !== upload.offset) {
    throw new HttpError("conflict", `the upload has ${upload.offset} bytes, not ${at}`, {
      "upload-offset": String(upload.offset),
    });
  }
  setLength(exchange, upload);
  const wrong = await receive(exchange, { upload, hold, body });
  if (wrong !== null) return wrong;
  await finishIfWhole(exchange, upload);
  const answer = { "upload-offset": String(upload.offset) };
  return expiring({ status: 204, headers: answer, body: null }, upload);
}

/** Takes the length of an upload that was created without one. */
function setLength({ request: { headers }, share }: Exchange, upload: ShelvedUpload): void {
  const length = fields.readBytes(headers, "Upload-Length");
  const { record } = upload;
  if (length === null || length === record.length) return;
  if (record.length !== null) throw new FerryError("bad_request", "the Upload-Length of an upload stays");
  if (length < upload.offset) throw new FerryError("bad_request", "the Upload-Length is less than came");
  checkSize(share.maxUpload, length);
  record.length = length;
  share.uploads.shelf.save(upload);
}

async function end(exchange: Exchange): Promise<Reply> {
  const { share: { uploads } } = exchange;
  const { id } = find(exchange);
  using _hold = await uploads.turns.take(id);
  uploads.shelf.remove(find(exchange));
  return { status: 204, headers: {}, body: null };
}

/** The upload that the URL names, for somebody who may still write where it goes. */
function find({ path, access, share }: Exchange): ShelvedUpload {
  const id = path.slice(1);
  if (!fields.isId(id)) throw new FerryError("not_found", "there is no such upload");
  const upload = share.uploads.shelf.find(access.user, id);
  demand(access, "w", upload.record.path);
  return upload;
}

/** The body, when it is said to be a piece of an upload. */
function pieceOf({ request, share }: Exchange): ReadableStream<Uint8Array> | null {
  if (!fields.isPiece(request.headers)) return null;
  return patientBody(request.body ?? new Blob().stream(), share.patience);
}

/** Adds `body`; the answer is what the client is told when it has not the sum that it was to have. */
async function receive(
  { request: { headers }, share }: Exchange,
  { upload, hold, body }: { upload: ShelvedUpload; hold: Hold; body: ReadableStream<Uint8Array> },
): Promise<Reply | null> {
  const { shelf } = share.uploads;
  const check = readChecksum(headers);
  const most = upload.record.length ?? share.maxUpload ?? Infinity;
  const declared = fields.readBytes(headers, "Content-Length");
  if (declared !== null && upload.offset + declared > most) {
    throw new FerryError("too_large", `the upload has room for ${most - upload.offset} bytes more`);
  }
  if (upload.ended) return null;
  const end = await receivePiece(upload, body, { shelf, hold, check, most });
  return end === "wrong sum" ? wrongSum(headers.get("accept")) : null;
}

/** tus has a status of its own for it. */
function wrongSum(accept: string | null): Reply {
  const detail = "the body has not the sum of its Upload-Checksum; nothing of it was kept";
  const { type, body } = problemContent({ status: 460, detail, code: "checksum_mismatch" }, accept);
  return { status: 460, headers: problemHeaders(type), body };
}

async function finishIfWhole(exchange: Exchange, upload: ShelvedUpload): Promise<void> {
  const { record, offset, ended } = upload;
  if (!ended && offset === record.length && record.concat !== "partial") await finish(exchange, upload);
}

function expiring(reply: Reply, { ended, expires }: ShelvedUpload): Reply {
  if (!ended) reply.headers["upload-expires"] = formatHttpDate(expires);
  return reply;
}
