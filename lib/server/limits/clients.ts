/** What the limits mean to a worker: who a client is, whether it may ask now, and how fast bodies go. */
import { HttpError } from "../failure.ts";
import { Gate } from "../guard/gate.ts";
import { clientOf } from "../guard/client.ts";
import { type GuessState, guessState } from "../guess_limit.ts";
import type { ConnectionInfo, Handler } from "../handler.ts";
import type { Patience } from "../patient_body.ts";
import { BURST_SECONDS, type Limits } from "./limits.ts";
import { Meter, type MeterState, meterState } from "./meter.ts";
import { type Debt, holdBody, pacedResponse, Pacer, pieceSize } from "./paced.ts";
import { Proxies } from "./proxies.ts";

/** What the workers of a server count together; absent where nothing is to be counted. */
export interface SharedMeters {
  requests?: MeterState;
  /** Bytes of all, and of each client. */
  all?: MeterState;
  each?: MeterState;
  /** Wrong logins. */
  guesses?: GuessState;
}

/** The meters for `limits`; those of `old` that are there already go on. */
export function sharedMeters(limits: Limits, old: SharedMeters = {}): SharedMeters {
  return {
    requests: limits.clientRequests > 0 ? old.requests ?? meterState("each") : undefined,
    all: limits.limitRate > 0 ? old.all ?? meterState("all") : undefined,
    each: limits.clientLimitRate > 0 ? old.each ?? meterState("each") : undefined,
    guesses: old.guesses ?? guessState(),
  };
}

/** The longest that a timer can run: 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

/** How long bodies of requests are waited for. */
export function patienceOf({ bodyTimeout, minRate }: Limits): Patience {
  const ms = bodyTimeout > 0 ? bodyTimeout : FOREVER_MS;
  return { silence: ms, window: ms, leastRate: minRate };
}

export class ClientLimits {
  readonly gate: Gate;
  readonly #proxies: Proxies | null;
  readonly #requests: { meter: Meter; burst: number } | null;
  readonly #all: Meter | null;
  readonly #each: Meter | null;
  readonly #piece: number;

  /** `hangUp` is told of connections that have no future. */
  constructor(limits: Limits, { meters, hangUp }: { meters: SharedMeters; hangUp: (key: string) => void }) {
    this.gate = new Gate(hangUp);
    const { trustedProxies, clientRequests, limitRate, clientLimitRate } = limits;
    this.#proxies = trustedProxies.length === 0 ? null : new Proxies(trustedProxies);
    this.#requests = meters.requests === undefined ? null : {
      meter: new Meter(meters.requests, clientRequests),
      burst: clientRequests * BURST_SECONDS,
    };
    this.#all = meters.all === undefined ? null : new Meter(meters.all, limitRate);
    this.#each = meters.each === undefined ? null : new Meter(meters.each, clientLimitRate);
    this.#piece = pieceSize(Math.min(limitRate || Infinity, clientLimitRate || Infinity));
  }

  /** The address that a request came from, or that a trusted proxy had it from; `unix` for a socket. */
  addressOf(info: ConnectionInfo, headers: Headers): string {
    if (this.#proxies !== null) return this.#proxies.clientOf(info, headers);
    return "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "unix";
  }

  /** Throws `too_many` or `too_many_requests` when a request comes on a connection, or at a time, that is too much. */
  enter(info: ConnectionInfo, headers: Headers): void {
    this.gate.enter(info);
    if (this.#requests === null) return;
    const { meter, burst } = this.#requests;
    const wait = meter.refuse(clientOf(this.addressOf(info, headers)), burst);
    if (wait === 0) return;
    throw new HttpError(
      "too_many_requests",
      `this client asks more than ${meter.rate} times a second; try again later`,
      { "retry-after": String(Math.ceil(wait / 1000)) },
    );
  }

  /** `handler` with bodies that keep to the rates, where there are any. */
  pacing(handler: Handler): Handler {
    const all = this.#all, each = this.#each;
    if (all === null && each === null) return handler;
    return (request, info) => {
      const client = clientOf(this.addressOf(info, request.headers));
      const debts: Debt[] = [];
      if (all !== null) debts.push((bytes) => all.debt("", bytes));
      if (each !== null) debts.push((bytes) => each.debt(client, bytes));
      const pacer = new Pacer(debts, this.#piece);
      if (request.body !== null) holdBody(request.body, pacer);
      return Promise.resolve(handler(request, info)).then((response) => pacedResponse(response, pacer));
    };
  }
}
