/**
 * Buffers that are used again. A fresh one for each pack costs more than it looks: the freed ones pile up until the
 * next collection, several hundred MB of them, and `Response.arrayBuffer()` grows its own by doubling.
 */
import { FerryError } from "../core/errors.ts";
import type { Flow } from "../wire/flow.ts";
import { PACK_BYTES, SMALL_FILE_BYTES } from "../wire/limits.ts";

/** Kept between uses; more than there are packs under way would never be asked for. */
const KEPT = 8;

/** All are of one size, so that each can serve for any: one batch as it is planned. Untouched memory costs nothing. */
const USUAL_BYTES = PACK_BYTES + SMALL_FILE_BYTES;

/** Buffers to take and to give back. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];

  /** A buffer of at least `size` bytes, with anything in it. */
  take(size: number): ArrayBuffer {
    const at = this.#free.findIndex((buffer) => buffer.byteLength >= size);
    return at === -1 ? new ArrayBuffer(Math.max(size, USUAL_BYTES)) : this.#free.splice(at, 1)[0];
  }

  /** Gives a buffer back; nobody may look at it any more. */
  give(buffer: ArrayBuffer): void {
    if (this.#free.length < KEPT && buffer.byteLength > 0) this.#free.push(buffer);
  }
}

/** The buffers of this process's packs. */
export const PACK_BUFFERS = new BufferPool();

/** What one read asks for at most. */
const READ_BYTES = 1024 * 1024;

/**
 * Reads `body` to its end into `buffer` and gives the part that it fills; what comes back may lie in another buffer
 * object, since reading hands the memory over and back. `flow` is told of it. Throws `protocol` when the body is
 * longer than the buffer.
 */
export async function readInto(
  body: ReadableStream<Uint8Array>,
  buffer: ArrayBuffer,
  flow?: Flow,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader({ mode: "byob" });
  let length = 0;
  for (;;) {
    // With no room left, one byte more tells a body that ends here from one that does not.
    const room = buffer.byteLength - length;
    flow?.wait();
    if (room === 0) {
      const { done } = await reader.read(new Uint8Array(1));
      flow?.moved(0);
      if (done) return new Uint8Array(buffer, 0, length);
      await reader.cancel().catch(() => {});
      throw new FerryError("protocol", `an answer of more than ${length} bytes`);
    }
    const most = Math.min(room, flow?.piece(READ_BYTES) ?? READ_BYTES);
    const { value, done } = await reader.read(new Uint8Array(buffer, length, most));
    const pause = flow?.moved(value?.byteLength ?? 0);
    if (pause) await pause;
    if (value === undefined) throw new FerryError("partial_transfer", "the answer broke off");
    buffer = value.buffer;
    length += value.byteLength;
    if (done) return new Uint8Array(buffer, 0, length);
  }
}
