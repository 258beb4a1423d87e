/** Those who wait until something may have changed. */

/** Who may wait at a time. */
const MAX_WAITING = 256;

export class Waiters {
  readonly #waiting = new Set<() => void>();
  #hungUp = false;

  /** Whether one more may wait. */
  get patient(): boolean {
    return !this.#hungUp && this.#waiting.size < MAX_WAITING;
  }

  /** Resolves at the next `wake`, after `ms`, or when `gone`, who asked for it, has gone. */
  wait(ms: number, gone: Promise<void> | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      gone?.then(done, done);
    });
  }

  /** Ends all waiting of this moment. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Ends all waiting, now and from now on. */
  hangUp(): void {
    this.#hungUp = true;
    this.wake();
  }
}
