/** Reads and writes of a file that do all that they are asked for: one call of the system may do less. */
import { FerryError } from "./errors.ts";
import { Turns } from "./turn.ts";

/** What is read at once of a file that is gone through. */
const PIECE = 1 << 20;

/** Fills `buffer` from where `file` is; gives how many bytes there were, fewer only at its end. */
export function readFully(file: Pick<Deno.FsFile, "readSync">, buffer: Uint8Array): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = file.readSync(filled === 0 ? buffer : buffer.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

/** As `readFully`, from `offset` on. */
export function readFullyAt(
  file: Pick<Deno.FsFile, "readSync" | "seekSync">,
  buffer: Uint8Array,
  offset: number,
): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  return readFully(file, buffer);
}

/** Writes all of `bytes` where `file` is. Throws `write_failed` when it takes no more, and what the system throws. */
export function writeFully(file: Pick<Deno.FsFile, "writeSync">, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    const count = file.writeSync(written === 0 ? bytes : bytes.subarray(written));
    if (count === 0) throw new FerryError("write_failed", "the file took no more bytes");
    written += count;
  }
}

/**
 * The first `size` bytes of what `read` fills a buffer with from an offset on, in pieces, each good until the next one;
 * fewer where it has no more. Others have their turns. Throws the reason of `signal`.
 */
export async function* pieces(
  size: number,
  read: (buffer: Uint8Array, offset: number) => number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(PIECE, Math.max(1, size)));
  const turns = new Turns();
  for (let at = 0; at < size;) {
    const count = read(buffer.subarray(0, Math.min(size - at, buffer.length)), at);
    if (count === 0) return;
    yield buffer.subarray(0, count);
    at += count;
    await turns.due(signal);
  }
}
