/** How a worker that only reads hands a request to the primary: over a unix socket that only they know. */
import { problemResponse } from "../http/problem.ts";
import { authorityOf, isHost, rawTarget } from "../http/target.ts";
import type { ConnectionInfo, Handler } from "./handler.ts";

/** What the primary is called between them; a worker may connect to nobody else. Its clients' Host goes with each request. */
const PRIMARY = "http://primary.ferry.invalid";
export const PRIMARY_HOST = "primary.ferry.invalid:80";

/** Who asked, for the primary's log; nobody else can send it anything. */
const CLIENT = "ferry-client";

/** What concerns one connection alone (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

/** Answers what only reads files with `handler`, and lets the primary behind `socket` answer the rest. */
export function handingOver(handler: Handler, socket: string): Handler {
  const pass = passingTo(socket);
  return (request, info) => isReading(request) ? handler(request, info) : pass(request, info);
}

/** Lets the primary behind `socket` answer everything (but what `handler` refuses), and its clients connect anew. */
export function leavingTo(handler: Handler, socket: string): Handler {
  const pass = passingTo(socket);
  return async (request, info) => {
    if (isOdd(request)) return handler(request, info);
    const { body, status, statusText, headers } = await pass(request, info);
    const last = new Headers(headers);
    last.set("connection", "close");
    return new Response(body, { status, statusText, headers: last });
  };
}

/** The primary's side of it: `handler` sees who really asked. */
export function takingOver(handler: Handler): Handler {
  return (request, { completed }) => {
    const remote = JSON.parse(request.headers.get(CLIENT) ?? "null");
    const authority = request.headers.get("host") ?? undefined;
    return handler(request, { remoteAddr: remote, completed, authority });
  };
}

/** Whether a reader answers it by itself. A name in the path that looks like Ferry's own is handed over for nothing. */
function isReading(request: Request): boolean {
  const { method, url, headers } = request;
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") {
    // Locks, which `If` is about, are the primary's.
    return !url.includes("/.ferry/") && !headers.has("if");
  }
  return isOdd(request);
}

/** What every handler refuses, whatever the method, and what would not come through. */
function isOdd({ url, headers }: Request): boolean {
  return !isHost(headers.get("host")) || /[\\#]|\/(\.|%2e){1,2}(\/|$)/i.test(rawTarget(url).path);
}

function passingTo(socket: string): (request: Request, info: ConnectionInfo) => Promise<Response> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket }, allowHost: true });
  return async ({ method, url, body, headers: given }, { remoteAddr }) => {
    const headers = new Headers(given);
    for (const name of HOP_BY_HOP) headers.delete(name);
    // HTTP/2 has it in the URL alone, and a target in absolute form counts before Host.
    headers.set("host", authorityOf(url));
    headers.set(CLIENT, JSON.stringify(remoteAddr));
    const { path, query } = rawTarget(url);
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    try {
      return await fetch(PRIMARY + path + query, { method, headers, body, redirect: "manual", client });
    } catch {
      // It is just being replaced, or the client has gone.
      const problem = { status: 503, detail: "the server is not ready for this", code: "too_many" };
      return problemResponse(problem, headers.get("accept"), { "retry-after": "1" });
    }
  };
}
