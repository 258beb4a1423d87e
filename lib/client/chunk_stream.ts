/** Bodies on their way out, made of pieces that a function fills. */

/** Called with how many bytes were taken; what it returns is awaited before the next ones. */
export type Meter = (bytes: number) => void | Promise<void>;

/** Fills the buffer and gives the part that it filled, or null at the end. The buffer may come back as another object. */
export type Fill = (
  buffer: ArrayBuffer,
) => Uint8Array<ArrayBuffer> | null | Promise<Uint8Array<ArrayBuffer> | null>;

export interface ChunkOptions {
  meter: Meter;
  /** Called once at the end, whichever way it comes. */
  close(): void;
}

const CHUNK = 128 * 1024;

/**
 * Deno 2.4's fetch never lets go of a buffer that it has sent, so an upload would end up in memory as a whole; there
 * a ring of buffers is used over and over. By the time its turn comes again a buffer is long gone: of 8 MiB, fetch
 * holds at most the 64 KiB that its channel lets in before it waits, a piece more, and the 400 KiB of the connection.
 */
const RECYCLES = /^2\.[0-8]\./.test(Deno.version.deno);
const RING = 64;

/** A stream of what `fill` gives, no piece read before it is asked for. */
export function chunkStream(fill: Fill, options: ChunkOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  const ring: ArrayBuffer[] = [];
  let turn = 0;
  let closed = false;
  const close = () => {
    if (!closed) options.close();
    closed = true;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const slot = turn++ % RING;
        const piece = await fill((RECYCLES ? ring[slot] : undefined) ?? new ArrayBuffer(CHUNK));
        if (piece === null) {
          close();
          controller.close();
          return;
        }
        if (RECYCLES) ring[slot] = piece.buffer;
        await options.meter(piece.length);
        controller.enqueue(piece);
      } catch (error) {
        close();
        controller.error(error);
      }
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
