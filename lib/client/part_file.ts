/**
 * A download on its way to `NAME`: it grows as `NAME.ferry-part`, with what is needed to go on with it in
 * `NAME.ferry-part.json`, and becomes `NAME` in one step when it is whole and on the disk.
 */
import { FerryError, quote, writeError } from "../core/errors.ts";
import { Turns } from "../core/turn.ts";
import { locked, lstatOrNull, openLocked } from "./part_lock.ts";
import { partPath } from "./part_name.ts";
import { bootId, type ByteRange, noteAt, type PartNote } from "./part_note.ts";
import { type NamedAnswer, numbered } from "./remote_name.ts";
import type { Position } from "./resume.ts";
import type { Sink } from "./sink.ts";

const NOTE = ".json";

/** So many files of one name are enough. */
const MOST_NUMBERS = 9999;

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
  #note: PartNote | null = null;
  #noted = false;
  #noteLength = 0;
  #refused: string | null = null;
  #ranges: readonly ByteRange[] = [];
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
    return this.part + NOTE;
  }

  /** Where an earlier run stopped with the same `url`, or null when there is nothing to go on from. */
  position(url: URL): Position | null {
    if (this.replaces) return this.#positionHere(url);
    // What an earlier run left may have a number, too: it is looked for as far as there are names.
    const wanted = this.#path;
    for (let number = 0; number <= MOST_NUMBERS; number++) {
      this.#path = numbered(wanted, number);
      const position = this.#positionHere(url);
      if (position !== null) return position;
      if (lstatOrNull(this.#path) === null && lstatOrNull(this.part) === null) break;
    }
    this.#path = wanted;
    return null;
  }

  #positionHere(url: URL): Position | null {
    this.#refused = null;
    const info = lstatOrNull(this.part);
    if (info === null || !info.isFile || info.size === 0) return null;
    const note = noteAt(this.#notePath);
    this.#refused = note === null
      ? "nothing says of what it is the beginning"
      : note.url !== url.href
      ? "it is the beginning of another URL"
      : info.size > note.size
      ? "it is longer than the whole"
      // After a crash of the machine a file may have its length and not its bytes.
      : note.boot !== null && (note.boot === "" || note.boot !== bootId())
      ? "the machine was started anew before it was safely on the disk"
      : null;
    if (note === null || this.#refused !== null) return null;
    // The end may have given way to the note.
    this.#ranges = (note.ranges ?? [[0, info.size] as const])
      .map(([start, end]) => [start, Math.min(end, info.size)] as const).filter(([start, end]) =>
        start < end
      );
    const have = this.#ranges.length === 0 ? 0 : this.#ranges[0][1];
    if (have === 0) return null;
    return { start: 0, have, end: note.size, size: note.size, validator: note.validator };
  }

  /** The bytes that the last `position` found, those behind the first gap too. */
  get ranges(): readonly ByteRange[] {
    return this.#ranges;
  }

  /** Why there is a part that the last `position` did not go on from; null when there was none. */
  get refused(): string | null {
    return this.#refused;
  }

  /** Makes the part a copy of the file that has its name, which has `size` bytes, to be mended. */
  async adopt(size: number, url: URL, signal: AbortSignal): Promise<void> {
    using old = this.#guard(() => Deno.openSync(this.path));
    this.#adopted = true;
    // Without a note: it is not yet the beginning of anything.
    this.begin({ start: 0, have: 0 }, url);
    const buffer = new Uint8Array(1 << 20);
    const turns = new Turns();
    for (let at = 0; at < size;) {
      const piece = buffer.subarray(0, Math.min(size - at, buffer.length));
      const count = this.#guard(() => readFully(old, piece, at));
      if (count < piece.length) {
        throw new FerryError("write_failed", `${quote(this.path)} became shorter meanwhile`);
      }
      this.write(piece);
      at += count;
      await turns.due(signal);
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
    this.#note = whole && validator !== undefined ? { url: url.href, size, validator, boot: bootId() } : null;
    this.#guard(() => {
      this.#file ??= this.#inPlace || position.have > 0 ? openLocked(this.part) : this.#claim();
      if (position.have === 0) this.#forget();
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
    if (this.#note !== null) this.#note.ranges = ranges;
    if (there > 0) {
      // The note of a part in one stream would claim all that the part has from now on.
      this.#noted = false;
      this.#writeNote();
      if (!this.#noted) this.#forget();
    }
    this.#guard(() => this.#file!.truncateSync(position.size));
    this.#length = position.size;
  }

  /** Takes down which bytes are there; each of them has been written before. */
  noteRanges(ranges: readonly ByteRange[]): void {
    if (this.#note === null || ranges[0]?.[0] !== 0) return;
    this.#note.ranges = ranges;
    this.#writeNote();
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
    if (this.#length >= NOTE_AFTER && !this.#noted) this.#writeNote();
  }

  restart(): boolean {
    return true;
  }

  /** Reads bytes from `offset` on into `buffer`; gives how many there were. */
  readAt(buffer: Uint8Array, offset: number): number {
    return this.#guard(() => readFully(this.#file!, buffer, offset));
  }

  /** Replaces bytes from `offset` on. What comes next goes behind all that there is, as before. */
  writeAt(bytes: Uint8Array, offset: number): void {
    this.#guard(() => {
      const file = this.#file!;
      file.seekSync(offset, Deno.SeekMode.Start);
      for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
      file.seekSync(this.#length, Deno.SeekMode.Start);
    });
  }

  /** Reads what is there, for a checksum of the whole. Throws the reason of `signal`. */
  async readBack(take: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<void> {
    const buffer = new Uint8Array(Math.min(1 << 20, Math.max(1, this.#length)));
    const turns = new Turns();
    for (let at = 0; at < this.#length;) {
      const count = this.readAt(buffer.subarray(0, Math.min(this.#length - at, buffer.length)), at);
      if (count === 0) break;
      take(buffer.subarray(0, count));
      at += count;
      await turns.due(signal);
    }
    this.#guard(() => this.#file!.seekSync(this.#length, Deno.SeekMode.Start));
  }

  finish(): void {
    this.#guard(() => {
      const file = this.#file!;
      file.syncSync();
      const size = file.statSync().size;
      if (size !== this.#length) throw new Error(`it has ${size} bytes where ${this.#length} were written`);
      if (this.#inPlace) {
        copyMode(this.path, this.part);
        Deno.renameSync(this.part, this.path);
        this.#forget();
      } else this.#giveFreeName();
      this.#close();
    });
  }

  /** Opens the part of the first name that nobody has, neither for a file nor for one on its way. */
  #claim(): Deno.FsFile {
    const wanted = this.#path;
    for (let number = 0; number <= MOST_NUMBERS; number++) {
      this.#path = numbered(wanted, number);
      if (lstatOrNull(this.#path) !== null) continue;
      try {
        return locked(Deno.openSync(this.part, { read: true, write: true, createNew: true }), this.part);
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
    this.#path = wanted;
    throw tooManyNumbers(wanted);
  }

  /** Gives the part its name, or the next free one when somebody else has taken that meanwhile. */
  #giveFreeName(): void {
    const { part } = this;
    const wanted = this.#path;
    for (let number = 0; number <= MOST_NUMBERS; number++) {
      const path = numbered(wanted, number);
      if (!moveToFree(part, path)) continue;
      this.#forget();
      this.#path = path;
      return;
    }
    throw tooManyNumbers(wanted);
  }

  abandon(position: Position, keep: boolean): string | null {
    if (this.#file === null) return null;
    try {
      if (keep && position.have > 0 && this.#note !== null && this.#length > 0) {
        // What of a write that failed has gone out is there as well.
        this.#file.truncateSync(this.#length);
        this.#file.syncSync();
        this.#note.boot = null;
        this.#noted = false;
        this.#writeNote();
        if (!this.#noted && this.#length > NOTE_ROOM) {
          // The end of the part gives way to the note.
          this.#length -= NOTE_ROOM;
          this.#file.truncateSync(this.#length);
          this.#writeNote();
        }
        if (this.#noted) {
          position.have = this.#length;
          return this.part;
        }
      }
      this.#forget();
      Deno.removeSync(this.part);
      return null;
    } catch {
      return null;
    } finally {
      this.#close();
    }
  }

  #writeNote(): void {
    if (this.#note === null) return;
    // Over the one before, and not shorter: so it needs no room on a disk that is full.
    const text = JSON.stringify(this.#note).padEnd(this.#noteLength) + "\n";
    this.#noteLength = text.length - 1;
    try {
      // The URL may carry a signature: not for others to read.
      using file = Deno.openSync(this.#notePath, { write: true, create: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(text);
      for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
      file.truncateSync(bytes.length);
      this.#noted = true;
    } catch {
      // Without a note the part cannot be gone on from; the download itself is not in danger.
    }
  }

  #forget(): void {
    this.#noted = false;
    this.#noteLength = 0;
    try {
      Deno.removeSync(this.#notePath);
    } catch {
      // There is none.
    }
  }

  #close(): void {
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

function tooManyNumbers(path: string): FerryError {
  return new FerryError(
    "write_failed",
    `cannot write ${
      quote(path)
    }: it is there with every number up to ${MOST_NUMBERS}; --overwrite replaces it`,
  );
}

/** Moves a file to a name that is free; false, and nothing done, when it is not. */
function moveToFree(from: string, to: string): boolean {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    // A file system without hard links: the name is taken first, and then replaced by the file.
    try {
      Deno.openSync(to, { write: true, createNew: true }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    Deno.renameSync(from, to);
    return true;
  }
  Deno.removeSync(from);
  return true;
}

/** Fills `buffer` from `offset` on; gives how many bytes there were. */
export function readFully(file: Deno.FsFile, buffer: Uint8Array, offset: number): number {
  file.seekSync(offset, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < buffer.length) {
    const count = file.readSync(filled === 0 ? buffer : buffer.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

/** A file that is replaced keeps its permissions. */
function copyMode(from: string, to: string): void {
  try {
    const { mode } = Deno.statSync(from);
    if (mode !== null) Deno.chmodSync(to, mode & 0o777);
  } catch {
    // There is nothing to replace.
  }
}
