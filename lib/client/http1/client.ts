/**
 * An HTTP/1.1 client (RFC 9110, RFC 9112) for many requests: connections are kept and shared, and little is made for a
 * request.
 */
import type { Dialer } from "../dial/dialer.ts";
import type { WireAnswer } from "./answer.ts";
import { Call } from "./call.ts";
import { Idle } from "./idle.ts";
import { Pool } from "./pool.ts";
import { checkLength, isAsked, type WireRequest } from "./request.ts";
import { Stops } from "./stops.ts";

export interface Http1Options {
  /** So many connections at most to one origin; 16 unless told. */
  connections?: number;
}

/** Connections to all origins that are kept for the next request: a list of URLs may lead to any number of hosts. */
const MOST_IDLE = 256;

/** How often it is looked whether a server has fallen silent. */
const CHECK_MS = 1000;

export class Http1Client implements Disposable {
  readonly #dialer: Pick<Dialer, "dial">;
  readonly #options: Http1Options;
  /** By origin. */
  readonly #pools = new Map<string, Pool>();
  readonly #stops = new Stops();
  readonly #idle = new Idle(MOST_IDLE);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(dialer: Pick<Dialer, "dial">, options: Http1Options = {}) {
    this.#dialer = dialer;
    this.#options = options;
  }

  /**
   * The answer to one request, once its head is there; redirects are answers like any other. As many calls as one likes
   * may be under way: what finds no connection waits for one. `signal` holds until the body has ended; one signal for
   * many requests costs next to nothing. Throws its reason, FetchError, what the body of the request throws, or
   * at once `usage` where the headers contradict the body.
   */
  send(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    checkLength(request);
    const call = new Call(request, signal, isAsked(request));
    if (signal.aborted) call.fail(signal.reason);
    else {
      this.#stops.add(call);
      this.#poolOf(request.url).add(call);
    }
    return call.answer;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #poolOf(url: URL): Pool {
    const { origin } = url;
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(this.#dialer, { limit: this.#options.connections ?? 16, idle: this.#idle });
      this.#pools.set(origin, pool);
      this.#timer ??= this.#watch();
    }
    return pool;
  }

  #watch(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      const now = performance.now();
      for (const pool of this.#pools.values()) pool.check(now);
    }, CHECK_MS);
    Deno.unrefTimer(timer as unknown as number);
    return timer;
  }
}
