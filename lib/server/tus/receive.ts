/** Adds the body of a request to the bytes of an upload. */
import { FerryError } from "../../core/errors.ts";
import { writeFully } from "../../core/file_bytes.ts";
import { bootId } from "../../store/boot.ts";
import type { PieceCheck } from "./checksum.ts";
import { KEPT_MS, type Shelf, type ShelvedUpload } from "./shelf.ts";
import type { Hold } from "./turn.ts";

/** How a piece ended; what came of one that did not end well is kept, unless it had a sum to be checked. */
export type PieceEnd = "whole" | "wrong sum";

export interface PieceOptions {
  shelf: Shelf;
  hold: Hold;
  check: PieceCheck | null;
  /** The most bytes that the upload may have. */
  most: number;
}

/** A read asks for so many bytes. */
const READ_BYTES = 256 * 1024;
/** After so many, the disk is waited for beside the receiving: a power cut costs no more than these. */
const SYNC_BYTES = 64 * 1024 * 1024;

/**
 * Appends `body` to `upload` and moves its offset. Throws `too_large` for more than there may be, `conflict` when the
 * body breaks off, `bad_request` when somebody else takes the upload over, `timeout`, `disk_full` or `write_failed`.
 */
export async function receivePiece(
  upload: ShelvedUpload,
  body: ReadableStream<Uint8Array>,
  { shelf, hold, check, most }: PieceOptions,
): Promise<PieceEnd> {
  const start = upload.offset;
  using file = Deno.openSync(upload.data, { read: true, write: true });
  const { record } = upload;
  // What is behind the offset is not to be trusted.
  if (file.statSync().size > start) file.truncateSync(start);
  record.writer = crypto.randomUUID();
  record.boot = bootId();
  record.synced = Math.min(record.synced, start);
  record.unchecked = check === null ? null : start;
  shelf.save(upload);
  file.seekSync(start, Deno.SeekMode.Start);
  const reader = body.getReader({ mode: "byob" });
  hold.onInterrupt = () => void reader.cancel().catch(() => {});
  let at = start, buffer = new ArrayBuffer(READ_BYTES), syncing: Promise<void> | undefined;
  let end: PieceEnd | undefined;
  const sync = async (bytes: number) => {
    await file.syncData();
    record.synced = bytes;
    if (shelf.isWriter(upload)) shelf.save(upload);
  };
  try {
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(buffer)).catch((error) => {
        throw error instanceof FerryError ? error : brokenOff(at - start);
      });
      if (hold.interrupted) throw new FerryError("bad_request", "another request goes on with this upload");
      if (done) break;
      buffer = value.buffer;
      if (at + value.length > most) {
        reader.cancel().catch(() => {});
        throw tooMuch(most);
      }
      check?.update(value);
      writeFully(file, value);
      at += value.length;
      if (syncing === undefined && at - record.synced >= SYNC_BYTES) {
        syncing = sync(at).finally(() => syncing = undefined);
        // It is awaited below.
        syncing.catch(() => {});
      }
    }
    end = check === null || check.holds() ? "whole" : "wrong sum";
    return end;
  } finally {
    hold.onInterrupt = null;
    await syncing?.catch(() => {});
    // With a sum it is all or nothing.
    upload.offset = check === null || end === "whole" ? at : start;
    upload.expires = Date.now() + KEPT_MS;
    // Nobody else is here; but a server that is about to end may share the folder with the one that follows it.
    if (shelf.isWriter(upload)) {
      if (file.statSync().size !== upload.offset) file.truncateSync(upload.offset);
      if (check !== null) {
        record.unchecked = null;
        shelf.save(upload);
      }
    }
  }
}

function tooMuch(most: number): FerryError {
  return new FerryError("too_large", `the upload was to have at most ${most} bytes`);
}

/** Clients take this status for what it is: no fault of theirs, but a reason to ask how far they got. */
function brokenOff(bytes: number): FerryError {
  return new FerryError("conflict", `the body broke off after ${bytes} bytes`);
}
