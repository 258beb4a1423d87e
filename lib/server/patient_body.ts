/** The bodies of requests: read with patience, but not for ever. */
import { formatMs } from "../cli/units.ts";
import { FerryError } from "../core/errors.ts";
import { pacerOf } from "./limits/paced.ts";

/** How long a server waits for a body. */
export interface Patience {
  /** No byte came for so long: the client has gone, or hangs. In milliseconds. */
  silence: number;
  /** Over so much waiting, in milliseconds, at least so many bytes a second have to come. */
  window: number;
  leastRate: number;
}

/** What all bodies of this worker together have brought. */
export const received = { bytes: 0 };

/** What docs/protocol.md promises. */
export const PATIENCE: Patience = { silence: 120_000, window: 120_000, leastRate: 100 };

/**
 * `body`, which fails with `timeout` when its client stalls or only drips. Only the time counts in which somebody waits
 * for it. What is read from it with a BYOB reader is not copied.
 */
export function patientBody(
  body: ReadableStream<Uint8Array>,
  patience: Patience = PATIENCE,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pacer = pacerOf(body);
  // Taken with the first read: the runtime does not answer for one that was taken, left unread, and breaks off.
  let taken: ReturnType<typeof readerOf> | undefined;
  const largest = pacer?.piece ?? CHUNK;
  // Most of those that only drip never get a large one.
  let size = Math.min(FIRST_CHUNK, largest);
  let waited = 0, bytes = 0;
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const since = performance.now();
      const read = taken ??= readerOf(body);
      let reason: FerryError | undefined;
      const timer = setTimeout(() => {
        reason = stalled(`not a byte came for ${formatMs(patience.silence)}`);
        // It ends the read that is waited for.
        read.cancel(reason).catch(() => {});
      }, patience.silence);
      const request = controller.byobRequest;
      let value: Uint8Array<ArrayBuffer> | undefined, done: boolean;
      try {
        ({ value, done } = await read.some(request?.view ?? new Uint8Array(size)));
      } catch (error) {
        throw reason ?? error;
      } finally {
        clearTimeout(timer);
      }
      if (reason !== undefined) throw reason;
      if (done || value === undefined) {
        controller.close();
        if (read.byob && value !== undefined) request?.respondWithNewView(value);
        else request?.respond(0);
        return;
      }
      waited += performance.now() - since;
      bytes += value.length;
      received.bytes += value.length;
      if (value.length === size) size = Math.min(2 * size, largest);
      await pacer?.take(value.length);
      if (waited >= patience.window) {
        if (bytes < waited / 1000 * patience.leastRate) {
          reason = stalled(`only ${bytes} bytes came in ${formatMs(waited)}`);
          await read.cancel(reason).catch(() => {});
          throw reason;
        }
        waited = bytes = 0;
      }
      if (request !== null && read.byob) request.respondWithNewView(value);
      else controller.enqueue(value);
    },
    cancel: (reason) => (taken ?? body).cancel(reason),
  }, { highWaterMark: 0 });
}

/** What reads `body`: into the memory that it is given, where it is still on the network. */
function readerOf(body: ReadableStream<Uint8Array>) {
  try {
    const reader = body.getReader({ mode: "byob" });
    return {
      byob: true,
      some: ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
        reader.read(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)),
      cancel: (reason: unknown) => reader.cancel(reason),
    };
  } catch {
    // A small one came with its head.
    const reader = body.getReader();
    const some = async () => {
      for (;;) {
        const { value, done } = await reader.read();
        // Of nothing, there is a piece that is empty.
        if (done || value.length > 0) return { value: value?.slice(), done };
      }
    };
    return { byob: false, some, cancel: (reason: unknown) => reader.cancel(reason) };
  }
}

const FIRST_CHUNK = 4 * 1024;
const CHUNK = 64 * 1024;

function stalled(what: string): FerryError {
  return new FerryError("timeout", `the body of the request stalled: ${what}`);
}
