/** gzip and zstd over what is made piece by piece, as one stream of either. */
import * as zlib from "node:zlib";

/** gzip: three times as fast as at 6. zstd: smaller than that at four times its speed. See docs/design.md. */
const GZIP_LEVEL = 1;
const ZSTD_LEVEL = 3;

/** Bytes that come out at a time. */
const CHUNK = 64 * 1024;

/** What `pieces` are in `coding`. A piece is asked for when all that came of those before it has been taken. */
export async function* compress(
  pieces: Iterable<Uint8Array | null>,
  coding: "gzip" | "zstd",
): AsyncGenerator<Uint8Array<ArrayBuffer> | null, void> {
  const stream = coding === "gzip"
    ? zlib.createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK })
    : zlib.createZstdCompress({
      chunkSize: CHUNK,
      params: { [zlib.constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    });
  const ready: Uint8Array<ArrayBuffer>[] = [];
  // A copy: several chunks may share their memory.
  stream.on("data", (chunk: Uint8Array) => ready.push(new Uint8Array(chunk)));
  const taken = () => ready.splice(0);
  try {
    for (const piece of pieces) {
      if (piece === null) {
        yield null;
        continue;
      }
      await new Promise<void>((resolve, reject) =>
        stream.write(piece, (error) => error ? reject(error) : resolve())
      );
      yield* taken();
    }
    await new Promise<void>((resolve, reject) => stream.once("error", reject).once("end", resolve).end());
    yield* taken();
  } finally {
    stream.destroy();
  }
}
