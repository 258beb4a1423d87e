/**
 * The guard's other half, where requests are answered: tells which are under way, and turns away those that come on
 * connections beyond a limit. What is answered at once costs nothing but a look whether anybody is turned away.
 */
import { HttpError } from "../failure.ts";
import { clientOf, connectionKey } from "./client.ts";
import type { Admission } from "./guard.ts";
import { RETRY_AFTER } from "./last_words.ts";

/** What is known of where a request came from. */
interface Origin {
  remoteAddr: Deno.Addr;
  readonly completed?: Promise<void>;
}

export class Gate {
  /** How many requests are under way, by the key of their connection. */
  readonly #underWay = new Map<string, number>();
  #admitted: ReadonlySet<string> | null = null;
  #fullClients: ReadonlySet<string> = new Set();
  #full = false;
  readonly #hangUp: (key: string) => void;

  /** `hangUp` is told of connections that have no future. */
  constructor(hangUp: (key: string) => void) {
    this.#hangUp = hangUp;
  }

  /** Sets who is let in; null for everybody. */
  admit(admission: Admission | null): void {
    this.#admitted = admission && new Set(admission.admitted);
    this.#fullClients = new Set(admission?.fullClients);
    this.#full = admission?.full ?? false;
  }

  /** Throws `too_many` or `too_many_requests` when there is no room for the connection of a request. */
  enter(origin: Origin): void {
    if (this.#admitted === null) return;
    const { remoteAddr } = origin;
    if (!("hostname" in remoteAddr)) return;
    const { hostname, port } = remoteAddr;
    if (this.#admitted.has(connectionKey(hostname, port))) return;
    const headers = { "retry-after": String(RETRY_AFTER), "connection": "close" };
    if (this.#fullClients.has(clientOf(hostname))) {
      const detail = "this client has all the connections that it may have";
      throw new HttpError("too_many_requests", detail, headers);
    }
    if (this.#full) {
      throw new HttpError("too_many", "the server has all the connections that it takes", headers);
    }
  }

  /**
   * Counts a request that is answered later as under way until it is. Where the answer is that it came too slowly, the
   * runtime would go on to wait for the rest of it; unless others are under way there, as HTTP/2 lets them, it ends.
   */
  during(origin: Origin, answer: Promise<Response>): void {
    // Later, when the other side has gone, the address is not told any more.
    const key = keyOf(origin);
    if (key === null || origin.completed === undefined) return;
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
    const done = () => {
      const others = this.#underWay.get(key)! - 1;
      if (others > 0) this.#underWay.set(key, others);
      else this.#underWay.delete(key);
    };
    const ended = origin.completed.then(done, done);
    answer.then(async ({ status }) => {
      if (status !== 408) return;
      await ended;
      if (!this.#underWay.has(key)) this.#hangUp(key);
    }, () => {});
  }

  /** The keys of connections on which requests are under way. */
  busy(): string[] {
    return [...this.#underWay.keys()];
  }
}

/** The connection that a request came on; null for a unix socket. */
function keyOf({ remoteAddr }: Origin): string | null {
  return "hostname" in remoteAddr ? connectionKey(remoteAddr.hostname, remoteAddr.port) : null;
}
