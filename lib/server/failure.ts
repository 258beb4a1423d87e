/** From whatever was thrown to the answer that a client gets, which tells nothing about the inside. */
import { type ErrorCode, FerryError, httpStatus, isDiskFull, osCode } from "../core/errors.ts";
import { type ProblemContent, problemContent, problemHeaders } from "../http/problem.ts";
import { CHALLENGE } from "./access.ts";
import type { Reply } from "./reply.ts";

/** A FerryError whose answer has headers of its own, or a body. */
export class HttpError extends FerryError {
  override name = "HttpError";

  constructor(
    code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly content: ProblemContent | null = null,
  ) {
    super(code, message);
  }
}

/** The answer, and what the log should hold where the fault is the server's. */
export interface Failure {
  reply: Reply;
  internal: string | null;
  /** The same where a request is such as no honest client sends. */
  refused: string | null;
}

/** What a malformed, a slow, and a too large request are answered with. */
const REFUSED: readonly number[] = [400, 408, 413];

/** The longest reason that a log shows, UTF-16 units: it may hold what the client sent. */
const REASON_CHARS = 300;

/** Answers `error` in the form that the `Accept` header (null for none) asks for; `id` names the request. */
export function failureReply(
  error: unknown,
  { accept, id }: { accept: string | null; id?: string },
): Failure {
  const known = error instanceof FerryError ? explained(error) : fromSystem(error);
  const status = httpStatus(known);
  // Messages of the server's own troubles name paths on its disk.
  const own = status >= 500 && status !== 501 && status !== 503;
  const detail = own ? OWN_TROUBLE[known.code] ?? "something went wrong inside the server" : known.message;
  const { type, body } = known instanceof HttpError && known.content !== null
    ? known.content
    : problemContent({ status, detail, code: known.code, id }, accept);
  const headers = problemHeaders(type);
  if (id !== undefined) headers["x-request-id"] = id;
  // RFC 9110 section 15.5.9: whoever did not send its request in time is not waited for again.
  if (status === 408) headers.connection = "close";
  if (status === 401) Object.assign(headers, CHALLENGE);
  if (known instanceof HttpError) Object.assign(headers, known.headers);
  const cause = known.cause ?? known;
  const internal = own
    ? known.code === "internal" && cause instanceof Error ? String(cause.stack) : known.message
    : null;
  const refused = REFUSED.includes(status) ? known.message.slice(0, REASON_CHARS) : null;
  return { reply: { status, headers, body }, internal, refused };
}

/** A write that the operating system refused is no trouble inside the server. */
function explained(error: FerryError): FerryError {
  if (error.code !== "write_failed" || error.cause === undefined) return error;
  const known = fromSystem(error.cause);
  return httpStatus(known) < 500 ? known : error;
}

const OWN_TROUBLE: Partial<Record<ErrorCode, string>> = {
  disk_full: "no space is left on the server",
  write_failed: "the server could not write this",
  read_failed: "the server could not read this",
};

/** What the system says of things that have become others. */
const MEANWHILE: ReadonlySet<string> = new Set(["EEXIST", "EISDIR", "ELOOP", "ENOTDIR", "ENOTEMPTY"]);
const MEANWHILE_KINDS = [
  Deno.errors.AlreadyExists,
  Deno.errors.FilesystemLoop,
  Deno.errors.IsADirectory,
  Deno.errors.NotADirectory,
];

function fromSystem(error: unknown): FerryError {
  const code = osCode(error);
  // The runtime's sandbox: what was found has become a link that leads out.
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
    return new FerryError("not_found", "there is nothing at this path");
  }
  if (error instanceof Deno.errors.PermissionDenied || code === "EACCES" || code === "EPERM") {
    return new FerryError("forbidden", "the server itself is not allowed to do that");
  }
  // It was something else when it was looked at.
  if (MEANWHILE.has(code ?? "") || MEANWHILE_KINDS.some((kind) => error instanceof kind)) {
    return new FerryError("conflict", "somebody else has changed what is at this path; try again");
  }
  // A mount point, say.
  if (code === "EBUSY") return new FerryError("conflict", "the server's own system is using it");
  if (isDiskFull(error)) return new FerryError("disk_full", "no space left", { cause: error });
  if (code === "EROFS") return new FerryError("forbidden", "the server's file system is read-only");
  if (code === "ENAMETOOLONG") {
    return new FerryError("bad_request", "the path is too long for the server's disk");
  }
  return new FerryError("internal", "something went wrong inside the server", { cause: error });
}
