/** From a handler to a server on a TCP port or a unix socket, and its end. */
import { FerryError, osCode, osReason, quote } from "../core/errors.ts";
import { problemResponse } from "../http/problem.ts";
import type { Gate } from "./guard/gate.ts";
import type { Handler } from "./handler.ts";
import type { KeyPair } from "../client/key_pair.ts";

/** Where to listen. */
export type Place =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** A server that answers. */
export interface Listening {
  /** The URL of its root; `http+unix://...` for a socket. */
  url: string;
  /** The port that it is, also where any free one was asked for; null for a socket. */
  port: number | null;
  /** How many requests are under way. */
  underWay(): number;
  /**
   * Takes no new connections, waits at most `graceMs` for requests under way, and ends. Where it is `leaving` what is
   * asked in the meantime is answered all the same.
   */
  stop(graceMs: number, options?: { leaving: boolean }): Promise<void>;
}

/** A server that can take no connections tries to again after so long. */
const REOPEN_MS = 100;

/** Connections that are in use get so long to be told that others answer from now on. */
const LEAVE_MS = 2000;

/** After the last answer, connections that only idle get so long to notice. */
const LINGER_MS = 200;

/**
 * Starts to serve, beside whoever else of this server does at the same place (`claimPlace`); a socket is taken over
 * from them. Throws `address_in_use` or `usage` with what to do; when it returns, a connection is answered.
 */
export function listen(
  handler: Handler,
  place: Place,
  options: { warn: (message: string) => void; gate?: Gate; tls?: KeyPair },
): Listening {
  const requests = new Gauge();
  // Those that may still be reading a body.
  const uploads = new Gauge();
  let stopping = false;
  const onError = (error: unknown): Response => {
    // The handler itself never throws: a body broke off after its head was sent.
    options.warn(`a body broke off: ${error instanceof Error ? error.message : error}`);
    return new Response(null, { status: 500 });
  };
  const counted = (
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.Addr>,
  ): Response | Promise<Response> => {
    if (stopping) return unavailable(request);
    // It settles when the answer is delivered, or cannot be any more.
    requests.during(info.completed);
    const answer = handler(request, info);
    if (answer instanceof Promise) {
      uploads.during(answer);
      options.gate?.during(info, answer);
    }
    return answer;
  };
  let ending = false;
  let current = place;
  const open = (): Deno.HttpServer<Deno.Addr> => {
    const opened = start(counted, current, { onError, tls: options.tls });
    opened.finished.catch((error) => {
      if (ending) return;
      options.warn(`no connections are taken for a moment: ${osReason(error)}`);
      reopen();
    });
    return opened;
  };
  // The runtime gives up when it cannot take one connection, for want of descriptors, say. Those that it has go on.
  const reopen = (): void => {
    setTimeout(() => {
      if (ending) return;
      try {
        server = open();
      } catch {
        reopen();
      }
    }, REOPEN_MS);
  };
  let server = open();
  const port = "port" in server.addr ? server.addr.port : null;
  if (place.kind === "tcp" && port !== null) current = { ...place, port };
  return {
    url: urlOf(place, server.addr, options.tls !== undefined),
    port,
    underWay: () => requests.count,
    async stop(graceMs, { leaving } = { leaving: false }) {
      const end = Date.now() + graceMs;
      stopping = !leaving;
      // The supervisor may close the socket that it listens on, and others are there.
      ending = leaving;
      // Who is about to ask on an open connection learns from the answer that it is the last one there.
      if (leaving) await new Promise((resolve) => setTimeout(resolve, Math.min(graceMs, LEAVE_MS)));
      ending = true;
      // Deno 2.9 takes the bodies away from those who still read them when it shuts down: until they are done, new
      // connections are turned away rather than refused.
      await within(graceMs, uploads.zero());
      const closed = server.shutdown().catch(() => {});
      await within(end - Date.now(), requests.zero());
      // On some runtimes a connection that is kept alive without a request holds this up for ever.
      await within(LINGER_MS, closed);
    },
  };
}

/** How many of something are under way. */
class Gauge {
  count = 0;
  #reached = () => {};

  /** Counts one until `promise` settles. */
  during(promise: Promise<unknown>): void {
    this.count++;
    promise.then(this.#one, this.#one);
  }

  /** Resolves once none is left. */
  zero(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.#reached = resolve);
  }

  readonly #one = (): void => {
    this.count--;
    if (this.count === 0) this.#reached();
  };
}

function unavailable(request: Request): Response {
  const problem = { status: 503, detail: "the server is stopping", code: "too_many" };
  return problemResponse(problem, request.headers.get("accept"), {
    "retry-after": "10",
    "connection": "close",
  });
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => timer = setTimeout(resolve, Math.max(0, ms)))]);
  clearTimeout(timer);
}

type DenoHandler = (request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) => Response | Promise<Response>;

function start(
  handler: DenoHandler,
  place: Place,
  { onError, tls }: { onError: (error: unknown) => Response; tls: KeyPair | undefined },
): Deno.HttpServer<Deno.Addr> {
  try {
    if (place.kind === "unix") {
      // Whoever listened at the place before goes on with those who are connected to it.
      const server = Deno.serve({ path: newSocket(place.path), onListen() {}, onError }, handler);
      Deno.renameSync(newSocket(place.path), place.path);
      return server;
    }
    const { host: hostname, port } = place;
    const options = { hostname, port, reusePort: true, onListen() {}, onError };
    // With TLS the runtime offers HTTP/2 by ALPN, and HTTP/1.1.
    return tls === undefined ? Deno.serve(options, handler) : Deno.serve({ ...options, ...tls }, handler);
  } catch (error) {
    throw startError(error, place);
  }
}

function startError(error: unknown, place: Place): FerryError {
  const name = place.kind === "unix"
    ? `the socket ${quote(place.path)}`
    : `port ${place.port} on ${quote(place.host)}`;
  if (error instanceof Deno.errors.AddrInUse) {
    const other = place.kind === "unix"
      ? "another --unix path"
      : "another --port, or --port 0 for any free one";
    return new FerryError("address_in_use", `${name} is taken; stop what uses it, or give ${other}`);
  }
  if (error instanceof Deno.errors.PermissionDenied || osCode(error) === "EACCES") {
    return new FerryError("usage", `${name} is not allowed for this user; give another one`);
  }
  if (place.kind === "unix") return new FerryError("usage", `cannot listen on ${name}: ${osReason(error)}`);
  return new FerryError(
    "usage",
    `--host ${quote(place.host)}: no address of this machine (${osReason(error)})`,
  );
}

function urlOf(place: Place, address: Deno.Addr, tls: boolean): string {
  if (place.kind === "unix") return `http+unix://${encodeURIComponent(place.path)}/`;
  const port = "port" in address ? address.port : place.port;
  return `${tls ? "https" : "http"}://${place.host.includes(":") ? `[${place.host}]` : place.host}:${port}/`;
}

/** Where the socket that will be at `path` is made. */
export function newSocket(path: string): string {
  return `${path}.new`;
}

/**
 * Makes sure that nobody else listens at `place`, since a shared port would be shared with anybody of this user.
 * Throws `address_in_use` or `usage`.
 */
export async function claimPlace(place: Place): Promise<void> {
  if (place.kind === "unix") return await clearSocket(place.path);
  if (place.port === 0) return;
  try {
    Deno.listen({ hostname: place.host, port: place.port }).close();
  } catch (error) {
    throw startError(error, place);
  }
}

/** Removes a socket file that nobody listens on any more; throws `address_in_use` when somebody does. */
async function clearSocket(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch {
    return;
  }
  if (!info.isSocket) {
    throw new FerryError("usage", `--unix ${quote(path)}: something else than a socket is there`);
  }
  let connection: Deno.Conn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch {
    removeSocket(path);
    return;
  }
  connection.close();
  throw startError(new Deno.errors.AddrInUse(), { kind: "unix", path });
}

/** Removes the socket of a server that has ended. */
export function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Already gone.
  }
}
