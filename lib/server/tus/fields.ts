/** The header fields of tus 1.0 (https://tus.io/protocols/resumable-upload), read and checked. */
import { FerryError } from "../../core/errors.ts";
import { HttpError } from "../failure.ts";
import { TUS_HEADERS } from "./paths.ts";

/** The version that is spoken. */
export const TUS_VERSION = TUS_HEADERS["tus-resumable"];

/** The type of a body that is a piece of an upload. */
export const PIECE_TYPE = "application/offset+octet-stream";

/** More parts than this are joined by nobody. */
const MAX_PARTS = 1000;

/** The part of a request's head that is read here. */
type Fields = Pick<Headers, "get">;

/** What an upload is of others. */
export type Concat =
  | { kind: "whole" }
  /** Bytes that are to be joined with others. */
  | { kind: "partial" }
  /** All bytes of these uploads, one after the other. */
  | { kind: "final"; ids: string[]; field: string };

/** Throws `precondition_failed` unless the client speaks this version. */
export function checkVersion(headers: Fields): void {
  if (headers.get("tus-resumable") === TUS_VERSION) return;
  throw new HttpError("precondition_failed", `this server speaks tus ${TUS_VERSION}: send Tus-Resumable`, {
    "tus-version": TUS_VERSION,
  });
}

/** The number of bytes that field `name` says, or null without one. Throws `bad_request`. */
export function readBytes(headers: Fields, name: string): number | null {
  const text = headers.get(name);
  if (text === null) return null;
  if (!/^\d{1,15}$/.test(text)) throw new FerryError("bad_request", `${name} must be a number of bytes`);
  return Number(text);
}

/** The length of a new upload; null where it is to be told later. Throws `bad_request`. */
export function readLength(headers: Fields): number | null {
  const length = readBytes(headers, "Upload-Length");
  const defer = headers.get("upload-defer-length");
  if (defer !== null && defer !== "1") {
    throw new FerryError("bad_request", "Upload-Defer-Length must be 1");
  }
  if ((length === null) === (defer === null)) {
    throw new FerryError("bad_request", "an upload has an Upload-Length, or Upload-Defer-Length: 1");
  }
  return length;
}

/** Reads `Upload-Concat`. Throws `bad_request`. */
export function readConcat(headers: Fields): Concat {
  const field = headers.get("upload-concat");
  if (field === null) return { kind: "whole" };
  if (field === "partial") return { kind: "partial" };
  const list = /^final;\s*(.+)$/.exec(field)?.[1];
  if (list === undefined) {
    throw new FerryError("bad_request", "Upload-Concat must be partial, or final; and the URLs of uploads");
  }
  const urls = list.trim().split(/ +/, MAX_PARTS + 1);
  if (urls.length > MAX_PARTS) {
    throw new FerryError("bad_request", `Upload-Concat joins at most ${MAX_PARTS} uploads`);
  }
  return { kind: "final", ids: urls.map(idOf), field };
}

function idOf(url: string): string {
  const id = url.slice(url.lastIndexOf("/") + 1);
  if (isId(id)) return id;
  throw new FerryError("bad_request", "Upload-Concat names something else than an upload of this server");
}

/** Whether `text` could name an upload. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** Whether the body is a piece of an upload. */
export function isPiece(headers: Fields): boolean {
  return headers.get("content-type")?.toLowerCase() === PIECE_TYPE;
}

/** The method that is meant: the one on the request line, unless `X-HTTP-Method-Override` names another. */
export function meantMethod(method: string, headers: Fields): string {
  return headers.get("x-http-method-override")?.toUpperCase() ?? method;
}
