/** The contents that a writer has in its stage, each under a number, until an operation gives it a place. */
import { FerryError, isDiskFull } from "../../core/errors.ts";
import { writeFully } from "../../core/file_bytes.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { ContentMeta } from "../../wire/stream.ts";
import type { Care } from "./care.ts";
import type { FileVersion, Partials } from "./partials.ts";
import { SmallWriter } from "./small_writer.ts";
import { type Stage, writing } from "./stage.ts";
import { setTime } from "../times.ts";

/** The permission bits and time that a staged file has, so that placing it sets only what differs. */
export interface StagedMeta {
  mode: number;
  mtime: number;
}

/** A file in the stage. */
export interface StagedFile extends StagedMeta {
  path: string;
}

/** Where a large file is received, and whether what comes of it is kept should it break off. */
export interface ContentPlace {
  staged: string;
  keep: boolean;
}

/** A large file at the end: whole, not to be used, broken off, or broken off for want of room. */
export interface ContentEnd {
  staged: string;
  meta: ContentMeta;
  end: "whole" | "refused" | "broken" | "full";
}

/** What staged files lie in: the stage, and the large files that may be gone on with. */
export interface StagePlace {
  stage: Stage;
  partials: Partials;
}

export class StagedFiles {
  readonly #stage: Stage;
  readonly #partials: Partials;
  readonly #care: Care;
  readonly #files = new Map<number, StagedFile>();
  readonly #umask = Deno.umask();
  readonly #small = new SmallWriter();
  #closed = false;

  constructor({ stage, partials }: StagePlace, care: Care) {
    this.#stage = stage;
    this.#partials = partials;
    this.#care = care;
  }

  /** Throws `gone` once it is closed: content may still be on its way when its session is ended. */
  checkOpen(): void {
    if (this.#closed) throw new FerryError("gone", "the writing was ended");
  }

  /** A new path in the stage. */
  newPath(): string {
    this.checkOpen();
    return this.withRoom(() => this.#stage.newPath());
  }

  /** Does `work`, again for as long as a full disk gets room from the trash. */
  withRoom<T>(work: () => T): T {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isDiskFull(error) || !this.#care.trash?.release()) throw error;
      }
    }
  }

  /** Stages a small file under its `index`. Throws `disk_full` or `write_failed`. */
  write(frame: FileFrame): void {
    const path = this.newPath();
    this.withRoom(() => this.writeAt(path, frame));
    this.keep(frame.index, { path, mode: frame.mode, mtime: frame.mtime });
  }

  /** Writes a small file whole to `path`, a place in the stage; nothing is left there when that fails. */
  writeAt(path: string, frame: FileFrame): void {
    if (this.#small.write(path, frame)) return;
    const file = writing(path, () => {
      return Deno.openSync(path, { write: true, createNew: true, mode: frame.mode });
    });
    try {
      writing(path, () => {
        writeFully(file, frame.content);
        // The mode given at creation lost the bits of the umask.
        if ((frame.mode & this.#umask) !== 0) Deno.chmodSync(path, frame.mode);
        setTime(file, frame.mtime);
      });
    } catch (error) {
      this.#stage.discard(path);
      throw error;
    } finally {
      file.close();
    }
  }

  /** Bytes of a large file that are there to be gone on with. */
  resumable(version: FileVersion): number {
    return this.#partials.size(version);
  }

  /** Where a large file is to be received that will be at `path`, where that is known. */
  begin(index: number, meta: ContentMeta, path?: string): ContentPlace {
    this.checkOpen();
    this.#forget(index);
    if (!meta.sparse) this.#care.trash?.makeRoom(meta.size);
    const part = path === undefined ? null : this.#partials.take({ path, ...meta });
    return { staged: part ?? this.newPath(), keep: part !== null };
  }

  /** What has become of it. */
  end(index: number, { staged, meta, end }: ContentEnd): void {
    if (end === "whole") return this.keep(index, { path: staged, mode: meta.mode, mtime: meta.mtime });
    if (end === "refused") this.#stage.discard(staged);
    this.#partials.give(staged);
  }

  /** Takes over a file that lies in the stage, in place of what was under that number. */
  keep(index: number, file: StagedFile): void {
    this.#forget(index);
    this.#files.set(index, file);
    this.#care.durable?.wrote(file.path);
  }

  /** The file under a number. */
  get(index: number): StagedFile | undefined {
    return this.#files.get(index);
  }

  /** Whether any of them lies below the folder `dir`. */
  anyBelow(dir: string): boolean {
    for (const { path } of this.#files.values()) if (path.startsWith(`${dir}/`)) return true;
    return false;
  }

  /** The file under `index` has been renamed to `full`. */
  placed(index: number, full: string): void {
    const { path } = this.#files.get(index)!;
    this.#care.durable?.moved(path, full);
    this.#partials.give(path);
    this.#files.delete(index);
  }

  /** Lets go of what was staged under a number; a large file can still be gone on with. */
  #forget(index: number): void {
    const old = this.#files.get(index);
    if (old === undefined) return;
    this.#files.delete(index);
    this.#care.durable?.dropped(old.path);
    if (this.#partials.has(old.path)) this.#partials.give(old.path);
    else this.#stage.discard(old.path);
  }

  /** Ends it; the stage is the caller's to close. */
  close(): void {
    this.#closed = true;
    this.#small.close();
  }
}
