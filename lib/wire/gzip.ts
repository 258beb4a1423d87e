/**
 * Text of the API under gzip (RFC 1952), where the client asked for it: trees and long messages shrink to a quarter.
 * Packing takes 4 ms a MB, so it is done also where the wire is fast.
 */
import * as zlib from "node:zlib";
import { FerryError } from "../core/errors.ts";
import { GZIP_FREE_BYTES, GZIP_FREE_TREE_BYTES, MAX_GZIP_RATIO } from "./limits.ts";

/** What a tree under gzip is called. */
export const GZIP_TYPE = "application/gzip";

/** Level 2 packs lists of names as fast as level 1, and a third smaller. */
const LEVEL = 2;

/** Bytes given to the unpacker at a time: gzip makes at most 1,032 out of one, so this bounds what comes out at once. */
const SLICE_BYTES = 4096;

/** `bytes` packed. */
export function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(zlib.gzipSync(bytes, { level: LEVEL }));
}

/** How many bytes a message may hold that comes as `length`: what shrinks further has to travel plain. */
export function mostUnpacked(length: number): number {
  return Math.max(GZIP_FREE_BYTES, length * MAX_GZIP_RATIO);
}

/** The stream `body` packed. Each of its pieces can be unpacked as soon as it has come. */
export function gzipStream(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const packer = zlib.createGzip({ level: LEVEL });
  const reader = body.getReader();
  let out: Uint8Array[] = [];
  let failed: Error | undefined;
  packer.on("data", (piece: Uint8Array) => out.push(new Uint8Array(piece)));
  packer.on("error", (error: Error) => failed = error);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (out.length === 0) {
        const { value, done } = await reader.read();
        await new Promise<void>((resolve) => {
          if (done) packer.once("end", resolve).end();
          else packer.write(value, () => packer.flush(zlib.constants.Z_SYNC_FLUSH, () => resolve()));
        });
        if (failed) throw failed;
        if (!done) continue;
        for (const piece of out) controller.enqueue(piece);
        return controller.close();
      }
      for (const piece of out) controller.enqueue(piece);
      out = [];
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** More comes out of a stream than anybody should have to take for what went in. */
export class DenseError extends FerryError {
  override name = "DenseError";

  constructor() {
    super("protocol", `more than ${MAX_GZIP_RATIO} times as much comes out of gzip as came`);
  }
}

/**
 * The tree `body` unpacked, in pieces of bounded size. Fails as `body` does; with `protocol` for what is not gzip, and
 * with a DenseError, after its first 16 MiB, for what has shrunk too far.
 */
export async function* gunzipTree(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let came = 0, size = 0;
  const counted = async function* () {
    for await (const chunk of body) {
      came += chunk.length;
      yield chunk;
    }
  };
  for await (const piece of gunzipStream(counted())) {
    size += piece.length;
    if (size > Math.max(GZIP_FREE_TREE_BYTES, came * MAX_GZIP_RATIO)) throw new DenseError();
    yield piece;
  }
}

/** The stream `body` unpacked, in pieces of bounded size. Fails as `body` does; with `protocol` for what is not gzip. */
export async function* gunzipStream(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacker = new DecompressionStream("gzip");
  const feeding = feed(body, unpacker.writable.getWriter());
  const reader = unpacker.readable.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    const broken = await feeding;
    if (broken !== null) throw broken.error;
    throw new FerryError("protocol", "malformed gzip", { cause: error });
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Gives `body` to the unpacker; what broke it off, if that was not the unpacker. */
async function feed(
  body: AsyncIterable<Uint8Array>,
  writer: WritableStreamDefaultWriter<BufferSource>,
): Promise<{ error: unknown } | null> {
  // What is wrong with the bytes is heard from the side that reads.
  writer.closed.catch(() => {});
  let refused = false;
  try {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length && !refused; at += SLICE_BYTES) {
        await writer.write(new Uint8Array(chunk.subarray(at, at + SLICE_BYTES))).catch(() => refused = true);
      }
      if (refused) return null;
    }
  } catch (error) {
    await writer.abort(error).catch(() => {});
    return { error };
  }
  await writer.close().catch(() => {});
  return null;
}

/** The message `bytes` unpacked, at most `max` of them. Throws `too_large`, or `protocol` for what is not gzip. */
export async function gunzip(bytes: Uint8Array, max: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const most = mostUnpacked(bytes.length);
  let size = 0;
  for await (const part of gunzipStream(once(bytes))) {
    size += part.length;
    if (size > most) {
      const ratio = `more than ${MAX_GZIP_RATIO} times what came`;
      throw new FerryError("too_large", `a message under gzip holds ${ratio}; send it plain`);
    }
    if (size > max) throw new FerryError("too_large", `this call takes at most ${max} bytes`);
    parts.push(part);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
