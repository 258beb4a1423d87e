/** `ferry request --etag-save` and `--etag-compare`, loaded only for them. */
import { FerryError, quote } from "../lib/core/errors.ts";
import { checkEtagPath, readEtag, saveEtag } from "../lib/client/etag_file.ts";
import type { Job } from "../lib/client/jobs/job.ts";
import { TakenPaths } from "../lib/client/jobs/taken_paths.ts";
import type { Sending } from "../lib/client/request_input.ts";
import { isFolder, type OutputPlan } from "../lib/client/request_output.ts";
import { resolveOutput, statOrNull } from "../lib/client/sink.ts";
import { parseTarget } from "../lib/client/target.ts";
import type { RequestFlags } from "./request_flags.ts";

/** What is requested, by a call that has one URL. */
export interface OneRequest {
  sending: Sending;
  /** Undefined where there are several, or may be. */
  job: Job | undefined;
  outputs: OutputPlan;
}

/**
 * Puts the condition of `--etag-compare` into the headers, and gives what takes the ETag of the answer for
 * `--etag-save`. Throws `usage`, `read_failed`, and `write_failed` where no file can be saved.
 */
export function prepareEtags(
  flags: RequestFlags,
  request: OneRequest,
): ((etag: string | null) => void) | undefined {
  const { "etag-save": save, "etag-compare": compare } = flags;
  check(flags, request, compare === undefined ? "--etag-save" : "--etag-compare");
  if (save !== undefined) {
    checkEtagPath(save);
    if (isOutput(save, request)) {
      throw new FerryError("usage", `--etag-save ${quote(save)}: the body goes into that one file, too`);
    }
  }
  const known = compare === undefined ? null : readEtag(compare);
  if (known !== null && hasCopy(request)) request.sending.headers.set("if-none-match", known);
  return save === undefined ? undefined : (etag) => saveEtag(save, etag);
}

function check(flags: RequestFlags, { sending, job }: OneRequest, name: string): void {
  const { method, headers } = sending;
  if (method !== "GET" && method !== "HEAD") {
    throw new FerryError("usage", `${name} goes with GET and --head, not with ${method}`);
  }
  const other = flags.recursive
    ? "--recursive"
    : flags.input !== undefined
    ? "--input"
    : flags.continue
    ? "--continue"
    : flags.mirror.length > 0
    ? "--mirror"
    : flags.segments > 1
    ? "--segments"
    : null;
  if (other !== null) throw new FerryError("usage", `${name} and ${other} cannot go together`);
  if (job === undefined) throw new FerryError("usage", `${name} is of one URL, not of several`);
  if (flags["etag-compare"] === undefined) return;
  if (flags["if-newer"] !== undefined || headers.has("if-none-match") || headers.has("if-modified-since")) {
    const what = flags["if-newer"] === undefined ? "--header has another one" : "--if-newer is another one";
    throw new FerryError("usage", `--etag-compare is a condition, and ${what}`);
  }
}

/** Whether the body is to be written to `path`. */
function isOutput(path: string, { job, outputs, sending }: OneRequest): boolean {
  if (sending.method === "HEAD") return false;
  const output = outputs(parseTarget(job!.target).url, job!);
  if (output === null || isFolder(output)) return false;
  const paths = new TakenPaths();
  const target = resolveOutput(path);
  return target.ordinary && paths.take(target.path) && !paths.take(resolveOutput(output).path);
}

/** Whether what the ETag is of may still be there: of a file that is gone, "not changed" would be no answer. */
function hasCopy({ job, outputs, sending }: OneRequest): boolean {
  if (sending.method === "HEAD") return true;
  const path = outputs(parseTarget(job!.target).url, job!);
  return path === null || isFolder(path) || statOrNull(path, path) !== null;
}
