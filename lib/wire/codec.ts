/** Compression of what travels, as far as this runtime has it: zstd came to Deno with 2.7, brotli was always there. */
import * as zlib from "node:zlib";

/** How a block of bytes travels; the numbers are those of the wire. */
export type Codec = 1 | 2 | 3;
export const PLAIN: Codec = 1;
export const ZSTD: Codec = 2;
export const BROTLI: Codec = 3;

interface Way {
  /** `hard` where the time is worth it. */
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Throws when what comes out is not `length` bytes. */
  expand(bytes: Uint8Array, length: number): Promise<Uint8Array>;
}

type Zlib = typeof zlib & {
  zstdCompress?: (bytes: Uint8Array, options: unknown, done: Done) => void;
  zstdDecompress?: (bytes: Uint8Array, options: unknown, done: Done) => void;
};
type Done = (error: Error | null, result: Uint8Array) => void;

const { zstdCompress, zstdDecompress } = zlib as Zlib;

const brotli: Way = {
  compress: (bytes) => {
    const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = zlib.constants;
    const params = { [BROTLI_PARAM_QUALITY]: 3, [BROTLI_PARAM_LGWIN]: 22 };
    return called((done) => zlib.brotliCompress(bytes, { params }, done as never));
  },
  expand: expandBrotli,
};

const zstd: Way | undefined = zstdCompress && zstdDecompress && {
  compress: (bytes) => called((done) => zstdCompress(bytes, {}, done)),
  expand: (bytes, length) =>
    exactly(length, (done) => zstdDecompress(bytes, { maxOutputLength: length }, done)),
};

const WAYS = new Map<number, Way>([...(zstd ? [[ZSTD, zstd] as const] : []), [BROTLI, brotli]]);

/** The codecs that this side can undo, as bits: `1 << codec`. */
export const CODECS: number = [...WAYS.keys()].reduce((bits, codec) => bits | 1 << codec, 1 << PLAIN);

/** Saved less than this, the work of undoing it is not worth it. */
const WORTH = 0.95;

/** What is looked at to tell whether the rest is worth the work: so many pieces of so many bytes. */
const SAMPLES = 4;
const SAMPLE_BYTES = 4096;

/** `bytes` in the best way that a receiver with `codecs` can undo; as they are when they do not shrink. */
export async function compress(
  bytes: Uint8Array,
  codecs: number,
): Promise<{ codec: Codec; bytes: Uint8Array }> {
  const plain = { codec: PLAIN, bytes };
  const codec = [ZSTD, BROTLI].find((codec) => WAYS.has(codec) && (codecs & 1 << codec) !== 0);
  const way = codec && WAYS.get(codec);
  if (!codec || !way || bytes.length < 64) return plain;
  if (bytes.length > 4 * SAMPLES * SAMPLE_BYTES) {
    const sample = new Uint8Array(SAMPLES * SAMPLE_BYTES);
    for (let i = 0; i < SAMPLES; i++) {
      const start = Math.floor((bytes.length - SAMPLE_BYTES) / (SAMPLES - 1)) * i;
      sample.set(bytes.subarray(start, start + SAMPLE_BYTES), i * SAMPLE_BYTES);
    }
    if ((await way.compress(sample)).length > sample.length * WORTH) return plain;
  }
  const small = await way.compress(bytes);
  return small.length <= bytes.length * WORTH ? { codec, bytes: small } : plain;
}

/** Undoes `compress`. Throws when that is not possible or does not give `length` bytes; never makes more of them. */
export async function expand(codec: number, bytes: Uint8Array, length: number): Promise<Uint8Array> {
  if (codec === PLAIN) {
    if (bytes.length !== length) throw new RangeError("a length that does not fit");
    return bytes;
  }
  const way = WAYS.get(codec);
  if (way === undefined) throw new RangeError("an unknown compression");
  return await way.expand(bytes, length);
}

function called(work: (done: Done) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    work((error, result) => error ? reject(error) : resolve(result));
  });
}

/** As a stream: old runtimes do not heed `maxOutputLength`, and a few bytes can stand for a gigabyte. */
function expandBrotli(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const result = new Uint8Array(length);
    let filled = 0;
    const stream = zlib.createBrotliDecompress({ chunkSize: 256 * 1024 });
    const wrong = () => reject(new RangeError("a length that does not fit"));
    stream.on("data", (chunk: Uint8Array) => {
      if (filled + chunk.length > length) {
        stream.destroy();
        return wrong();
      }
      result.set(chunk, filled);
      filled += chunk.length;
    });
    stream.on("end", () => filled === length ? resolve(result) : wrong());
    stream.on("error", reject);
    stream.on("close", wrong);
    stream.end(bytes);
  });
}

async function exactly(length: number, work: (done: Done) => void): Promise<Uint8Array> {
  const bytes = await called(work);
  if (bytes.length !== length) throw new RangeError("a length that does not fit");
  return bytes;
}
