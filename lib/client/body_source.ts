/** What a request sends: nothing, bytes, a file, what comes through a pipe, or several of these. */
import { assertNever, FerryError, quote, readError } from "../core/errors.ts";
import { readBody } from "./body_reader.ts";
import type { RequestBody } from "./http1/request.ts";
import { openStream } from "./named_pipe.ts";

/** Called with how many bytes were taken; what it returns is awaited before the next ones. */
export type Meter = (bytes: number) => void | Promise<void>;

/** Where the body of a request comes from. */
export type BodySource =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Uint8Array<ArrayBuffer> }
  /** `size` bytes from `start` on. */
  | { kind: "file"; path: string; size: number; start?: number }
  /** Can be read once, and `begun` says that it was; its length is not known. */
  | {
    kind: "stream";
    stream: () => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>;
    name: string;
    begun?: boolean;
  }
  /** One after the other. */
  | { kind: "parts"; parts: readonly BodySource[] };

/** The source that an upload flag's FILE names; `-` is standard input. Throws `read_failed`. */
export function fileSource(path: string, stdin: ReadableStream<Uint8Array>): BodySource {
  if (path === "-") return { kind: "stream", stream: () => stdin, name: "standard input" };
  try {
    const info = Deno.statSync(path);
    if (info.isDirectory) throw new FerryError("read_failed", `cannot read ${quote(path)}: it is a folder`);
    if (info.isFile) {
      // Opened once now, so that a file that cannot be read is told before the server hears of it.
      using file = Deno.openSync(path);
      // Files of the kernel (/proc) are said to be empty, whatever is in them.
      const isEmpty = info.size === 0 && file.readSync(new Uint8Array(1)) === null;
      if (info.size > 0 || isEmpty) return { kind: "file", path, size: info.size };
    }
    return { kind: "stream", stream: async () => (await openStream(path, info)).readable, name: path };
  } catch (error) {
    throw readError(error, path);
  }
}

/** Whether the body can be sent once more: what comes through a pipe only as long as nothing of it was read. */
export function isRereadable(source: BodySource): boolean {
  if (source.kind === "parts") return source.parts.every(isRereadable);
  return source.kind !== "stream" || !source.begun;
}

/** Whether the body, or a part of it, comes through a pipe. */
export function isPiped(source: BodySource): boolean {
  return source.kind === "parts" ? source.parts.some(isPiped) : source.kind === "stream";
}

/** How many bytes `source` has; null where that shows only at its end. */
export function bodySize(source: BodySource): number | null {
  switch (source.kind) {
    case "none":
      return 0;
    case "bytes":
      return source.bytes.length;
    case "file":
      return source.size;
    case "stream":
      return null;
    case "parts":
      return source.parts.reduce<number | null>((sum, part) => {
        const size = bodySize(part);
        return sum === null || size === null ? null : sum + size;
      }, 0);
    default:
      return assertNever(source);
  }
}

/** Pieces of a body are at most so large. */
const PIECE = 128 * 1024;

/**
 * `source` as the body of a request, read in pieces as they are sent; null for none. A byte that is sent a second time
 * is not metered again. `largest` makes pieces smaller, for a slow pace.
 */
export function requestBody(
  source: BodySource,
  meter: Meter,
  options: { largest?: number } = {},
): RequestBody | null {
  if (source.kind === "none") return null;
  const largest = Math.min(PIECE, options.largest ?? PIECE);
  let metered = 0;
  const open = () => {
    const { fill, close } = readBody(source);
    let buffer = new ArrayBuffer(Math.max(1, Math.min(bodySize(source) ?? largest, largest)));
    let sent = 0;
    const next = async () => {
      const piece = await fill(buffer);
      if (piece === null) return null;
      buffer = piece.buffer;
      sent += piece.length;
      if (sent > metered) {
        const more = sent - metered;
        metered = sent;
        await meter(more);
      }
      return piece;
    };
    return { next, close };
  };
  const length = bodySize(source) ?? undefined;
  return {
    length,
    open,
    get rereadable() {
      return isRereadable(source);
    },
  };
}
