/** Requests as they are given to the client, and their heads on the wire (RFC 9112 sections 3 and 5). */
import { FerryError, quote } from "../../core/errors.ts";

/** What is sent after a head. */
export interface RequestBody {
  /** In bytes; undefined for one that goes out in chunks. */
  readonly length: number | undefined;
  /** Whether it can be opened now, be it once more. */
  readonly rereadable: boolean;
  open(): Pieces;
}

/** A body on its way. */
export interface Pieces {
  /** What comes next, good until the next call; null at the end. Throws FerryError. */
  next(): Uint8Array | null | Promise<Uint8Array | null>;
  close(): void;
}

/** One request. */
export interface WireRequest {
  url: URL;
  method: string;
  /** Made by `prepareFields`, once for many requests where they are the same. */
  fields: RequestFields;
  body?: RequestBody | null;
  trace?: WireTrace;
}

/** Is told of heads as they go and come, one character a byte. */
export interface WireTrace {
  /** The connection that it goes over, `connected to ...`; `reused` when others went before it. */
  connected(about: string, reused: boolean): void;
  sent(head: string): void;
  /** Each interim answer and the final one: `HTTP/1.1 200 OK`, and the fields as they were spelled. */
  received(line: string, fields: Iterable<[name: string, value: string]>): void;
}

/** The fields of a request, checked and made ready. */
export interface RequestFields {
  /** The lines, each with its end. */
  lines: string;
  /** In place of the URL's. */
  host: string | null;
  /** Whether to ask before a body is sent; null where that depends on the body. */
  expect: boolean | null;
  /** The body goes out in chunks even where its length is known. */
  chunked: boolean;
  /** Whether the connection ends with the answer. */
  close: boolean;
  /** What the sender says that the length is; it must be. */
  length: number | null;
  /** Whether 304 can be an answer (RFC 9110 sections 13.1.2 and 13.1.3). */
  conditional: boolean;
}

/** Reads the fields that say how a request is sent. Throws `usage`. */
export function prepareFields(headers: Iterable<[name: string, value: string]>): RequestFields {
  const fields: RequestFields = {
    lines: "",
    host: null,
    expect: null,
    chunked: false,
    close: false,
    length: null,
    conditional: false,
  };
  for (const [spelled, value] of headers) {
    const name = spelled.toLowerCase();
    if (name === "host") fields.host = readHost(value);
    else if (name === "expect") fields.expect = readExpect(value);
    // As curl takes it, an empty one means that none is sent, nor one that would be sent otherwise.
    else if (value === "") continue;
    else if (name === "transfer-encoding") {
      if (value.toLowerCase() !== "chunked") {
        throw new FerryError("usage", "--header Transfer-Encoding: only chunked can be sent");
      }
      fields.chunked = true;
    } else if (name === "content-length") {
      if (!/^\d{1,15}$/.test(value)) {
        throw new FerryError("usage", `--header Content-Length: ${quote(value)} is no length`);
      }
      fields.length = Number(value);
    } else {
      if (name === "if-none-match" || name === "if-modified-since") fields.conditional = true;
      if (name === "connection") fields.close ||= /\bclose\b/i.test(value);
      fields.lines += `${spelled}: ${value}\r\n`;
    }
  }
  return fields;
}

/** RFC 9112 section 3.2: a request without one is answered with 400. */
function readHost(value: string): string {
  if (value !== "") return value;
  throw new FerryError("usage", "--header Host: it is empty, and no request can be without it");
}

/** Empty, as curl takes it, means that nothing is asked. */
function readExpect(value: string): boolean {
  if (value === "") return false;
  if (value.toLowerCase() === "100-continue") return true;
  throw new FerryError(
    "usage",
    `--header Expect: ${quote(value)} is nothing that can be expected; 100-continue is`,
  );
}

export interface HeadOptions {
  form: "origin" | "absolute";
  proxyHeaders?: readonly [string, string][];
  /** Whether `Expect: 100-continue` stands in it. */
  expect: boolean;
}

/** RFC 9110 section 8.6: these are expected to have a length. */
const WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];

/** The head of `request`, one character a byte, its empty line included. */
export function requestHead(request: WireRequest, { form, proxyHeaders, expect }: HeadOptions): string {
  const { url, method, fields } = request;
  const path = url.pathname + url.search;
  const target = form === "origin" ? path : `${url.protocol}//${url.host}${path}`;
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${fields.host ?? url.host}\r\n${fields.lines}`;
  for (const [name, value] of proxyHeaders ?? []) head += `${name}: ${value}\r\n`;
  if (request.body) {
    head += isChunked(request)
      ? "transfer-encoding: chunked\r\n"
      : `content-length: ${request.body.length}\r\n`;
    if (expect) head += "expect: 100-continue\r\n";
  } else if (WITH_BODY.includes(method)) {
    head += "content-length: 0\r\n";
  }
  return head + "\r\n";
}

export function isChunked({ body, fields }: WireRequest): boolean {
  return body?.length === undefined || fields.chunked;
}

/** Throws `usage` where what `request` says of its body is not so. */
export function checkLength({ body, fields }: WireRequest): void {
  if (fields.length === null || body?.length === undefined) return;
  if (fields.length !== body.length) {
    throw new FerryError(
      "usage",
      `--header Content-Length: it says ${fields.length} where ${body.length} bytes are sent; leave it out`,
    );
  }
}

/** Smaller bodies are sent unasked: that takes less than to ask. */
const ASK_FROM = 1 << 20;

/** Whether to ask the server before the body is sent (RFC 9110 section 10.1.1); curl asks for the same ones. */
export function isAsked({ body, fields }: WireRequest): boolean {
  if (!body) return false;
  return fields.expect ?? (body.length === undefined || body.length >= ASK_FROM);
}
