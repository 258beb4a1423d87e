/** One origin's requests for sync: its credentials and trust, with `fetch` underneath and FerryErrors on top. */
import { takeUserinfo } from "../credentials/credentials.ts";
import { toFerryError } from "../fetch_error.ts";
import { Identity, type IdentityOptions } from "../credentials/identity.ts";
import type { PinnedClient } from "../pin/pin.ts";

export interface HttpClientOptions extends IdentityOptions {
  /** SHA-256 of certificates, as `readPins` gives them: every server must have one of them, and speak TLS. */
  pins?: readonly string[];
}

export interface HttpInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  signal?: AbortSignal;
  /** Milliseconds for the whole exchange, the body of the answer included; then `timeout`. */
  timeout?: number;
}

/** Sends requests for one origin. Close it (or `using`) when it was made with `pins`, or for https. */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #identity: Identity;
  #native: Deno.HttpClient | undefined;
  /** By origin. */
  #pinned = new Map<string, Promise<PinnedClient>>();
  #opened = new Set<PinnedClient>();

  constructor(origin: URL, options: HttpClientOptions = {}) {
    this.#options = options;
    this.#identity = new Identity(origin, options);
  }

  /**
   * The answer to one request. Redirects are answers like any other. Credentials are added when `url` is of this
   * client's origin and `headers` bring none of their own. Throws FerryError; errors of the body are the reader's to
   * give to `toFerryError`.
   */
  async fetch(url: URL, init: HttpInit = {}): Promise<Response> {
    const { url: target } = takeUserinfo(url);
    const headers = this.#identity.headersFor(target, init.headers);
    const { pins } = this.#options;
    let pinned: PinnedClient | undefined;
    try {
      init.signal?.throwIfAborted();
      if (pins !== undefined) pinned = await unlessAborted(this.#pinnedClient(target, pins), init.signal);
      const response = await fetch(target, {
        method: init.method ?? "GET",
        headers,
        body: init.body,
        redirect: "manual",
        signal: withTimeout(init.signal, init.timeout),
        client: pinned?.native ?? this.#client(target),
      });
      return response;
    } catch (error) {
      // A caller that aborts gets its own reason back, whatever fetch made of it.
      if (init.signal?.aborted) throw init.signal.reason;
      throw toFerryError(pinned?.reason(error) ?? error, target);
    }
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
    const { PinnedClient } = await import("../pin/pin.ts");
    const client = await PinnedClient.open(url, pins);
    this.#opened.add(client);
    return client;
  }

  /** Plain http needs no client of its own, and making one costs time at the start. */
  #client(url: URL): Deno.HttpClient | undefined {
    if (url.protocol === "http:") return undefined;
    // One stream at a time moves faster over HTTP/1.1 than through HTTP/2's windows.
    return this.#native ??= Deno.createHttpClient({ http2: false, allowHost: true });
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
