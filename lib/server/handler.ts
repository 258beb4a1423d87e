/** Routes: from a Request to a Response. A plain function, so that any listener, worker or test can call it. */
import { FerryError } from "../core/errors.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";
import type { AccessRecord } from "../http/access_log.ts";
import { type CorsPolicy, preflightHeaders } from "../http/cors.ts";
import { isHost } from "../http/target.ts";
import { PROTOCOL } from "../wire/limits.ts";
import { type Access, wrongCredentials } from "./access.ts";
import type { Authenticate } from "./authenticate.ts";
import { FileDigests } from "./file_digests.ts";
import { answerFiles } from "./files_route.ts";
import { HttpError } from "./failure.ts";
import type { Grant } from "./grant.ts";
import type { ClientLimits } from "./limits/clients.ts";
import { linkOptions, openLink } from "./link_access.ts";
import { ALLOWED } from "./methods.ts";
import { health, metrics, ready } from "./own_pages.ts";
import type { Shares } from "./shares.ts";
import type { TokenLedger } from "./token_ledger.ts";
import { TokenMeter } from "./token_meter.ts";
import { SYNC_PREFIX, Transaction } from "./transaction.ts";
import { TUS_METHODS } from "./tus/paths.ts";

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
  /** What the server calls itself. */
  name?: string;
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
/** The sync API in a version that may not be this one's. */
const ANY_API = /^\/\.ferry\/v(\d{1,9})\//;

/** Makes the handler of a server. */
export function createHandler(config: HandlerConfig): Handler {
  const { shares, authenticate, syncApi, clients, ledger, warn } = config;
  const digests = new FileDigests();

  function route(transaction: Transaction): Response | Promise<Response> {
    const { headers, method, path, cors, forTus, info } = transaction;
    clients?.enter(info, headers);
    checkFraming(headers);
    // A browser asks without a login, whatever the request will have.
    if (cors !== undefined && method === "OPTIONS") {
      const preflight = preflightHeaders(cors, headers, forTus ? TUS_METHODS : ALLOWED);
      if (preflight !== null) return transaction.send({ status: 204, headers: preflight, body: null });
    }
    // Its own health is no secret, and those who ask for it have no login.
    if (path === `${FERRY}/health`) return transaction.send(health(method, config.name));
    if (path === `${FERRY}/ready`) {
      return transaction.send(ready(method, shares.all.map((each) => each.share.root)));
    }
    if (transaction.linked) return answerLink(transaction);
    const authorization = headers.get("authorization");
    const access = authenticate(authorization, authorization === null ? "" : transaction.address);
    return access instanceof Promise
      ? access.then((access) => answer(transaction, access))
      : answer(transaction, access);
  }

  function answer(transaction: Transaction, access: Access | null): Response | Promise<Response> {
    const { request, path, found, info } = transaction;
    if (access === null) return transaction.pass(wrongCredentials(request));
    transaction.user = access.user;
    if (access.token !== null) admit(transaction, access.token);
    const counted = transaction.meter?.request(request) ?? request;
    const files = { request: counted, access, at: path, found, warn, name: config.name };
    if (!path.startsWith(OWN_PREFIX)) return answerFiles(transaction, files, digests);
    if (syncApi !== undefined && path.startsWith(SYNC_PREFIX)) {
      const { completed, authority } = info;
      const call = { path: path.slice(SYNC_PREFIX.length), access, completed, authority };
      const response = syncApi(counted, call);
      return response instanceof Promise
        ? response.then((made) => transaction.pass(made))
        : transaction.pass(response);
    }
    const version = ANY_API.exec(path)?.[1];
    if (version !== undefined && Number(version) !== PROTOCOL) {
      throw new FerryError(
        "not_found",
        `version ${version} of the sync API is not spoken here, only version ${PROTOCOL}`,
      );
    }
    if (config.metrics !== undefined && path === `${FERRY}/metrics`) {
      const asked = { access, remote: info.remoteAddr, page: config.metrics };
      return transaction.settle(metrics(request, asked));
    }
    return answerFiles(transaction, files, digests);
  }

  /** Keeps a request to the limits of its token. Throws `forbidden` for one of another host. */
  function admit(transaction: Transaction, token: Grant): void {
    if (token.host !== undefined && !shares.areOne(token.host, transaction.authority)) {
      throw new FerryError("forbidden", "this token is for another host name of this server");
    }
    // An upload is one use, however many requests it takes.
    const same = transaction.forTus && transaction.method !== "POST";
    transaction.meter = meterOf(same ? { ...token, uses: undefined } : token, ledger);
  }

  async function answerLink(transaction: Transaction): Promise<Response> {
    const { path, method, request, address } = transaction;
    const check = (authorization: string) => authenticate(authorization, address, true);
    const { access, token, at } = await openLink({ path, method }, check);
    transaction.user = access.user;
    transaction.meter = meterOf(token, ledger);
    if (!transaction.reading) return transaction.send(linkOptions());
    // What the request calls the host says nothing: the link was made for one.
    const found = shares.only ?? shares.find(token.host ?? "", at);
    return await answerFiles(transaction, {
      request,
      access,
      at,
      found,
      link: token.path,
      warn,
      name: config.name,
    }, digests);
  }

  return (request, info) => {
    const transaction = new Transaction(config, request, info);
    try {
      const response = route(transaction);
      return response instanceof Promise ? response.catch((error) => transaction.fail(error)) : response;
    } catch (error) {
      return transaction.fail(error);
    }
  };
}

/** What keeps a request with `token` to its limits; null for one without. */
function meterOf(token: Grant, ledger: TokenLedger | undefined): TokenMeter | null {
  return ledger === undefined || (token.uses === undefined && token.bytes === undefined)
    ? null
    : new TokenMeter(token, ledger);
}

/** What the runtime may let through although it makes two readings of one request possible. */
function checkFraming(headers: Headers): void {
  if (!isHost(headers.get("host"))) throw new FerryError("bad_request", "the Host header is malformed");
  if (OLD_RUNTIME && headers.get("transfer-encoding") !== null && headers.get("content-length") !== null) {
    // Whoever sends both, what follows may be somebody else's (RFC 9112 section 6.1).
    const message = "a request has Content-Length or Transfer-Encoding, not both";
    throw new HttpError("bad_request", message, { connection: "close" });
  }
}
