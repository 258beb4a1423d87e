/**
 * A download on its way to `NAME`: it grows as `NAME.ferry-part`, with what is needed to go on with it in
 * `NAME.ferry-part.json`, and becomes `NAME` in one step when it is whole and on the disk.
 */
import { FerryError, quote, writeError } from "../../core/errors.ts";
import { pieces, readFullyAt, writeFully } from "../../core/file_bytes.ts";
import { type EarlierPart, earlierPart, openEarlier } from "./earlier_part.ts";
import { copyMode, modeAt } from "./file_mode.ts";
import { candidates, claimFreeName, moveToFreeName } from "./free_name.ts";
import { isAt, lstatOrNull, openLocked } from "./part_lock.ts";
import { partPath } from "./part_name.ts";
import { bootId, type ByteRange } from "./part_note.ts";
import { PartNoteFile } from "./part_note_file.ts";
import type { NamedAnswer } from "../remote_name.ts";
import type { Position } from "../transfer/resume.ts";
import type { Sink } from "../sink.ts";

/** From here on a part is worth a note, even should the program be killed. */
const NOTE_AFTER = 1 << 20;

/** A note and its entry in the folder take less. */
const NOTE_ROOM = 64 * 1024;

export interface PartOptions {
  /** Whether a file that has the name already is replaced; else a number is added to the name. The default is to. */
  replace?: boolean;
}

/** The file on its way. */
export class PartFile implements Sink {
  #path: string;
  /** Whether a file of the same name gives way to it. */
  readonly replaces: boolean;
  #file: Deno.FsFile | null = null;
  #length = 0;
  readonly #note = new PartNoteFile(() => this.#notePath);
  #earlier: EarlierPart = { kind: "none" };
  /** The SHA-256 that alone vouches for some of the bytes. */
  #sha256: string | undefined;
  /** Whether it is a mended copy of what has the name, which then gives way to it. */
  #adopted = false;

  /** `path` is where the whole file goes; nothing is opened yet. */
  constructor(path: string, { replace = true }: PartOptions = {}) {
    this.#path = path;
    this.replaces = replace;
  }

  /** With a number in it when it was not free. */
  get path(): string {
    return this.#path;
  }

  /** Whether it has a name already. */
  get isNamed(): boolean {
    return true;
  }

  /** Whether what has its name may be made right: what its user means, not what a server happens to call so too. */
  get mayMend(): boolean {
    return true;
  }

  /** The head of the answer has come. */
  answered(_answer: NamedAnswer): void {}

  /** Another name for it, before anything is written. */
  protected rename(path: string): void {
    this.#path = path;
  }

  get part(): string {
    return partPath(this.#path);
  }

  get #notePath(): string {
    return `${this.part}.json`;
  }

  /**
   * Where an earlier run stopped with the same `url`, or null when there is nothing to go on from. `sha256` is what the
   * whole must have, for whoever demands that.
   */
  position(url: URL, sha256?: string): Position | null {
    if (this.replaces) return this.#positionHere(url, sha256);
    // What an earlier run left may have a number, too: it is looked for as far as there are names.
    const wanted = this.#path;
    for (this.#path of candidates(wanted)) {
      const position = this.#positionHere(url, sha256);
      if (position !== null) return position;
      if (lstatOrNull(this.#path) === null && lstatOrNull(this.part) === null) break;
    }
    this.#path = wanted;
    return null;
  }

  #positionHere(url: URL, sha256: string | undefined): Position | null {
    const earlier = this.#earlier = earlierPart(url, { part: this.part, note: this.#notePath, sha256 });
    if (earlier.kind !== "good") return null;
    this.#sha256 = earlier.sha256;
    return earlier.position;
  }

  /** The bytes that the last `position` found, those behind the first gap too. */
  get ranges(): readonly ByteRange[] {
    return this.#earlier.kind === "good" ? this.#earlier.ranges : [];
  }

  /** Why there is a part that the last `position` did not go on from; null when there was none. */
  get refused(): string | null {
    return this.#earlier.kind === "refused" ? this.#earlier.why : null;
  }

  /** Makes the part a copy of the file that has its name, which has `size` bytes, to be mended. */
  async adopt(size: number, url: URL, signal: AbortSignal): Promise<void> {
    using old = this.#guard(() => Deno.openSync(this.path));
    this.#adopted = true;
    // Without a note: it is not yet the beginning of anything.
    this.begin({ start: 0, have: 0 }, url);
    const read = (buffer: Uint8Array, offset: number) => this.#guard(() => readFullyAt(old, buffer, offset));
    for await (const piece of pieces(size, read, signal)) this.write(piece);
    if (this.#length < size) {
      throw new FerryError("write_failed", `${quote(this.path)} became shorter meanwhile`);
    }
  }

  /** Lets go of the copy that `adopt` made: what comes now is a file like any other. */
  disown(): void {
    if (!this.#adopted) return;
    this.abandon({ start: 0, have: 0 }, false);
    this.#adopted = false;
  }

  begin(position: Position, url: URL): void {
    const { validator, size } = position;
    const whole = position.start === 0 && size !== undefined && size === position.end;
    if (position.have === 0) this.#sha256 = undefined;
    this.#note.note = whole && validator !== undefined
      ? { url: url.href, size, validator, sha256: this.#sha256, boot: bootId() }
      : null;
    this.#guard(() => {
      this.#file ??= position.have > 0
        ? openEarlier(this.#earlier, { part: this.part, mode: modeAt(this.path) })
        : this.#inPlace
        ? openLocked(this.part, modeAt(this.path))
        : this.#claim();
      if (position.have === 0) this.#note.forget();
      this.#file.truncateSync(position.have);
      this.#file.seekSync(position.have, Deno.SeekMode.Start);
      this.#length = position.have;
    });
  }

  /**
   * Makes ready for the bytes of a whole of `position.size` in any order, by `writeAt`, of which `ranges` are there. How
   * far it is has to be told by `noteRanges`.
   */
  spread(position: Position & { size: number }, options: { url: URL; ranges: readonly ByteRange[] }): void {
    const { url, ranges } = options;
    const there = ranges.at(-1)?.[1] ?? 0;
    this.begin({ ...position, start: 0, have: there, end: position.size }, url);
    if (this.#note.note !== null) this.#note.note.ranges = ranges;
    // The note of a part in one stream would claim all that the part has from now on.
    if (there > 0 && !this.#note.write()) this.#note.forget();
    this.#guard(() => this.#file!.truncateSync(position.size));
    this.#length = position.size;
  }

  /** Takes down which bytes are there; each of them has been written before. */
  noteRanges(ranges: readonly ByteRange[]): void {
    const { note } = this.#note;
    if (note === null || ranges[0]?.[0] !== 0) return;
    note.ranges = ranges;
    this.#note.write();
  }

  /** From now on bytes come for which only `sha256` vouches: nobody goes on with them who does not demand it. */
  needChecksum(sha256: string): void {
    this.#sha256 = sha256;
    if (this.#note.note !== null) this.#note.note.sha256 = sha256;
  }

  get #inPlace(): boolean {
    return this.replaces || this.#adopted;
  }

  write(bytes: Uint8Array): void {
    this.#guard(() => {
      for (let sent = 0; sent < bytes.length;) {
        const count = this.#file!.writeSync(bytes.subarray(sent));
        sent += count;
        this.#length += count;
      }
    });
    const { note, isWritten } = this.#note;
    if (note === null || isWritten) return;
    if (this.#length >= NOTE_AFTER) this.#note.write();
    // What is whole with its first piece needs none.
    else if (this.#length < note.size) this.#note.writeSoon();
  }

  restart(): boolean {
    return true;
  }

  /** Reads bytes from `offset` on into `buffer`; gives how many there were. */
  readAt(buffer: Uint8Array, offset: number): number {
    return this.#guard(() => readFullyAt(this.#file!, buffer, offset));
  }

  /** Replaces bytes from `offset` on. What comes next goes behind all that there is, as before. */
  writeAt(bytes: Uint8Array, offset: number): void {
    this.#guard(() => {
      const file = this.#file!;
      file.seekSync(offset, Deno.SeekMode.Start);
      writeFully(file, bytes);
      file.seekSync(this.#length, Deno.SeekMode.Start);
    });
  }

  /** Reads what is there, for a checksum of the whole. Throws the reason of `signal`. */
  async readBack(take: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<void> {
    const read = (buffer: Uint8Array, offset: number) => this.readAt(buffer, offset);
    for await (const piece of pieces(this.#length, read, signal)) take(piece);
    this.#guard(() => this.#file!.seekSync(this.#length, Deno.SeekMode.Start));
  }

  finish(): void {
    this.#guard(() => {
      const file = this.#file!;
      file.syncSync();
      const size = file.statSync().size;
      if (!isAt(file, this.part)) throw new Error("somebody has put something else into its place");
      if (size !== this.#length) throw new Error(`it has ${size} bytes where ${this.#length} were written`);
      if (this.#inPlace) {
        copyMode(this.path, this.part);
        Deno.renameSync(this.part, this.path);
        this.#note.forget();
      } else {
        // Somebody else may have taken the name meanwhile.
        const path = moveToFreeName(this.part, this.#path);
        this.#note.forget();
        this.#path = path;
      }
      this.#close();
    });
  }

  /** Opens the part of the first name that nobody has, neither for a file nor for one on its way. */
  #claim(): Deno.FsFile {
    const { file, path } = claimFreeName(this.#path);
    this.#path = path;
    return file;
  }

  abandon(position: Position, keep: boolean): string | null {
    if (this.#file === null) return null;
    try {
      const { note } = this.#note;
      if (keep && position.have > 0 && note !== null && this.#length > 0) {
        // What of a write that failed has gone out is there as well.
        this.#file.truncateSync(this.#length);
        this.#file.syncSync();
        note.boot = null;
        let noted = this.#note.write();
        if (!noted && this.#length > NOTE_ROOM) {
          // The end of the part gives way to the note.
          this.#length -= NOTE_ROOM;
          this.#file.truncateSync(this.#length);
          noted = this.#note.write();
        }
        if (noted) {
          position.have = this.#length;
          return this.part;
        }
      }
      this.#note.forget();
      Deno.removeSync(this.part);
      return null;
    } catch {
      return null;
    } finally {
      this.#close();
    }
  }

  #close(): void {
    this.#note.letBe();
    // Not by closing alone: a process that is just being started may hold a copy of the descriptor for a moment.
    this.#file?.unlockSync();
    this.#file?.close();
    this.#file = null;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw writeError(error, this.path);
    }
  }
}
