/** Content codings made on the fly: for what shrinks, once for each version of a file that stays in memory. */
import * as zlib from "node:zlib";
import { acceptedCodings, type Coding } from "../http/accept_encoding.ts";

/** Less fits into the first packet anyway. */
const LEAST_BYTES = 1024;

/** More would hold everybody else up: at 10 (zstd) to 25 ms (br) a MiB. */
const MOST_BYTES = 1024 * 1024;

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT, ZSTD_c_compressionLevel } = zlib.constants;

/** Levels at which each takes as long as it is worth, see docs/design.md. */
const ENCODERS: Readonly<Record<Coding, ((bytes: Uint8Array) => Uint8Array) | undefined>> = {
  // Came with Deno 2.7.
  zstd: typeof zlib.zstdCompressSync === "function"
    ? (bytes) => zlib.zstdCompressSync(bytes, { params: { [ZSTD_c_compressionLevel]: 6 } })
    : undefined,
  br: (bytes) =>
    zlib.brotliCompressSync(bytes, {
      params: { [BROTLI_PARAM_QUALITY]: 5, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gzip: (bytes) => zlib.gzipSync(bytes, { level: 6 }),
};

/** What an `Accept-Encoding` (null for none) gets that can be made here; null for the content as it is. */
export function madeCoding(header: string | null): Coding | null {
  return acceptedCodings(header).find((coding) => ENCODERS[coding] !== undefined) ?? null;
}

/** Whether `size` bytes of a media type are worth trying. */
export function mayShrink(type: string, size: number): boolean {
  return size >= LEAST_BYTES && size <= MOST_BYTES && isText(type);
}

/** Text in the wide sense; what is packed already, as most images are, is not. */
function isText(type: string): boolean {
  return /^(?:text\/|image\/(?:svg\+xml|bmp)|font\/(?:ttf|otf)|application\/(?:[^;]+\+(?:json|xml)|json|xml|javascript|wasm|manifest|toml|yaml|x-sh|sql|rtf|ndjson|x-ndjson|graphql)\b)/
    .test(type);
}

/** `bytes` in `coding`, which `madeCoding` gave; null unless that makes them a tenth smaller. */
export function encode(bytes: Uint8Array, coding: Coding): Uint8Array<ArrayBuffer> | null {
  const coded = ENCODERS[coding]!(bytes);
  if (coded.length > bytes.length * 0.9) return null;
  // Of its own, not a piece of a larger pool.
  return new Uint8Array(coded);
}
