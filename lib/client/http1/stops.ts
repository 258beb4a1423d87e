import type { Call } from "./call.ts";

/** Which calls end with which signal: one listener a signal, however many calls it is for. */
export class Stops {
  readonly #calls = new Map<AbortSignal, { calls: Set<Call>; listener: () => void }>();

  /** Until the call has ended. */
  add(call: Call): void {
    const { signal } = call;
    let entry = this.#calls.get(signal);
    if (entry === undefined) {
      const calls = new Set<Call>();
      const listener = () => {
        for (const call of [...calls]) call.abort?.();
      };
      entry = { calls, listener };
      signal.addEventListener("abort", listener, { once: true });
      this.#calls.set(signal, entry);
    }
    const { calls, listener } = entry;
    calls.add(call);
    call.onEnd = () => {
      calls.delete(call);
      if (calls.size > 0) return;
      signal.removeEventListener("abort", listener);
      this.#calls.delete(signal);
    };
  }
}
