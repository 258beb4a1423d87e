/**
 * The one table of what can go wrong: each code with the exit status a command ends with and the HTTP status a
 * server answers with. Exit numbers below 40, and 67, are curl's where curl has one.
 */
export const ERROR_TABLE = {
  // wrong use
  usage: { exit: 2, status: 400 },
  bad_url: { exit: 3, status: 400 },
  // the network
  host_not_found: { exit: 6, status: 502 },
  no_connection: { exit: 7, status: 502 },
  address_in_use: { exit: 7, status: 500 },
  partial_transfer: { exit: 18, status: 502 },
  timeout: { exit: 28, status: 408 },
  no_ranges: { exit: 33, status: 502 },
  tls_handshake: { exit: 35, status: 502 },
  too_many_redirects: { exit: 47, status: 502 },
  untrusted_certificate: { exit: 60, status: 502 },
  // what the other side answers, and what this server answers
  http_status: { exit: 22, status: 502 },
  protocol: { exit: 22, status: 400 },
  bad_request: { exit: 22, status: 400 },
  not_found: { exit: 22, status: 404 },
  method_not_allowed: { exit: 22, status: 405 },
  conflict: { exit: 22, status: 409 },
  gone: { exit: 22, status: 410 },
  precondition_failed: { exit: 22, status: 412 },
  too_large: { exit: 22, status: 413 },
  unsupported_media_type: { exit: 22, status: 415 },
  misdirected: { exit: 22, status: 421 },
  range_not_satisfiable: { exit: 22, status: 416 },
  headers_too_large: { exit: 22, status: 431 },
  not_implemented: { exit: 22, status: 501 },
  too_many_requests: { exit: 22, status: 429 },
  too_many: { exit: 22, status: 503 },
  internal: { exit: 22, status: 500 },
  unauthorized: { exit: 67, status: 401 },
  forbidden: { exit: 67, status: 403 },
  // local files
  write_failed: { exit: 23, status: 500 },
  disk_full: { exit: 23, status: 507 },
  read_failed: { exit: 26, status: 500 },
  // content and runs
  checksum_mismatch: { exit: 43, status: 400 },
  partly_done: { exit: 1, status: 500 },
  guard: { exit: 41, status: 409 },
  locked: { exit: 42, status: 423 },
} as const satisfies Record<string, { exit: number; status: number }>;

/** The code of a `FerryError`. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** An error that a person is meant to read: the message names the file, flag or host and what to do. */
export class FerryError extends Error {
  override name = "FerryError";

  constructor(readonly code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The exit status a command ends with after `error`; 1 for what is not a FerryError. */
export function exitStatus(error: unknown): number {
  return error instanceof FerryError ? ERROR_TABLE[error.code].exit : 1;
}

/** The HTTP status a server answers `error` with; 500 for what is not a FerryError. */
export function httpStatus(error: unknown): number {
  return error instanceof FerryError ? ERROR_TABLE[error.code].status : 500;
}

/** The error code of an HTTP status that this table has, for reading the answers of other servers. */
export function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 410:
      return "gone";
    case 412:
      return "precondition_failed";
    case 413:
      return "too_large";
    case 423:
      return "locked";
    case 507:
      return "disk_full";
    default:
      return "http_status";
  }
}

/** What the operating system said, in a few words, without Deno's wrapping and without the path. */
export function osReason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  const code = osCode(error);
  if (code !== undefined && OS_REASONS[code] !== undefined) return OS_REASONS[code];
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\).*$/s, "").replace(/^[A-Za-z]*Error: /, "").toLowerCase();
}

const OS_REASONS: Record<string, string> = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EISDIR: "is a directory",
  ENOTDIR: "a parent is not a directory",
  ENAMETOOLONG: "file name too long",
  ELOOP: "too many levels of symbolic links",
  EXDEV: "on another file system",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EIO: "input/output error",
  ENOTEMPTY: "directory not empty",
};

const OS_NUMBERS: Record<string, string> = {
  "1": "EPERM",
  "5": "EIO",
  "13": "EACCES",
  "16": "EBUSY",
  "18": "EXDEV",
  "20": "ENOTDIR",
  "21": "EISDIR",
  "28": "ENOSPC",
  "30": "EROFS",
  "36": "ENAMETOOLONG",
  "39": "ENOTEMPTY",
  "40": "ELOOP",
  "122": "EDQUOT",
};

/** The errno name (`ENOSPC`) of an error that a system call gave, where it can be told. */
export function osCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string" && error.code.startsWith("E")) return error.code;
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return number === undefined ? undefined : OS_NUMBERS[number];
}

/** Whether `error` says that there is no room on a disk, or none left for this user. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof FerryError) return error.code === "disk_full";
  const code = osCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** `error` as a FerryError about writing `path`: `disk_full` when the disk is, else `write_failed`. */
export function writeError(error: unknown, path: string): FerryError {
  if (error instanceof FerryError) return error;
  return new FerryError(
    isDiskFull(error) ? "disk_full" : "write_failed",
    `cannot write ${quote(path)}: ${osReason(error)}`,
    {
      cause: error,
    },
  );
}

/** `error` as a FerryError about reading `path`. */
export function readError(error: unknown, path: string): FerryError {
  if (error instanceof FerryError) return error;
  return new FerryError("read_failed", `cannot read ${quote(path)}: ${osReason(error)}`, { cause: error });
}

/**
 * A path or name as a message may show it: control characters, which could move a terminal's cursor or forge a
 * log line, become escapes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(quote("a\nb"), "a\\nb");
 * ```
 */
export function quote(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    if (c === "\r") return "\\r";
    const hex = c.charCodeAt(0).toString(16);
    return hex.length <= 2 ? "\\x" + hex.padStart(2, "0") : "\\u" + hex.padStart(4, "0");
  });
}

/** For the `default` of a switch over a union: a new member that nobody handled does not compile. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`);
}
