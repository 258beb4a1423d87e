/** What a server says of itself, below `/.ferry/`: that it lives, that it can serve, and what it has done. */
import { FerryError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import type { Access } from "./access.ts";
import { HttpError } from "./failure.ts";
import { METRICS_TYPE } from "./metrics/exposition.ts";
import type { Reply } from "./reply.ts";

const PLAIN = { "content-type": "application/json", "cache-control": "no-store" };

/** `/.ferry/health`: 200 as long as there is somebody to say it. */
export function health(method: string, name: string | undefined): Reply {
  readOnly(method, "health");
  const body = JSON.stringify({ status: "ok", name, version: VERSION }) + "\n";
  return { status: 200, headers: PLAIN, body };
}

/**
 * `/.ferry/ready`: 200 when requests for files make sense, 503 where one of the folders `roots` is gone, as when its disk
 * is not mounted. A server that stops answers everything with 503. It names no folder: anybody may ask.
 */
export function ready(method: string, roots: readonly string[]): Reply {
  readOnly(method, "readiness");
  const gone = roots.filter((root) => !isFolder(root)).length;
  if (gone > 0) {
    const what = roots.length === 1
      ? "the shared folder is"
      : `${gone} of ${roots.length} shared folders are`;
    throw new FerryError("too_many", `${what} not there`);
  }
  return { status: 200, headers: PLAIN, body: JSON.stringify({ status: "ready" }) + "\n" };
}

/**
 * `/.ferry/metrics`, for users who may read the whole server, and without a login for programs on this machine. What a
 * proxy passes on is not from this machine, whatever its address says. Throws `unauthorized` or `forbidden`.
 */
export async function metrics(
  request: Pick<Request, "method" | "headers">,
  { access, remote, page }: { access: Access; remote: Deno.Addr; page: () => Promise<string> },
): Promise<Reply> {
  readOnly(request.method, "metrics");
  if (!isLocal(remote, request.headers) && !(access.user !== null && access.can("r", ""))) {
    const { status, detail } = access.denial("r");
    throw new FerryError(status === 401 ? "unauthorized" : "forbidden", detail);
  }
  const headers = { "content-type": METRICS_TYPE, "cache-control": "no-store" };
  return { status: 200, headers, body: await page() };
}

/** What proxies add (RFC 7239, and what came before it). */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

function isLocal(remote: Deno.Addr, headers: Headers): boolean {
  if (FORWARDED.some((name) => headers.has(name))) return false;
  // Behind a unix socket there mostly is a proxy.
  if (!("hostname" in remote)) return false;
  return /^(::ffff:)?127\.|^::1$/.test(remote.hostname);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function readOnly(method: string, what: string): void {
  if (method === "GET" || method === "HEAD") return;
  throw new HttpError("method_not_allowed", `${what} can only be read`, { allow: "GET, HEAD" });
}
