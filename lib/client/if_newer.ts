/** `--if-newer FILE`: fetches only what was changed after FILE was. */
import { FerryError, osReason, quote } from "../core/errors.ts";
import { formatHttpDate } from "../http/date.ts";

/**
 * Since when something has to have changed for a request to bring it; undefined where `path` is not there yet. Throws
 * `usage`.
 */
export function ifNewerThan(
  path: string,
  { method, headers }: { method: string; headers: Headers },
): number | undefined {
  if (method !== "GET" && method !== "HEAD") {
    throw new FerryError("usage", `--if-newer goes with GET and --head, not with ${method}`);
  }
  if (headers.has("if-modified-since") || headers.has("if-none-match")) {
    throw new FerryError("usage", "--if-newer is a condition, and --header has another one");
  }
  return timeOf(path) ?? undefined;
}

/**
 * When `path` was changed, milliseconds since 1970; null where there is no such file, so that there is nothing to be
 * newer than. Throws `usage` for what is no file.
 */
export function timeOf(path: string): number | null {
  try {
    const info = Deno.statSync(path);
    if (!info.isFile) throw new FerryError("usage", `--if-newer ${quote(path)}: it is not a file`);
    return info.mtime?.getTime() ?? null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof FerryError) throw error;
    throw new FerryError("usage", `--if-newer ${quote(path)}: ${osReason(error)}`);
  }
}

/** The condition as the server is asked it. */
export function ifNewerHeader(since: number): Record<string, string> {
  return { "if-modified-since": formatHttpDate(since) };
}

/**
 * Whether an answer with this status is about content that was changed at `lastModified`, no later than `since`: some
 * servers send all of it unless the condition names that very time (nginx).
 */
export function isNoNewer(
  { status, lastModified }: { status: number; lastModified: number | undefined },
  since: number,
): boolean {
  // HTTP counts in seconds.
  return (status === 200 || status === 206) && lastModified !== undefined &&
    lastModified <= Math.floor(since / 1000) * 1000;
}
