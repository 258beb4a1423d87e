/**
 * Slows down the guessing of passwords. Each address may be wrong a few times, then once in a while; a name that is
 * being guessed from many addresses leaves each new one a single try. Whoever comes from an address that was not wrong
 * is let in as ever, so nobody can lock a user out from elsewhere. All workers count together, in tables of fixed size.
 */
import { clientOf } from "./guard/client.ts";
import { Meter, type MeterState, meterState } from "./limits/meter.ts";

/** So often an address may be wrong at once, and then once in so many seconds. */
const TRIES = 10;
const AGAIN_S = 15;

/** The same for a name, after which it is being guessed. */
const NAME_TRIES = 50;
const NAME_AGAIN_S = 60;

/** What the workers of a server share. */
export interface GuessState {
  addresses: MeterState;
  names: MeterState;
}

/** A new state. */
export function guessState(): GuessState {
  return { addresses: meterState("each"), names: meterState("each") };
}

/** What may be done with a try at a login. */
export type Verdict = { kind: "try"; attempt: Attempt } | { kind: "wait"; ms: number };

/** A try under way: counted as wrong from its beginning, so that many at once are no way around. */
export interface Attempt {
  /** It was right. */
  right(): void;
}

/** The tries of all clients. */
export class GuessLimit {
  readonly #addresses: Meter;
  readonly #names: Meter;

  /** `now` is in milliseconds since 1970. */
  constructor(state: GuessState = guessState(), now?: () => number) {
    this.#addresses = new Meter(state.addresses, 1 / AGAIN_S, now);
    this.#names = new Meter(state.names, 1 / NAME_AGAIN_S, now);
  }

  /** Begins a try at the login of `name` (there or not) from `address`, an IP address or what else tells clients apart. */
  begin(address: string, name: string): Verdict {
    // A proxy, or all that runs on this machine: one of many must not shut the others out.
    const from = isShared(address) ? JSON.stringify([address, name]) : clientOf(address);
    const ms = this.#addresses.refuse(from, TRIES);
    if (ms > 0) return { kind: "wait", ms };
    const guessed = this.#names.refuse(name, NAME_TRIES) > 0;
    // All that the address has.
    if (guessed) this.#addresses.debt(from, TRIES - 1);
    const right = () => {
      this.#addresses.giveBack(from, guessed ? TRIES : 1);
      if (!guessed) this.#names.giveBack(name, 1);
    };
    return { kind: "try", attempt: { right } };
  }
}

/** Whether an address stands for many clients. */
function isShared(address: string): boolean {
  return address === "unix" || address === "::1" || /^(?:::ffff:)?127\./i.test(address);
}
