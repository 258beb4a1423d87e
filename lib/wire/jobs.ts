/** The messages about jobs, syncs that a server runs by itself, and their validators (docs/protocol.md, "Jobs"). */
import { ERROR_TABLE, type ErrorCode, FerryError, quote } from "../core/errors.ts";
import { type Fields, flag, integer, isObject, list, malformed, text } from "./fields.ts";
import { type Holder, parseHolder, parseSessionOptions, type SessionOptions } from "./session.ts";

/** What `POST token` answers. */
export interface TokenAnswer {
  token: string;
  /** When it ends, in ms since 1970. */
  expires: number;
}

/** The flags of a run that goes on elsewhere, as the command line has them. */
export interface JobOptions extends SessionOptions {
  dryRun: boolean;
  delete: boolean;
  checksum: boolean;
  force: boolean;
  maxDelete: string;
  /** What to leave out, in gitignore's syntax, the later ones winning. */
  patterns: string[];
  links: "keep" | "copy" | "skip";
  bwlimit?: number;
  parallel?: number;
}

/** What `POST jobs` asks for: that the folder of the call is made to hold what `source` holds. */
export interface JobRequest {
  /** The URL of a folder on another server. */
  source: string;
  /** What the other server takes for the right to read it. */
  token: string;
  options: JobOptions;
  holder: Holder;
}

/** Patterns of one run. */
const MAX_PATTERNS = 1000;

const MAX_TOKEN_CHARS = 16_384;

/** The answer of `POST token`. Throws `protocol`. */
export function parseToken(fields: Fields): TokenAnswer {
  return { token: tokenOf(fields), expires: integer(fields, "expires") };
}

/** The body of `PUT jobs/ID`: the token to go on with. */
export function parseRenewal(fields: Fields): { token: string } {
  return { token: tokenOf(fields) };
}

function tokenOf(fields: Fields): string {
  const token = text(fields, "token", MAX_TOKEN_CHARS);
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) throw malformed('"token" is not a bearer token');
  return token;
}

/** The body of `POST jobs`. */
export function parseJobRequest(fields: Fields): JobRequest {
  if (!isObject(fields.options)) throw malformed('"options" is missing');
  if (!isObject(fields.holder)) throw malformed('"holder" is missing');
  const { options } = fields;
  return {
    source: text(fields, "source"),
    token: tokenOf(fields),
    options: {
      dryRun: flag(options, "dryRun"),
      delete: flag(options, "delete"),
      checksum: flag(options, "checksum"),
      force: flag(options, "force"),
      maxDelete: text(options, "maxDelete", 20),
      patterns: list(options, "patterns", MAX_PATTERNS).map((_, index) => patternOf(options, index)),
      links: linksOf(options),
      ...parseSessionOptions(options),
      ...(options.bwlimit === undefined ? {} : { bwlimit: integer(options, "bwlimit", 1) }),
      ...(options.parallel === undefined ? {} : { parallel: integer(options, "parallel", 1, 64) }),
    },
    holder: parseHolder(fields.holder),
  };
}

function linksOf(options: Fields): JobOptions["links"] {
  const { links } = options;
  if (links !== "keep" && links !== "copy" && links !== "skip") {
    throw malformed('"links" is no way with links');
  }
  return links;
}

function patternOf(options: Fields, index: number): string {
  return text(options.patterns as Fields, String(index));
}

/** The last line of a job that was stopped: the error that a run on this machine would have ended with. */
export function parseJobError(fields: Fields): FerryError {
  const code = text(fields, "code", 100);
  const known = Object.hasOwn(ERROR_TABLE, code) ? code as ErrorCode : "http_status";
  return new FerryError(known, quote(text(fields, "message")));
}
