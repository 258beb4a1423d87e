import { formatDurationFlag } from "../cli/units.ts";
import { FerryError, quote } from "../core/errors.ts";

/** What setTimeout can hold: 24 days. */
const MAX_TIMER = 2 ** 31 - 1;

/** A time limit; its signal is aborted with a `timeout` error when it runs out. Disposing of it ends it. */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #end: number;

  /** `ms` from now for `url`; undefined for no limit. */
  constructor(ms: number | undefined, url: URL) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#end = performance.now() + (ms ?? Infinity);
    if (ms === undefined) return;
    const message = `${quote(url.href)}: the time limit of ${formatDurationFlag(ms)} ran out (--timeout)`;
    this.#timer = setTimeout(
      () => controller.abort(new FerryError("timeout", message)),
      Math.min(ms, MAX_TIMER),
    );
  }

  /** Whether it leaves more than `ms`. */
  allows(ms: number): boolean {
    return performance.now() + ms < this.#end;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
