/** One origin's requests: its credentials, trust and socket, with `fetch` underneath and FerryErrors on top. */
import { FerryError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { authorization, takeUserinfo } from "./credentials.ts";
import { toFerryError } from "./fetch_error.ts";
import type { PinnedClient } from "./pin/pin.ts";

export interface HttpClientOptions {
  /** `USER:PASSWORD` for basic authentication; wins over the userinfo of the origin's URL. */
  user?: string;
  /** A bearer token, or what gives the one of the moment; wins over `user`. */
  token?: string | (() => string);
  /** PEM certificates of authorities to trust beside the system's. */
  caCerts?: readonly string[];
  /** SHA-256 of certificates, as `readPins` gives them: every server must have one of them, and speak TLS. */
  pins?: readonly string[];
  /** A unix socket that every request goes to, whatever host its URL names. */
  unix?: string;
  /** Milliseconds for a connection to come about; no limit but the system's unless told. */
  connectTimeout?: number;
  userAgent?: string;
}

export interface HttpInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  signal?: AbortSignal;
  /** Milliseconds for the whole exchange, the body of the answer included; then `timeout`. */
  timeout?: number;
}

/** Sends requests for one origin. Close it (or `using`) when it was made with `caCerts`, `pins` or `unix`, or for https. */
export class HttpClient implements Disposable {
  /** The origin that credentials go to, as `URL.origin` gives it. */
  readonly origin: string;
  readonly #options: HttpClientOptions;
  readonly #authorization: () => string | null;
  #native: Deno.HttpClient | undefined;
  /** By origin. */
  #pinned = new Map<string, Promise<PinnedClient>>();
  #opened = new Set<PinnedClient>();
  #probed = new Set<string>();

  constructor(origin: URL, options: HttpClientOptions = {}) {
    const { url, user } = takeUserinfo(origin);
    this.origin = url.origin;
    this.#options = options;
    const { token } = options;
    if (typeof token === "function") this.#authorization = () => authorization(undefined, token());
    else {
      const fixed = authorization(options.user ?? user, token);
      this.#authorization = () => fixed;
    }
  }

  /**
   * The answer to one request. Redirects are answers like any other. Credentials are added when `url` is of this
   * client's origin and `headers` bring none of their own. `accept-encoding: identity` unless set, so that the bytes
   * are the resource's and ranges count them. Throws FerryError; errors of the body are the reader's to give to
   * `toFerryError`.
   */
  async fetch(url: URL, init: HttpInit = {}): Promise<Response> {
    const { url: target } = takeUserinfo(url);
    const headers = this.headersFor(target, init.headers);
    const { connectTimeout, unix, pins } = this.#options;
    let pinned: PinnedClient | undefined;
    try {
      init.signal?.throwIfAborted();
      if (pins !== undefined) pinned = await unlessAborted(this.#pinnedClient(target, pins), init.signal);
      else if (connectTimeout !== undefined && unix === undefined && !this.#probed.has(target.origin)) {
        await this.#probe(target, connectTimeout);
      }
      const response = await fetch(target, {
        method: init.method ?? "GET",
        headers,
        body: init.body,
        redirect: "manual",
        signal: withTimeout(init.signal, init.timeout),
        client: pinned?.native ?? this.#client(target, headers),
      });
      return response;
    } catch (error) {
      // A caller that aborts gets its own reason back, whatever fetch made of it.
      if (init.signal?.aborted) throw init.signal.reason;
      throw toFerryError(pinned?.reason(error) ?? error, target, { unix });
    }
  }

  /** The headers that `fetch` sends to `url` with `given`, credentials included. */
  headersFor(url: URL, given?: HeadersInit): Headers {
    const headers = new Headers(given);
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    if (!headers.has("user-agent")) headers.set("user-agent", this.#options.userAgent ?? `ferry/${VERSION}`);
    const known = url.origin === this.origin ? this.#authorization() : null;
    if (known !== null && !headers.has("authorization")) headers.set("authorization", known);
    return headers;
  }

  [Symbol.dispose](): void {
    this.#native?.close();
    this.#native = undefined;
    for (const client of this.#opened) client[Symbol.dispose]();
    this.#opened.clear();
    this.#pinned.clear();
  }

  /** Waits until the server has shown a pinned certificate; one that did not may be asked again. */
  #pinnedClient(url: URL, pins: readonly string[]): Promise<PinnedClient> {
    const known = this.#pinned.get(url.origin);
    if (known !== undefined) return known;
    const opening = this.#openPinned(url, pins);
    this.#pinned.set(url.origin, opening);
    opening.catch(() => this.#pinned.delete(url.origin));
    return opening;
  }

  async #openPinned(url: URL, pins: readonly string[]): Promise<PinnedClient> {
    const { PinnedClient } = await import("./pin/pin.ts");
    const client = await PinnedClient.open(url, pins, this.#options.connectTimeout);
    this.#opened.add(client);
    return client;
  }

  async #probe(url: URL, ms: number): Promise<void> {
    const { probeConnection, usesProxy } = await import("./connect_probe.ts");
    if (!usesProxy(url, (name) => Deno.env.get(name))) await probeConnection(url, ms);
    this.#probed.add(url.origin);
  }

  /** Plain http needs no client of its own, and making one costs time at the start. */
  #client(url: URL, headers: Headers): Deno.HttpClient | undefined {
    const { caCerts, unix } = this.#options;
    if (url.protocol === "http:" && unix === undefined && !headers.has("host")) return undefined;
    try {
      return this.#native ??= Deno.createHttpClient({
        caCerts: caCerts === undefined ? undefined : [...caCerts],
        // One stream at a time moves faster over HTTP/1.1 than through HTTP/2's windows.
        http2: false,
        allowHost: true,
        ...(unix === undefined ? {} : { proxy: { transport: "unix", path: unix } }),
      });
    } catch (error) {
      throw new FerryError("usage", `cannot set up TLS: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** What `promise` gives, or the reason of `signal` as soon as it is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function withTimeout(signal: AbortSignal | undefined, timeout: number | undefined): AbortSignal | undefined {
  if (timeout === undefined) return signal;
  const limit = AbortSignal.timeout(timeout);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
