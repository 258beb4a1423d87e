/**
 * How much of something each client may have a second, counted by all workers together: the generic cell rate algorithm
 * (ITU-T I.371) over a table of times in shared memory. The table never grows: clients share its places by a hash with
 * a secret, so that nobody can choose whom to share with.
 */

/** Places of a table. With a thousand clients at a time one in sixty shares its own with another. */
const PLACES = 65_536;

/** What was not used is lost but for so much, in microseconds, so that a pause is not followed by a burst. */
const CREDIT_US = 250_000;

/** Nothing is due so much later than now: the clock was set, and nobody shall wait for that. */
const LATEST_US = 3_600_000_000;

/** What the workers of a server share. */
export interface MeterState {
  /** Microseconds since 1970 at which the next unit is due, by place. */
  due: SharedArrayBuffer;
  /** What the hash begins with. */
  secret: number;
}

/** A new state: for each of many clients, or for all together. */
export function meterState(of: "each" | "all"): MeterState {
  const due = new SharedArrayBuffer(8 * (of === "all" ? 1 : PLACES));
  return { due, secret: crypto.getRandomValues(new Int32Array(1))[0] };
}

/** Milliseconds since 1970: the clock that workers have in common. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}

export class Meter {
  readonly #due: BigInt64Array;
  readonly #secret: number;
  readonly #unit: number;
  readonly #now: () => number;

  /** `rate` units a second; `now` in milliseconds since 1970. */
  constructor(state: MeterState, readonly rate: number, now = clock) {
    this.#due = new BigInt64Array(state.due);
    this.#secret = state.secret;
    this.#unit = 1e6 / rate;
    this.#now = now;
  }

  /**
   * Counts one unit for `client`, which may have `burst` of them at once after a pause. Gives 0, or the milliseconds
   * until it may have one; it is not counted then.
   */
  refuse(client: string, burst: number): number {
    const ahead = (burst - 1) * this.#unit;
    let early = 0;
    this.#update(client, (due, now) => {
      early = Math.max(0, due - now - ahead);
      return early > 0 ? due : Math.max(due, now) + this.#unit;
    });
    return early / 1000;
  }

  /** Counts `units` for `client` and gives the milliseconds to wait before they were due. */
  debt(client: string, units: number): number {
    let wait = 0;
    this.#update(client, (due, now) => {
      const next = Math.max(due, now - CREDIT_US) + units * this.#unit;
      wait = Math.max(0, next - now);
      return next;
    });
    return wait / 1000;
  }

  /** Takes back that `units` were counted for `client`. */
  giveBack(client: string, units: number): void {
    this.#update(client, (due) => due - units * this.#unit);
  }

  /** Puts what `step` makes of the time that is due, and of now, in its place; both in microseconds. */
  #update(client: string, step: (due: number, now: number) => number): void {
    const place = this.#due.length === 1 ? 0 : hash(client, this.#secret) % this.#due.length;
    for (;;) {
      const old = Atomics.load(this.#due, place);
      const now = this.#now() * 1000;
      const due = Number(old) > now + LATEST_US ? now : Number(old);
      const next = BigInt(Math.round(step(due, now)));
      if (Atomics.compareExchange(this.#due, place, old, next) === old) return;
    }
  }
}

/** FNV-1a of the UTF-16 units of `text`, begun with `seed` and mixed at its end. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  return (value ^ value >>> 13) >>> 0;
}
