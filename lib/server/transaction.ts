/** One request on its way to its answer: what is known of it, and how replies leave. */
import { requestId } from "../http/request_id.ts";
import { corsHeaders, type CorsPolicy, withGrants } from "../http/cors.ts";
import { authorityOf, rawTarget } from "../http/target.ts";
import { API_PATH } from "../wire/limits.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";
import { countedBody } from "./counted_body.ts";
import { failureReply } from "./failure.ts";
import type { ConnectionInfo, HandlerConfig } from "./handler.ts";
import { LINK_HEADERS, linkFailure } from "./link_access.ts";
import { remoteText } from "./remote.ts";
import { type Reply, toResponse } from "./reply.ts";
import { LINK_PATH, withoutToken } from "./share_link.ts";
import type { Found } from "./shares.ts";
import type { TokenMeter } from "./token_meter.ts";
import { isTusPath, tusInner } from "./tus/paths.ts";

/** The start of each path of the sync API. */
export const SYNC_PREFIX = `${API_PATH}/`;

/** What is known of a request before anybody answers it, and the way out for all answers. */
export class Transaction {
  readonly request: Request;
  readonly info: ConnectionInfo;
  readonly method: string;
  readonly headers: Headers;
  /** Raw. */
  readonly path: string;
  /** Raw, with its `?`, or empty. */
  readonly query: string;
  /** Whether it is GET or HEAD. */
  readonly reading: boolean;
  /** Whether it is about a resumable upload. */
  readonly forTus: boolean;
  /** Whether its path is a share link. */
  readonly linked: boolean;
  readonly found: Found;
  readonly cors: CorsPolicy | undefined;
  /** For the log: who it is, once that is known. */
  user: string | null = null;
  /** What keeps it to the limits of its token. */
  meter: TokenMeter | null = null;
  readonly #config: HandlerConfig;
  readonly #grants: Record<string, string> | null;
  readonly #id: string | null;
  /** For the log, found out at once: the runtime forgets it with the request. */
  readonly #remote: string;
  readonly #began: number;
  readonly #time: number;

  constructor(config: HandlerConfig, request: Request, info: ConnectionInfo) {
    const logged = config.log !== undefined;
    this.#began = logged ? performance.now() : 0;
    this.#time = logged ? Date.now() : 0;
    this.#config = config;
    this.request = request;
    this.info = info;
    const { method, headers } = request;
    this.headers = headers;
    this.#remote = logged ? this.address : "";
    this.method = method;
    this.reading = method === "GET" || method === "HEAD";
    this.#id = config.ids ? requestId(headers.get("x-request-id")) : null;
    const { path, query } = rawTarget(request.url);
    this.path = path;
    this.query = query;
    this.forTus = isTusPath(path);
    this.linked = path.startsWith(LINK_PATH);
    const { shares } = config;
    this.found = shares.only ?? shares.find(this.authority, this.forTus ? tusInner(path) : path);
    const { shared } = this.found;
    this.cors = shared === null ? config.cors : shared.cors;
    this.#grants = this.cors === undefined ? null : corsHeaders(this.cors, headers.get("origin"));
  }

  /** Whom it is for, `HOST` or `HOST:PORT`. */
  get authority(): string {
    return this.info.authority ?? authorityOf(this.request.url);
  }

  /** Who asks, as far as that is known. */
  get address(): string {
    return this.#config.clients?.addressOf(this.info, this.headers) ?? remoteText(this.info.remoteAddr);
  }

  /** `reply` as it leaves. */
  send(reply: Reply): Response {
    const { meter } = this;
    if (!this.reading) this.#config.shares.changed();
    if (meter !== null) reply = meter.reply(reply, this.method);
    if (this.linked) reply = { ...reply, headers: { ...reply.headers, ...LINK_HEADERS } };
    if (this.#grants !== null) reply = { ...reply, headers: withGrants(reply.headers, this.#grants) };
    if (this.#id !== null) reply = { ...reply, headers: { ...reply.headers, "x-request-id": this.#id } };
    const { status } = reply;
    const response = toResponse(reply, this.method, (bytes) => {
      meter?.sent(bytes);
      this.#finish(status, bytes);
    });
    return meter === null ? response : meter.streamed(response);
  }

  /** The answer to a request that `error` ended; `also` are headers that it has besides. */
  fail(error: unknown, also?: Readonly<Record<string, string>>): Response {
    const { headers, method, path, user } = this;
    const name = this.#id ?? requestId(headers.get("x-request-id"));
    const shown = this.linked ? linkFailure(error) : error;
    const { reply, internal, refused } = failureReply(shown, { accept: headers.get("accept"), id: name });
    if (also !== undefined) Object.assign(reply.headers, also);
    const { warn, refusals } = this.#config;
    if (internal !== null) warn(`${method} ${withoutToken(path)} (${name}): ${internal}`);
    else if (refused !== null && refusals && path.startsWith(SYNC_PREFIX)) {
      warn(`refused ${method} ${path} from ${user === null ? "" : `${user} at `}${this.#remote}: ${refused}`);
    }
    return this.send(reply);
  }

  /** What becomes of `reply`, or of the error in its place. */
  settle(reply: Promise<Reply>): Promise<Response> {
    return reply.then((reply) => this.send(reply)).catch((error) => this.fail(error));
  }

  /** A Response that somebody else made, as it leaves. */
  pass(made: Response): Response {
    if (!this.reading) this.#config.shares.changed();
    const response = this.meter === null ? made : this.meter.response(made, this.request);
    const { headers } = response;
    if (OLD_RUNTIME && !headers.has("cache-control")) headers.set("cache-control", "no-transform");
    for (const [name, value] of Object.entries(this.#grants ?? {})) headers.append(name, value);
    if (this.#id !== null) headers.set("x-request-id", this.#id);
    if (this.#config.log === undefined) return response;
    return countedBody(response, this.method, (status, bytes) => this.#finish(status, bytes));
  }

  #finish(status: number, bytes: number): void {
    const { headers, method, path, query } = this;
    const referer = headers.get("referer");
    this.#config.log?.({
      time: this.#time,
      remote: this.#remote,
      user: this.user,
      method,
      target: withoutToken(path) + query,
      // Only HTTP/2 has no Host header.
      protocol: this.#config.tls && headers.get("host") === null ? "HTTP/2.0" : "HTTP/1.1",
      status,
      bytes,
      ms: performance.now() - this.#began,
      referer: referer === null ? null : withoutToken(referer),
      agent: headers.get("user-agent"),
      id: this.#id,
    });
  }
}
