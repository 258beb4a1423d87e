import type { Call } from "./call.ts";

/** Which calls end with which signal: one listener a signal, however many calls it is for. */
export class Stops {
  readonly #entries = new Map<AbortSignal, { calls: Set<Call>; listener: () => void }>();

  /** Until the call has ended. */
  add(call: Call): void {
    const entry = this.#entries.get(call.signal) ?? this.#listen(call.signal);
    entry.calls.add(call);
    call.onEnd = this.#delete;
  }

  #listen(signal: AbortSignal): { calls: Set<Call>; listener: () => void } {
    const calls = new Set<Call>();
    const listener = () => {
      for (const call of [...calls]) call.holder?.abort(call);
    };
    const entry = { calls, listener };
    signal.addEventListener("abort", listener, { once: true });
    this.#entries.set(signal, entry);
    return entry;
  }

  #delete = (call: Call): void => {
    const { signal } = call;
    const { calls, listener } = this.#entries.get(signal)!;
    calls.delete(call);
    if (calls.size > 0) return;
    signal.removeEventListener("abort", listener);
    this.#entries.delete(signal);
  };
}
