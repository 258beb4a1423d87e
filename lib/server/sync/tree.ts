/** A folder as the body of a `tree` answer, scanned at the pace at which the client takes it. */
import { turn } from "../../core/turn.ts";
import { HEARTBEAT_MS } from "../../wire/limits.ts";
import { type Listing, treeEnd, treeHead, treeLine } from "../../wire/tree.ts";
import type { ReadyLine } from "./index_lines.ts";

/** How long one turn scans before others are answered; a request takes several turns to get through. */
const TURN_MS = 4;

/** A scan waits for others so many times, a millisecond or two each, and then goes on all the same. */
const MOST_WAITS = 2;

const CHUNK_CHARS = 128 * 1024;

const HEARTBEAT = new TextEncoder().encode("\n");

export interface TreeOptions {
  /** Adds the SHA-256 of each file in a listing. */
  checksum?: (listing: Listing) => Promise<void>;
  /** Whether others are being answered: a scan can wait, those who asked for contents have nothing else to do. */
  busy?: () => boolean;
}

/** A tree of `listings`. Throws at once when there is not even a first one. */
export function streamTree(
  listings: Generator<Listing | ReadyLine>,
  options: TreeOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let first: IteratorResult<Listing | ReadyLine> | null = listings.next();
  let count = 0;
  let head = treeHead();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const start = performance.now();
      // Once, also when the first turn is over before it has begun.
      let text = head;
      head = "";
      while (text.length < CHUNK_CHARS && performance.now() - start < TURN_MS) {
        const { value, done } = first ?? listings.next();
        first = null;
        if (done) {
          controller.enqueue(encoder.encode(text + treeEnd(count)));
          controller.close();
          return;
        }
        if ("line" in value) {
          count += value.count;
          text += value.line;
          continue;
        }
        if (options.checksum) await atWork(controller, options.checksum(value));
        if ("entries" in value) count += value.entries.length;
        text += treeLine(value);
      }
      controller.enqueue(encoder.encode(text));
      // So that requests that came meanwhile are answered.
      for (let waits = 0; waits === 0 || (waits < MOST_WAITS && options.busy?.()); waits++) {
        await turn();
      }
    },
    cancel: () => void listings.return(undefined),
  }, { highWaterMark: 0 });
}

/** Waits for `work`, with an empty line now and then: a client takes a long silence for a server that hangs. */
async function atWork(
  controller: ReadableStreamDefaultController<Uint8Array>,
  work: Promise<void>,
): Promise<void> {
  const timer = setInterval(() => controller.enqueue(HEARTBEAT), HEARTBEAT_MS);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
}
