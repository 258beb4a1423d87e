/**
 * A download on its way to `NAME`: it grows as `NAME.ferry-part`, with what is needed to go on with it in
 * `NAME.ferry-part.json`, and becomes `NAME` in one step when it is whole and on the disk.
 */
import { FerryError, quote, writeError } from "../core/errors.ts";
import { numbered } from "./remote_name.ts";
import type { Position, Validator } from "./resume.ts";
import type { Sink } from "./sink.ts";

/** What lies beside a part: of which resource it is the beginning. */
export interface PartNote {
  url: string;
  size: number;
  validator: Validator;
  /** The boot of the machine that the bytes were written in, or null once they are on the disk for good. */
  boot: string | null;
}

const PART = ".ferry-part";
const NOTE = ".json";

/** So many files of one name are enough. */
const MOST_NUMBERS = 9999;

/** From here on a part is worth a note, even should the program be killed. */
const NOTE_AFTER = 1 << 20;

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

  /** `path` is where the whole file goes; nothing is opened yet. */
  constructor(path: string, { replace = true }: PartOptions = {}) {
    this.#path = path;
    this.replaces = replace;
  }

  /** With a number in it when it was not free. */
  get path(): string {
    return this.#path;
  }

  /** Another name for it, before anything is written. */
  protected rename(path: string): void {
    this.#path = path;
  }

  get part(): string {
    return this.#path + PART;
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
    try {
      const info = Deno.lstatSync(this.part);
      const note = readNote(Deno.readTextFileSync(this.#notePath));
      if (!info.isFile || info.size === 0 || note === null) return null;
      if (note.url !== url.href || info.size > note.size) return null;
      // After a crash of the machine a file may have its length and not its bytes.
      if (note.boot !== null && (note.boot === "" || note.boot !== bootId())) return null;
      return { start: 0, have: info.size, end: note.size, size: note.size, validator: note.validator };
    } catch {
      return null;
    }
  }

  begin(position: Position, url: URL): void {
    const { validator, size } = position;
    const whole = position.start === 0 && size !== undefined && size === position.end;
    this.#note = whole && validator !== undefined ? { url: url.href, size, validator, boot: bootId() } : null;
    this.#guard(() => {
      this.#file ??= this.replaces || position.have > 0 ? openLocked(this.part) : this.#claim();
      if (position.have === 0) this.#forget();
      this.#file.truncateSync(position.have);
      this.#file.seekSync(position.have, Deno.SeekMode.Start);
      this.#length = position.have;
    });
  }

  write(bytes: Uint8Array): void {
    this.#guard(() => {
      for (let sent = 0; sent < bytes.length;) sent += this.#file!.writeSync(bytes.subarray(sent));
    });
    this.#length += bytes.length;
    if (this.#length >= NOTE_AFTER && !this.#noted) this.#writeNote();
  }

  restart(): boolean {
    return true;
  }

  /** Reads what is there, for a checksum of the whole. */
  readBack(take: (bytes: Uint8Array) => void): void {
    this.#guard(() => {
      const file = this.#file!;
      file.seekSync(0, Deno.SeekMode.Start);
      const buffer = new Uint8Array(Math.min(1 << 20, Math.max(1, this.#length)));
      for (let left = this.#length; left > 0;) {
        const count = file.readSync(buffer.subarray(0, Math.min(left, buffer.length)));
        if (count === null) break;
        take(buffer.subarray(0, count));
        left -= count;
      }
      file.seekSync(this.#length, Deno.SeekMode.Start);
    });
  }

  finish(): void {
    this.#guard(() => {
      const file = this.#file!;
      file.syncSync();
      const size = file.statSync().size;
      if (size !== this.#length) throw new Error(`it has ${size} bytes where ${this.#length} were written`);
      if (this.replaces) {
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
        // A write that failed half-way may have left bytes behind the last whole one.
        this.#file.truncateSync(this.#length);
        this.#file.syncSync();
        this.#note.boot = null;
        this.#noted = false;
        this.#writeNote();
        if (this.#noted) return this.part;
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
    try {
      // The URL may carry a signature: not for others to read.
      Deno.writeTextFileSync(this.#notePath, JSON.stringify(this.#note) + "\n", { mode: 0o600 });
      this.#noted = true;
    } catch {
      // Without a note the part cannot be gone on from; the download itself is not in danger.
    }
  }

  #forget(): void {
    this.#noted = false;
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

  #guard(work: () => void): void {
    try {
      work();
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

/** Opens a part for this process alone, where the runtime can tell (Deno 2.9 can, 2.4 cannot). */
function openLocked(path: string): Deno.FsFile {
  for (let tries = 0; tries < 10; tries++) {
    // Nothing is written through a link that somebody laid at this place.
    if (isLink(path)) Deno.removeSync(path);
    const file = locked(Deno.openSync(path, { read: true, write: true, create: true }), path);
    // Whoever held the lock before may have renamed the file away under us.
    if (file.statSync().ino === lstatOrNull(path)?.ino) return file;
    file.close();
  }
  throw new FerryError("write_failed", `cannot write ${quote(path)}: it keeps being replaced`);
}

function locked(file: Deno.FsFile, path: string): Deno.FsFile {
  const lockable = file as Deno.FsFile & { tryLockSync?(exclusive: boolean): boolean };
  if (lockable.tryLockSync?.(true) !== false) return file;
  file.close();
  throw new FerryError("write_failed", `cannot write ${quote(path)}: another ferry is downloading to it`);
}

function isLink(path: string): boolean {
  return lstatOrNull(path)?.isSymlink === true;
}

function lstatOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
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

/** What an earlier run noted, or null for what is no note. */
export function readNote(text: string): PartNote | null {
  const note = JSON.parse(text);
  const { kind, value } = note?.validator ?? {};
  const good = typeof note?.url === "string" && Number.isSafeInteger(note.size) &&
    typeof value === "string" &&
    (kind === "etag" || kind === "date") && /^[\x20-\x7e]{1,1000}$/.test(value) &&
    (note.boot === null || typeof note.boot === "string");
  return good ? { url: note.url, size: note.size, validator: { kind, value }, boot: note.boot } : null;
}

/** Another one after each start of the machine; empty where the system does not tell. */
function bootId(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return "";
  }
}
