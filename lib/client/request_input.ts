/** From the flags of `ferry request` to what is to be requested. Reads the files that flags name; throws `usage`. */
import type { Io } from "../cli/io.ts";
import { encodeSegment } from "../core/paths.ts";
import { FerryError, quote, readError } from "../core/errors.ts";
import { type BodySource, fileSource } from "./body_source.ts";
import { jsonProblem } from "./json_problem.ts";

/** The flags that say what is sent. */
export interface SendFlags {
  data: string[];
  "data-json": string | undefined;
  form: string[];
  upload: string | undefined;
  head: boolean;
  header: string[];
}

/** What is sent to each URL. */
export interface Sending {
  method: string;
  headers: Headers;
  body: BodySource;
  /** The name that an uploaded file gets where the URL ends in a slash; empty for what comes through a pipe. */
  fileName?: string;
  /** Whether any way to send it will do that ends as a `PUT` does. */
  anyWay?: boolean;
}

/** Method, headers and body, by the flags and the METHOD that was given. */
export async function readSending(flags: SendFlags, method: string | undefined, io: Io): Promise<Sending> {
  const given = [
    ...(flags.data.length > 0 ? ["--data"] : []),
    ...(flags["data-json"] !== undefined ? ["--data-json"] : []),
    ...(flags.form.length > 0 ? ["--form"] : []),
    ...(flags.upload !== undefined ? ["--upload"] : []),
    ...(flags.head ? ["--head"] : []),
  ];
  if (given.length > 1) throw new FerryError("usage", `${given[0]} and ${given[1]} cannot go together`);
  const headers = parseHeaders(flags.header);
  const sending = { method: method ?? "GET", headers, body: { kind: "none" } as BodySource };
  if (flags.head) {
    if (method !== undefined && method !== "HEAD") {
      throw new FerryError("usage", `--head makes a HEAD request, not ${method}`);
    }
    return { ...sending, method: "HEAD" };
  }
  if (given.length === 0) return sending;
  if (method === "GET" || method === "HEAD") {
    throw new FerryError("usage", `${given[0]} sends a body, and ${method} has none`);
  }
  if (flags.upload === "") throw new FerryError("usage", "--upload is empty");
  if (flags.upload !== undefined) {
    const fileName = flags.upload === "-" ? "" : flags.upload.split("/").at(-1);
    const body = fileSource(flags.upload, io.stdin);
    return { ...sending, method: method ?? "PUT", body, fileName, anyWay: method === undefined };
  }
  if (flags.form.length > 0) {
    return { ...sending, method: method ?? "POST", body: await readForm(flags.form, headers, io) };
  }
  const json = flags["data-json"];
  if (json !== undefined) {
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    if (!headers.has("accept")) headers.set("accept", "application/json, */*;q=0.5");
    if (!json.startsWith("@")) checkJson(json);
    return { ...sending, method: method ?? "POST", body: dataSource("--data-json", json, io) };
  }
  if (!headers.has("content-type")) headers.set("content-type", "application/x-www-form-urlencoded");
  return { ...sending, method: method ?? "POST", body: joinData(flags.data, io) };
}

/** `url` with the name of the uploaded file at its end where it names a folder. */
export function uploadUrl(url: URL, sending: Sending): URL {
  if (sending.fileName === undefined || !url.pathname.endsWith("/") || sending.method !== "PUT") return url;
  if (sending.fileName === "") {
    throw new FerryError("usage", `${quote(url.href)}: a name is missing; put one after the last slash`);
  }
  const named = new URL(url);
  named.pathname += encodeSegment(sending.fileName);
  return named;
}

/** `Name: value` a piece. Throws `usage` that shows the name alone, for the value may be a secret. */
function parseHeaders(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    // Without a colon, the first word: what follows may be the secret.
    const name = colon === -1 ? line.trim().split(/\s/, 1)[0] : line.slice(0, colon).trim();
    if (colon <= 0) throw new FerryError("usage", `--header ${quote(name)}: must be like "Name: value"`);
    try {
      headers.append(name, utf8Bytes(line.slice(colon + 1).trim()));
    } catch {
      throw new FerryError("usage", `--header ${quote(name)}: it has characters that a header cannot hold`);
    }
  }
  return headers;
}

/** Headers are bytes: one character a byte of its UTF-8. */
export function utf8Bytes(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new FerryError("usage", `--data-json is not JSON: ${jsonProblem(error)}`);
  }
}

function dataSource(flag: string, data: string, io: Io): BodySource {
  if (data === "@") throw new FerryError("usage", `${flag} @: the name of a file is missing after @`);
  return data.startsWith("@")
    ? fileSource(data.slice(1), io.stdin)
    : { kind: "bytes", bytes: new TextEncoder().encode(data) };
}

/** The form that `fields` are; its type is added to `headers`. */
async function readForm(fields: readonly string[], headers: Headers, io: Io): Promise<BodySource> {
  const { parseFormField } = await import("./form/form_field.ts");
  const { formBody } = await import("./form/form_body.ts");
  const given = headers.get("content-type");
  if (given !== null && !/^multipart\/form-data$/i.test(given)) {
    throw new FerryError(
      "usage",
      "--form is sent as multipart/form-data: --header Content-Type cannot go with it",
    );
  }
  const { type, body } = formBody(fields.map(parseFormField), io.stdin);
  headers.set("content-type", type);
  return body;
}

/** Several `--data` become one body with `&` between them, as curl does it. */
function joinData(data: readonly string[], io: Io): BodySource {
  if (data.length === 1) return dataSource("--data", data[0], io);
  if (data.filter((text) => text === "@-").length > 1) {
    throw new FerryError("usage", "--data @-: standard input can be sent once only");
  }
  const and: BodySource = { kind: "bytes", bytes: new TextEncoder().encode("&") };
  const parts = data.flatMap((text, index) => {
    const source = dataSource("--data", text, io);
    return index === 0 ? [source] : [and, source];
  });
  return { kind: "parts", parts };
}

/** A file that is small. Throws `read_failed`. */
export function readWhole(path: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw readError(error, path);
  }
}
