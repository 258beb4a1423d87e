/**
 * A turn of the event loop: others go on, and signals are heard, in the midst of work that never waits. Throws once
 * `signal` is aborted.
 */
export async function turn(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}

/** How long work goes on before others have their turn: a turn may take two milliseconds of waiting. */
const WORK_MS = 30;

/** Turns for work that goes on, each when it is due. */
export class Turns {
  #since = performance.now();

  /** A turn, if the last one was long ago. Throws once `signal` is aborted. */
  async due(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#since < WORK_MS) return;
    await turn(signal);
    this.#since = performance.now();
  }
}
