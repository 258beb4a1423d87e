import { FetchError } from "./fetch_error.ts";
import type { WireBody } from "./http1/answer.ts";
import type { Pace } from "./pace.ts";

export interface PumpOptions {
  /** Where the bytes come from, for errors. */
  url: URL;
  /** Bytes at the beginning that are not wanted. */
  skip?: number;
  /** How many bytes are wanted; what comes after them is not read. Undefined for all there are. */
  limit?: number;
  pace?: Pace;
  signal: AbortSignal;
}

/** Of one buffer, and of all together that are in use at a time; smaller ones are slower. */
const MOST_BYTES = 512 * 1024;
const LEAST_BYTES = 64 * 1024;
const ALL_BYTES = 4 * 1024 * 1024;

/** How many bodies are being moved. */
let moving = 0;

/** Those that nobody uses at the moment: to make them anew for each body takes time, and memory until they are collected. */
const spares: Uint8Array<ArrayBuffer>[] = [];

/**
 * Moves a body into `take`, in few large pieces. A buffer is `take`'s until it is done; the next piece may be read
 * into another one meanwhile. Throws `partial_transfer` when the body ends before `limit`.
 */
export async function pump(
  body: Pick<WireBody, "read" | "cancel"> | null,
  take: (bytes: Uint8Array) => void | Promise<void>,
  options: PumpOptions,
): Promise<void> {
  let skip = options.skip ?? 0;
  let left = options.limit ?? Infinity;
  if (body !== null && left > 0) {
    let share = MOST_BYTES;
    for (moving++; share > LEAST_BYTES && share * moving > ALL_BYTES;) share /= 2;
    const size = Math.min(
      options.pace?.pieceSize(share) ?? share,
      Math.max(2 ** Math.ceil(Math.log2(left + skip)), 4096),
    );
    let buffer = borrow(size);
    // What is being written, from another buffer: the next bytes come meanwhile.
    let other: Uint8Array<ArrayBuffer> | undefined;
    let writing: Promise<void> | undefined;
    try {
      while (left > 0) {
        options.signal.throwIfAborted();
        const reading = body.read(buffer.subarray(0, size));
        if (writing !== undefined) {
          // An error of the server's comes after what it has sent.
          reading.catch(() => {});
          await orAbort(writing, options.signal);
          writing = undefined;
        }
        const count = await reading;
        if (count === null) break;
        const piece = buffer.subarray(0, count);
        const wanted = piece.subarray(Math.min(skip, count)).subarray(0, Math.min(left, count));
        skip = Math.max(0, skip - count);
        left -= wanted.length;
        if (wanted.length > 0) writing = take(wanted) ?? undefined;
        if (writing !== undefined) {
          writing.catch(() => {});
          [buffer, other] = [other ?? borrow(size), buffer];
        }
        await options.pace?.take(count, options.signal);
      }
      if (writing !== undefined) await orAbort(writing, options.signal);
      giveBack(buffer);
      if (other !== undefined) giveBack(other);
    } finally {
      moving--;
      // After the limit, or when `take` threw: the rest is not wanted.
      await body.cancel();
    }
  } else {
    await body?.cancel();
  }
  if (options.limit !== undefined && left > 0) {
    throw new FetchError(
      "partial_transfer",
      `${options.url.host} ended the transfer ${left} bytes too early`,
      { transient: true, sent: true },
    );
  }
}

function borrow(size: number): Uint8Array<ArrayBuffer> {
  const index = spares.findIndex((spare) => spare.length === size);
  return index === -1 ? new Uint8Array(size) : spares.splice(index, 1)[0];
}

function giveBack(buffer: Uint8Array<ArrayBuffer>): void {
  // Those of other sizes fit one body alone.
  const fits = buffer.length >= LEAST_BYTES && MOST_BYTES % buffer.length === 0;
  if (fits && spares.length * MOST_BYTES < ALL_BYTES) spares.push(buffer);
}

/** Waits for `work`, but not when `signal` is aborted: a pipe that nobody reads must not keep the program. */
export function orAbort(work: void | Promise<void>, signal: AbortSignal): void | Promise<void> {
  if (work === undefined) return;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
