/** The part that an earlier run left: whether it can be gone on from. */
import { FerryError, quote } from "../../core/errors.ts";
import { isOwn, lstatOrNull, openLocked } from "./part_lock.ts";
import { bootId, type ByteRange, noteAt } from "./part_note.ts";
import type { Position } from "../transfer/resume.ts";

/** What is another one when a file has been written to or replaced. */
type FileState = Pick<Deno.FileInfo, "ino" | "size" | "mtime">;

export type EarlierPart =
  /** `ranges` are the bytes that are there, those behind the first gap too; `file` is what they were found in. */
  | {
    kind: "good";
    position: Position;
    ranges: readonly ByteRange[];
    sha256?: string;
    file: FileState;
  }
  /** Nothing is there, or nothing of use. */
  | { kind: "none" }
  | { kind: "refused"; why: string };

/** What of `url` an earlier run left at `part`, with its note at `note`, for one that demands `sha256`, if any. */
export function earlierPart(
  url: URL,
  { part, note: notePath, sha256 }: { part: string; note: string; sha256?: string },
): EarlierPart {
  const info = lstatOrNull(part);
  if (info === null || !info.isFile || info.size === 0) return { kind: "none" };
  const refused = (why: string): EarlierPart => ({ kind: "refused", why });
  if (!isOwn(info, part)) return refused("it belongs to another user, or has another name too");
  const note = noteAt(notePath);
  if (note === null) return refused("nothing says of what it is the beginning");
  if (note.url !== url.href) return refused("it is the beginning of another URL");
  if (note.sha256 !== undefined && note.sha256 !== sha256) {
    return refused("bytes of it are a mirror's, and only the --checksum of then vouches for them");
  }
  if (info.size > note.size) return refused("it is longer than the whole");
  // After a crash of the machine a file may have its length and not its bytes.
  if (note.boot !== null && (note.boot === "" || note.boot !== bootId())) {
    return refused("the machine was started anew before it was safely on the disk");
  }
  // The end may have given way to the note.
  const ranges = (note.ranges ?? [[0, info.size] as const])
    .map(([start, end]) => [start, Math.min(end, info.size)] as const)
    .filter(([start, end]) => start < end);
  if (ranges.length === 0) return { kind: "none" };
  const { size, validator } = note;
  return {
    kind: "good",
    ranges,
    file: info,
    sha256: note.sha256,
    position: { start: 0, have: ranges[0][1], end: size, size, validator },
  };
}

/** Opens `part`, if it still is what `earlier` found: a server has been asked meanwhile. Throws `write_failed`. */
export function openEarlier(
  earlier: EarlierPart,
  { part, mode }: { part: string; mode?: number },
): Deno.FsFile {
  const file = lstatOrNull(part) && openLocked(part, mode);
  if (file !== null && earlier.kind === "good" && isSame(file.statSync(), earlier.file)) return file;
  file?.close();
  throw new FerryError(
    "write_failed",
    `cannot go on with ${quote(part)}: another program has changed or removed it meanwhile; run it again`,
  );
}

function isSame(now: FileState, then: FileState): boolean {
  return now.ino === then.ino && now.size === then.size && now.mtime?.getTime() === then.mtime?.getTime();
}
