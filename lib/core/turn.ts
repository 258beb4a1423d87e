/**
 * A turn of the event loop: others go on, and signals are heard, in the midst of work that never waits. Throws once
 * `signal` is aborted.
 */
export async function turn(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}
