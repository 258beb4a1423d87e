/** Routes: from a Request to a Response. A plain function, so that any listener, worker or test can call it. */
import { FerryError } from "../core/errors.ts";
import type { AccessRecord } from "../http/access_log.ts";
import { corsHeaders, type CorsPolicy, preflightHeaders, withGrants } from "../http/cors.ts";
import { requestId } from "../http/request_id.ts";
import { authorityOf, isHost, rawTarget } from "../http/target.ts";
import { API_PATH, PROTOCOL } from "../wire/limits.ts";
import { type Access, wrongCredentials } from "./access.ts";
import type { Authenticate } from "./authenticate.ts";
import { addDigests, wantedDigests } from "./answer_digest.ts";
import { madeCoding } from "./coding.ts";
import { countedBody } from "./counted_body.ts";
import { failureReply, HttpError } from "./failure.ts";
import { FileDigests } from "./file_digests.ts";
import { LINK_HEADERS, linkFailure, linkOptions, openLink } from "./link_access.ts";
import { get, redirect, wantsDownload } from "./get.ts";
import type { Grant } from "./grant.ts";
import { answerHot } from "./hot_files.ts";
import { ALLOWED } from "./methods.ts";
import { mkcol } from "./mkcol.ts";
import type { Mount } from "./mounts.ts";
import { options } from "./options.ts";
import { health, metrics, ready } from "./own_pages.ts";
import { checkPinned } from "./pinned.ts";
import { put } from "./put.ts";
import { remoteText } from "./remote.ts";
import { remove } from "./remove.ts";
import { type Reply, toResponse } from "./reply.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";
import type { ClientLimits } from "./limits/clients.ts";
import { outside } from "./outside.ts";
import { demand, type Exchange, notFound } from "./share.ts";
import { LINK_PATH, withoutToken } from "./share_link.ts";
import type { Found, Shared, Shares } from "./shares.ts";
import type { TokenLedger } from "./token_ledger.ts";
import { TokenMeter } from "./token_meter.ts";
import { copy, move } from "./transfer.ts";
import { isTusPath, TUS_HEADERS, TUS_METHODS, tusInner } from "./tus/paths.ts";

/**
 * Answers what lies below `/.ferry/v1/`; `path` is raw, what follows that prefix, without the query. `completed`
 * tells when the answer has been sent, so that its memory can serve again. `mount` is the path of the share on the
 * server, `""` unless told; `access` is by paths that start there. `authority` is as in `ConnectionInfo`.
 */
export type SyncApi = (
  request: Request,
  context: {
    path: string;
    access: Access;
    completed?: Promise<void>;
    authority?: string;
    mount?: string;
    /** The host name that tokens are made for; absent where there is one share alone. */
    host?: string;
  },
) => Response | Promise<Response>;

/** What a handler needs. */
export interface HandlerConfig {
  shares: Shares;
  authenticate: Authenticate;
  /** Where tokens with limits are counted; without it none of those is honoured. */
  ledger?: TokenLedger;
  syncApi?: SyncApi;
  /** Who a request came from, and whether it may now; absent for the other end of its connection, always. */
  clients?: ClientLimits;
  /** Whose scripts may read answers that no share gives; absent for nobody's. */
  cors?: CorsPolicy;
  /** Told of each exchange when its last byte is sent; absent when nobody wants to know. */
  log?: (record: AccessRecord) => void;
  /** Whether there is a log, which has refused calls of the sync API too. */
  refusals?: boolean;
  /** Whether each request has a name, in `log` and in its answer; else only those that fail. */
  ids?: boolean;
  /** Whether TLS lets clients speak HTTP/2. */
  tls?: boolean;
  /** The page of all workers' metrics; absent for none. */
  metrics?: () => Promise<string>;
  /** Told, in one line, what went wrong inside. */
  warn: (message: string) => void;
}

/** The part of `Deno.ServeHandlerInfo` that a handler uses. */
export interface ConnectionInfo {
  remoteAddr: Deno.Addr;
  /** Settled when the answer has been sent, or will never be. */
  readonly completed?: Promise<void>;
  /** Whom the request is for, `HOST` or `HOST:PORT`; absent where its URL says so. */
  authority?: string;
}

/** Answers one request; never throws and never rejects. */
export type Handler = (request: Request, info: ConnectionInfo) => Response | Promise<Response>;

const FERRY = "/.ferry";
const OWN_PREFIX = `${FERRY}/`;
const SYNC_PREFIX = `${API_PATH}/`;
/** The sync API in a version that may not be this one's. */
const ANY_API = /^\/\.ferry\/v(\d{1,9})\//;

/** The methods beside GET and HEAD. */
const METHODS: Readonly<Record<string, (exchange: Exchange) => Reply | Promise<Reply>>> = {
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  MOVE: move,
  COPY: copy,
  OPTIONS: options,
  // Loaded when somebody speaks WebDAV.
  PROPFIND: async (exchange) => (await import("./dav/propfind.ts")).propfind(exchange),
  PROPPATCH: async (exchange) => (await import("./dav/proppatch.ts")).proppatch(exchange),
  LOCK: async (exchange) => (await import("./dav/lock.ts")).lock(exchange),
  UNLOCK: async (exchange) => (await import("./dav/lock.ts")).unlock(exchange),
};

/** Makes the handler of a server. */
export function createHandler(config: HandlerConfig): Handler {
  const { shares, authenticate, syncApi, clients, warn } = config;
  const digests = new FileDigests();

  return (request, info) => {
    const logged = config.log !== undefined;
    const began = logged ? performance.now() : 0;
    const time = logged ? Date.now() : 0;
    const { method, headers } = request;
    const remote = logged ? addressOf(info, headers, clients) : "";
    const id = config.ids ? requestId(headers.get("x-request-id")) : null;
    const { path, query } = rawTarget(request.url);
    const forTus = isTusPath(path);
    const found: Found = shares.only ??
      shares.find(info.authority ?? authorityOf(request.url), forTus ? tusInner(path) : path);
    const { shared } = found;
    const cors = shared === null ? config.cors : shared.cors;
    const grants = cors === undefined ? null : corsHeaders(cors, headers.get("origin"));
    let user: string | null = null;
    let meter: TokenMeter | null = null;
    const linked = path.startsWith(LINK_PATH);
    const reading = method === "GET" || method === "HEAD";

    const finish = (status: number, bytes: number): void =>
      config.log?.({
        time,
        remote,
        user,
        method,
        target: withoutToken(path) + query,
        // Only HTTP/2 has no Host header.
        protocol: config.tls && headers.get("host") === null ? "HTTP/2.0" : "HTTP/1.1",
        status,
        bytes,
        ms: performance.now() - began,
        referer: refererOf(headers),
        agent: headers.get("user-agent"),
        id,
      });
    const send = (reply: Reply): Response => {
      if (!reading) shares.changed();
      if (meter !== null) reply = meter.reply(reply, method);
      if (linked) reply = { ...reply, headers: { ...reply.headers, ...LINK_HEADERS } };
      let granted = grants === null ? reply : { ...reply, headers: withGrants(reply.headers, grants) };
      if (id !== null) granted = { ...granted, headers: { ...granted.headers, "x-request-id": id } };
      const response = toResponse(granted, method, (bytes) => {
        meter?.sent(bytes);
        finish(reply.status, bytes);
      });
      return meter === null ? response : meter.streamed(response);
    };
    const fail = (error: unknown, also?: Readonly<Record<string, string>>): Response => {
      const name = id ?? requestId(headers.get("x-request-id"));
      const shown = linked ? linkFailure(error) : error;
      const { reply, internal, refused } = failureReply(shown, { accept: headers.get("accept"), id: name });
      if (also !== undefined) Object.assign(reply.headers, also);
      if (internal !== null) warn(`${method} ${withoutToken(path)} (${name}): ${internal}`);
      else if (refused !== null && config.refusals && path.startsWith(SYNC_PREFIX)) {
        warn(`refused ${method} ${path} from ${user === null ? "" : `${user} at `}${remote}: ${refused}`);
      }
      return send(reply);
    };
    /** A Response made elsewhere. */
    const pass = (made: Response): Response => {
      if (!reading) shares.changed();
      const response = meter === null ? made : meter.response(made, request);
      if (OLD_RUNTIME && !response.headers.has("cache-control")) {
        response.headers.set("cache-control", "no-transform");
      }
      if (grants !== null) grant(response.headers, grants);
      if (id !== null) response.headers.set("x-request-id", id);
      return logged ? countedBody(response, method, finish) : response;
    };

    /** Answers with what is at the raw path `at` of the server, which `found` tells the place of. */
    const answerFiles = (
      given: Request,
      access: Access,
      { at, found, link }: { at: string; found: Found; link?: string },
    ): Response | Promise<Response> => {
      const { shared } = found;
      const wanted = reading ? wantedDigests(headers) : null;
      const read = (reply: Reply) =>
        wanted === null ? send(reply) : addDigests(reply, wanted, { method, digests }).then(send, fail);
      if (forTus) {
        return answerTus(found, {
          request: given,
          method,
          path: found.path ?? tusInner(path),
          query,
          access,
          warn,
        })
          .then(send, (error) => fail(error, TUS_HEADERS));
      }
      // In a share with a path of its own, paths and permissions start there.
      const inner = found.path ?? at;
      const own = shared === null ? access : shared.accessOf(access);
      const sha256 = access.token?.sha256;
      if (reading && shared !== null && sha256 === undefined && !wantsDownload(query)) {
        const coding = shared.share.coded ? madeCoding(headers.get("accept-encoding")) : null;
        const file = shared.hot.find(inner, coding);
        if (file !== undefined && own.can("r", file.path)) {
          const reply = answerHot(file, headers);
          if (reply !== null) return read(reply);
        }
      }
      if (found.error !== null) throw found.error;
      if (shared === null) {
        const { mounts } = found;
        const see = (mount: Mount) => (mount as Shared).see(access);
        return outside({ request: given, method, path: at, query, access, mounts, see, link }).then(
          read,
          fail,
        );
      }
      const mounted = shared.mountedAmong(found.mounts, access);
      const exchange: Exchange = {
        request: given,
        method,
        path: inner === "" ? "/" : inner,
        query,
        access: own,
        share: shared.share,
        mounted,
        link,
        warn,
      };
      if (reading && inner === "") {
        demand(own, "r", "");
        return send(redirect(shared.path, query));
      }
      if (reading && sha256 !== undefined) {
        // What stands beside the file is not the content that was looked at.
        const alone = { ...exchange, share: { ...shared.share, precompressed: false } };
        return checkPinned(alone, sha256, digests).then(() => read(get(alone, shared.hot))).catch(fail);
      }
      if (reading) return read(get(exchange, shared.hot));
      const act = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
      if (act === undefined) throw noSuchMethod(method);
      const reply = act(exchange);
      return reply instanceof Promise ? reply.then(send, fail) : send(reply);
    };

    const answer = (access: Access | null): Response | Promise<Response> => {
      if (access === null) return pass(wrongCredentials(request));
      user = access.user;
      const { token } = access;
      if (token !== null) {
        if (
          token.host !== undefined && !shares.areOne(token.host, info.authority ?? authorityOf(request.url))
        ) {
          throw new FerryError("forbidden", "this token is for another host name of this server");
        }
        // An upload is one use, however many requests it takes.
        const same = forTus && method !== "POST";
        meter = meterOf(same ? { ...token, uses: undefined } : token, config.ledger);
      }
      const counted = meter?.request(request) ?? request;
      const own = path.startsWith(OWN_PREFIX);
      if (!own) return answerFiles(counted, access, { at: path, found });
      if (syncApi !== undefined && path.startsWith(SYNC_PREFIX)) {
        const { completed, authority } = info;
        const call = { path: path.slice(SYNC_PREFIX.length), access, completed, authority };
        const response = syncApi(counted, call);
        return response instanceof Promise ? response.then(pass, fail) : pass(response);
      }
      const version = ANY_API.exec(path)?.[1];
      if (version !== undefined && Number(version) !== PROTOCOL) {
        throw new FerryError(
          "not_found",
          `version ${version} of the sync API is not spoken here, only version ${PROTOCOL}`,
        );
      }
      if (config.metrics !== undefined && path === `${FERRY}/metrics`) {
        return metrics(request, { access, remote: info.remoteAddr, page: config.metrics }).then(send, fail);
      }
      return answerFiles(counted, access, { at: path, found });
    };

    const answerLink = async (): Promise<Response> => {
      const check = (authorization: string) =>
        authenticate(authorization, addressOf(info, headers, clients), true);
      const { access, token, at } = await openLink({ path, method }, check);
      user = access.user;
      meter = meterOf(token, config.ledger);
      if (!reading) return send(linkOptions());
      // What the request calls the host says nothing: the link was made for one.
      const there = shares.only ?? shares.find(token.host ?? "", at);
      return await answerFiles(request, access, { at, found: there, link: token.path });
    };

    try {
      clients?.enter(info, headers);
      checkFraming(headers);
      // A browser asks without a login, whatever the request will have.
      if (cors !== undefined && method === "OPTIONS") {
        const preflight = preflightHeaders(cors, headers, forTus ? TUS_METHODS : ALLOWED);
        if (preflight !== null) return send({ status: 204, headers: preflight, body: null });
      }
      // Its own health is no secret, and those who ask for it have no login.
      if (path === `${FERRY}/health`) return send(health(method));
      if (path === `${FERRY}/ready`) return send(ready(method, shares.all.map((each) => each.share.root)));
      if (linked) return answerLink().catch(fail);
      const authorization = headers.get("authorization");
      const access = authenticate(
        authorization,
        authorization === null ? "" : addressOf(info, headers, clients),
      );
      if (!(access instanceof Promise)) return answer(access);
      return access.then(answer).catch(fail);
    } catch (error) {
      return fail(error);
    }
  };
}

/** Those that are known, to answer them as RFC 9110 section 9.1 says: 405 for what is not for this, 501 for all else. */
const KNOWN = new Set(["CONNECT", "PATCH", "POST", "TRACE"]);

function noSuchMethod(method: string): FerryError {
  const known = KNOWN.has(method);
  return new HttpError(
    known ? "method_not_allowed" : "not_implemented",
    known ? "files and folders do not have this method" : "there is no such method",
    { allow: ALLOWED },
  );
}

/** An upload, to the share that its URL leads to. */
async function answerTus(
  { shared, mounts, error }: Found,
  asked: Omit<Exchange, "share" | "mounted">,
): Promise<Reply> {
  // Loaded with the first one.
  const { describe, tus } = await import("./tus/api.ts");
  if (shared === null) {
    if (error === null && asked.method === "OPTIONS") return describe();
    throw error ?? notFound();
  }
  const mounted = shared.mountedAmong(mounts, asked.access);
  return await tus({ ...asked, access: shared.accessOf(asked.access), share: shared.share, mounted });
}

/** The page that led here, as a log may show it. */
function refererOf(headers: Headers): string | null {
  const referer = headers.get("referer");
  return referer === null ? null : withoutToken(referer);
}

/** Who asks, as far as it is known. */
function addressOf(info: ConnectionInfo, headers: Headers, clients: ClientLimits | undefined): string {
  return clients?.addressOf(info, headers) ?? remoteText(info.remoteAddr);
}

/** What keeps a request with `token` to its limits; null for one without. */
function meterOf(token: Grant, ledger: TokenLedger | undefined): TokenMeter | null {
  return ledger === undefined || (token.uses === undefined && token.bytes === undefined)
    ? null
    : new TokenMeter(token, ledger);
}

/** Adds `grants` to the headers of a Response that somebody else made. */
function grant(headers: Headers, grants: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(grants)) headers.append(name, value);
}

/** What the runtime may let through although it makes two readings of one request possible. */
function checkFraming(headers: Headers): void {
  if (!isHost(headers.get("host"))) throw new FerryError("bad_request", "the Host header is malformed");
  if (OLD_RUNTIME && headers.get("transfer-encoding") !== null && headers.get("content-length") !== null) {
    throw new FerryError("bad_request", "a request has Content-Length or Transfer-Encoding, not both");
  }
}
