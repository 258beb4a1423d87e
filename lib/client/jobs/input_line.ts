/** One line of `--input`. Pure. */
import { FerryError, quote } from "../../core/errors.ts";
import { jsonProblem } from "../json_problem.ts";
import { parseSha256 } from "../../cli/units.ts";
import { utf8Bytes } from "../request_input.ts";
import type { Job } from "./job.ts";

const KEYS = ["url", "output", "headers", "checksum", "method", "data"];

/** Where a line stands, for messages, and what it may say. */
export interface LineContext {
  /** As in `FILE:12`. */
  where: string;
  /** Files have to stay in the folder that a flag names. */
  below?: boolean;
}

/** The job of a line, or null for one without. Throws `usage` that names the line. */
export function parseLine(line: string, context: LineContext): Job | null {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return null;
  const fail = (why: string) => new FerryError("usage", `${quote(context.where)}: ${why}`);
  if (text.includes("\ufffd")) throw fail("it is not UTF-8");
  if (!text.startsWith("{")) return { target: text };
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    throw fail(`it is not JSON: ${jsonProblem(error)}`);
  }
  return jobOf(fields as Record<string, unknown>, context, fail);
}

type Fail = (why: string) => FerryError;

function jobOf(fields: Record<string, unknown>, { below }: LineContext, fail: Fail): Job {
  for (const key of Object.keys(fields)) {
    if (!KEYS.includes(key)) throw fail(`unknown "${quote(key)}"; known are ${KEYS.join(", ")}`);
    if (key !== "headers" && typeof fields[key] !== "string") throw fail(`"${key}" must be a text`);
  }
  const { url, output, headers, checksum, method, data } = fields as Record<string, string | undefined>;
  if (url === undefined || url === "") throw fail('"url" is missing');
  const job: Job = { target: url };
  if (output !== undefined) {
    if (output === "") throw fail('"output" is empty');
    if (below && (output.startsWith("/") || output.split("/").includes(".."))) {
      throw fail(`"output" ${quote(output)} cannot lie in --output-dir`);
    }
    job.output = output;
  }
  if (checksum !== undefined) {
    const hex = parseSha256(checksum);
    if (hex === null) throw fail('"checksum" must be sha256: and 64 hexadecimal digits');
    job.sha256 = hex;
  }
  if (method !== undefined) {
    // RFC 9110 section 9.1: a token.
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,50}$/i.test(method)) throw fail(`"method" ${quote(method)} is none`);
    job.method = method.toUpperCase();
    // RFC 9110 section 9.3.6: it asks a proxy, and what follows its answer is no body.
    if (job.method === "CONNECT") throw fail('"method" CONNECT is for proxies, and asks for no URL');
  }
  const given = headers === undefined ? null : readHeaders(headers, fail);
  if (data !== undefined) {
    if (job.method === "GET" || job.method === "HEAD") {
      throw fail(`"data" is a body, and ${job.method} has none`);
    }
    job.method ??= "POST";
    job.body = { kind: "bytes", bytes: new TextEncoder().encode(data) };
    job.headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
  }
  if (given !== null) {
    job.headers ??= new Headers();
    for (const [name, value] of given) job.headers.set(name, value);
  }
  return job;
}

/** Values may be secrets: messages show names alone. */
function readHeaders(given: unknown, fail: Fail): Headers {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw fail('"headers" must be an object of names and values');
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string") throw fail(`the value of the header "${quote(name)}" must be a text`);
    try {
      headers.append(name, utf8Bytes(value));
    } catch {
      throw fail(`the header "${quote(name)}" has characters that a header cannot hold`);
    }
  }
  return headers;
}
