/**
 * Writes to a folder of the local file system: stages contents, then does operations, each only where it finds what
 * it expects. The server's side of a push and the local side of a pull are this same class.
 */
import { assertNever, FerryError, osCode, osReason, writeError } from "../core/errors.ts";
import { type Entry, type Problem, sameVersion, type Version, versionOf } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import type { Operation } from "../wire/operation.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { FileFrame } from "../wire/pack.ts";
import type { Content, ContentMeta } from "../wire/stream.ts";
import type { Durable } from "./durable.ts";
import { type FileVersion, Partials } from "./partials.ts";
import { receive } from "./receive.ts";
import { copyVerified, folderVersion } from "./relocate.ts";
import { LocalDeltaTarget } from "./delta_local.ts";
import { StrictPaths } from "./root.ts";
import { entryOf } from "./scan.ts";
import { type Stage, writeFully, writing } from "./stage.ts";
import { SmallWriter } from "./small_writer.ts";
import type { WriteSession } from "./store.ts";
import type { Trash } from "./trash.ts";
import { setLinkTime, setTime } from "./times.ts";

/** Operations of one commit keep others waiting for so long at a time. */
const TURN_MS = 50;

/** The permission bits and time that a staged file has, so that placing it sets only what differs. */
export interface StagedMeta {
  mode: number;
  mtime: number;
}

/** A file in the stage. */
interface Staged extends StagedMeta {
  path: string;
}

/** Where a large file is received. */
export interface ContentPlace {
  staged: string;
  keep: boolean;
}

/** A large file at the end: whole, not to be used, or broken off. */
export interface ContentEnd {
  staged: string;
  meta: ContentMeta;
  end: "whole" | "refused" | "broken";
}

/** What a writer works with. */
export interface WriterOptions {
  /** Large files that broke off. */
  partials?: Partials;
  /** Takes note of what has to reach the disk, and waits for it; null not to wait. Closed with the writer. */
  durable?: Durable | null;
  /** Keeps what is replaced or deleted; null to keep nothing. Closed with the writer. */
  trash?: Trash | null;
}

export class LocalWriter implements WriteSession {
  readonly #root: string;
  readonly #stage: Stage;
  readonly #partials: Partials;
  readonly #staged = new Map<number, Staged>();
  readonly #durable: Durable | null;
  readonly #trash: Trash | null;
  readonly #umask = Deno.umask();
  readonly #small = new SmallWriter();
  #closed = false;
  readonly delta: LocalDeltaTarget;

  /** `root` is a real path; `stage` a stage on its file system, which this closes. */
  constructor(root: string, stage: Stage, options: WriterOptions = {}) {
    this.#root = root;
    this.#stage = stage;
    this.#partials = options.partials ?? new Partials(root, root);
    this.#durable = options.durable ?? null;
    this.#trash = options.trash ?? null;
    this.delta = new LocalDeltaTarget(root, this);
  }

  stage(frames: readonly FileFrame[]): Promise<Outcome[]> {
    return Promise.resolve(frames.map((frame) => this.stageOne(frame)));
  }

  /** Stages one small file. */
  stageOne(frame: FileFrame): Outcome {
    const path = this.#newPath();
    this.withRoom(() => this.writeSmall(path, frame));
    this.#remember(frame.index, path, frame);
    return null;
  }

  /** Does `work`, again for as long as a full disk gets room from the trash. */
  withRoom<T>(work: () => T): T {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!isFull(error) || !this.#trash?.release()) throw error;
      }
    }
  }

  /** Writes a small file whole to `path`, a place in the stage; nothing is left there when that fails. */
  writeSmall(path: string, frame: FileFrame): void {
    if (this.#small.write(path, frame)) return;
    const file = createFile(path, frame.mode);
    try {
      writing(path, () => {
        writeFully(file, frame.content);
        finishFile(file, path, frame, this.#umask);
      });
    } catch (error) {
      this.#stage.discard(path);
      throw error;
    } finally {
      file.close();
    }
  }

  resumable(version: FileVersion): Promise<number> {
    return Promise.resolve(this.#partials.size(version));
  }

  async stageContent(index: number, content: Content, path?: string): Promise<Outcome> {
    const { meta } = content;
    const { staged, keep } = this.beginContent(index, meta, path);
    try {
      const outcome = await receive(content, staged, keep);
      this.endContent(index, { staged, meta, end: outcome === null ? "whole" : "refused" });
      return outcome;
    } catch (error) {
      this.endContent(index, { staged, meta, end: "broken" });
      throw error;
    }
  }

  /** Where a large file is to be received, and whether what comes of it is kept should it break off. */
  beginContent(index: number, meta: ContentMeta, path?: string): ContentPlace {
    if (this.#closed) throw ended();
    this.#forget(index);
    if (!meta.sparse) this.#trash?.makeRoom(meta.size);
    const part = path === undefined ? null : this.#partials.take({ path, ...meta });
    return { staged: part ?? this.#newPath(), keep: part !== null };
  }

  /** What has become of it. */
  endContent(index: number, { staged, meta, end }: ContentEnd): void {
    if (end === "whole") this.#remember(index, staged, meta);
    else if (end === "refused") this.#discard(staged);
    else this.#partials.give(staged);
  }

  /** Lets go of what was staged under a number; a large file can still be gone on with. */
  #forget(index: number): void {
    const old = this.#staged.get(index);
    if (old === undefined) return;
    this.#staged.delete(index);
    this.#durable?.dropped(old.path);
    if (this.#partials.has(old.path)) this.#partials.give(old.path);
    else this.#stage.discard(old.path);
  }

  #discard(path: string): void {
    this.#stage.discard(path);
    this.#partials.give(path);
  }

  #newPath(): string {
    // Content may still be on its way when its session is ended.
    if (this.#closed) throw ended();
    return this.withRoom(() => this.#stage.newPath());
  }

  #remember(index: number, path: string, { mode, mtime }: StagedMeta): void {
    this.#forget(index);
    this.#staged.set(index, { path, mode, mtime });
    this.#durable?.wrote(path);
  }

  /** Takes over a file that lies in the stage already. */
  adopt(index: number, staged: Staged): void {
    this.#remember(index, staged.path, staged);
  }

  async commit(operations: readonly Operation[]): Promise<Outcome[]> {
    let paths = new StrictPaths(this.#root);
    const outcomes: Outcome[] = [];
    let turn = performance.now();
    for (const operation of operations) {
      if (this.#waits(operation)) {
        await this.#durable?.contents();
        paths = new StrictPaths(this.#root);
        turn = performance.now();
      }
      if (operation.op === "keep") outcomes.push(await this.#keep(operation, paths));
      else {
        outcomes.push(this.#attempt(operation, paths));
        // Ten thousand folders that shall move are ten thousand scans.
        if (performance.now() - turn < TURN_MS) continue;
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (this.#closed) throw ended();
      }
      // Others had a turn: what it remembers of folders may no longer hold.
      paths = new StrictPaths(this.#root);
      turn = performance.now();
    }
    return outcomes;
  }

  /** Whether the content that `operation` places may not be on the disk yet. */
  #waits(operation: Operation): boolean {
    if (this.#durable === null || operation.op !== "file") return false;
    const staged = this.#staged.get(operation.stage);
    return staged !== undefined && this.#durable.waits(staged.path);
  }

  /** Copies a file that is there into the stage. */
  async #keep(operation: Extract<Operation, { op: "keep" }>, paths: StrictPaths): Promise<Outcome> {
    const staged = this.#newPath();
    try {
      const full = paths.locate(operation.path);
      const { expect, sha256 } = operation;
      const size = expect?.kind === "file" ? expect.size : 0;
      const trouble = compare(expect, versionAt(full)) ?? await copyVerified(full, staged, { size, sha256 });
      if (trouble !== null) {
        this.#stage.discard(staged);
        return trouble;
      }
    } catch (error) {
      this.#stage.discard(staged);
      return operationProblem(error, this.#root);
    }
    // The operation that places it sets both.
    this.#remember(operation.stage, staged, { mode: -1, mtime: NaN });
    return null;
  }

  #attempt(operation: Operation, paths: StrictPaths): Outcome {
    try {
      const full = paths.locate(operation.path);
      // What is new takes only a place where nothing is, so no look is needed.
      if (operation.expect !== null || operation.op === "delete" || operation.op === "meta") {
        const trouble = compare(operation.expect, versionAt(full));
        if (trouble !== null) return trouble;
      }
      this.withRoom(() => this.#apply(operation, full));
      this.#durable?.touched(operation.op === "meta" ? full : folderOf(full));
      return null;
    } catch (error) {
      return operationProblem(error, this.#root);
    }
  }

  #apply(operation: Operation, full: string): void {
    switch (operation.op) {
      case "mkdir":
        this.#makeWay(operation, full);
        // Its own bits come with the last `meta`: until then its owner must be able to fill it.
        Deno.mkdirSync(full, { mode: operation.mode | 0o700 });
        return;
      case "file":
        this.#makeWay(operation, full);
        this.place(operation, full);
        return;
      case "symlink":
        this.#link(operation, full);
        return;
      case "meta":
        if (operation.mode !== undefined) Deno.chmodSync(full, operation.mode);
        if (operation.mtime !== undefined) setTime(full, operation.mtime);
        return;
      case "delete":
        this.#remove(operation, full);
        return;
      case "move":
        this.#move(operation, full);
        return;
      case "keep":
        throw new TypeError("a copy into the stage is no change of the folder");
      default:
        assertNever(operation);
    }
  }

  /** Renames what is there. Throws `conflict` when that is not what the operation expects. */
  #move(operation: Extract<Operation, { op: "move" }>, full: string): void {
    const from = new StrictPaths(this.#root).locate(operation.from);
    const { expect, expectFrom } = operation;
    const actual = versionAt(from);
    const same = expectFrom.kind === "file"
      ? actual !== "other" && sameVersion(expectFrom, actual)
      : actual !== "other" && actual?.kind === "dir" && folderVersion(from) === expectFrom.digest;
    if (!same) throw new FerryError("conflict", "what was to move here has changed meanwhile");
    if (expectFrom.kind === "file") this.#makeWay(operation, full);
    this.#place(from, full, expect);
    this.#durable?.touched(folderOf(from));
    if (operation.mode !== undefined) Deno.chmodSync(full, operation.mode);
    if (operation.mtime !== undefined) setTime(full, operation.mtime);
  }

  /** Moves the file that `operation` names from the stage to `full`. Throws `gone` when it is not staged. */
  place(operation: Extract<Operation, { op: "file" }>, full: string): void {
    const staged = this.#staged.get(operation.stage);
    if (staged === undefined) throw new FerryError("gone", "its content was not staged");
    if (staged.mode !== operation.mode || staged.mtime !== operation.mtime) {
      Deno.chmodSync(staged.path, operation.mode);
      setTime(staged.path, operation.mtime);
      this.#durable?.wrote(staged.path);
    }
    this.#place(staged.path, full, operation.expect);
    this.#durable?.moved(staged.path, full);
    this.#partials.give(staged.path);
    this.#staged.delete(operation.stage);
  }

  /** Renames a file, link or folder to where it finds what it expects. */
  #place(from: string, full: string, expect: Version): void {
    const options = { sync: this.#durable !== null };
    if (expect === null || expect.kind === "dir") this.#stage.placeNew(from, full, options);
    else this.#stage.place(from, full, options);
  }

  #link(operation: Extract<Operation, { op: "symlink" }>, full: string): void {
    this.#makeWay(operation, full);
    const staged = this.#newPath();
    Deno.symlinkSync(operation.target, staged);
    setLinkTime(staged, operation.mtime);
    this.#place(staged, full, operation.expect);
  }

  /** Sees to what stands where something new comes: a rename takes the place of a file or link by itself. */
  #makeWay(operation: Operation, full: string): void {
    const { expect, path } = operation;
    if (expect === null) return;
    if (expect.kind === "dir" || operation.op === "mkdir") this.#remove(operation, full);
    else this.#trash?.copy({ full, path, size: expect.kind === "file" ? expect.size : 0 });
  }

  /** Never recursive: what the plan did not know of stays, and its folder with it. */
  #remove({ expect, path }: Operation, full: string): void {
    if (expect?.kind === "dir") this.#trash?.folder(path);
    else if (this.#trash?.take({ full, path, size: expect?.kind === "file" ? expect.size : 0 })) return;
    Deno.removeSync(full);
  }

  async finish(): Promise<void> {
    await this.#durable?.all();
  }

  close(): Promise<Problem[]> {
    this.#closed = true;
    this.delta[Symbol.dispose]();
    this.#small.close();
    this.#stage.close();
    this.#trash?.close();
    this.#durable?.close();
    return Promise.resolve([]);
  }
}

function ended(): FerryError {
  return new FerryError("gone", "the writing was ended");
}

const SOMETHING_THERE: Outcome = { code: "conflict", message: "something is there now; left as it is" };

/** The folder that the absolute path `full` is in. */
function folderOf(full: string): string {
  return parentPath(full) || "/";
}

function isFull(error: unknown): boolean {
  if (error instanceof FerryError) return error.code === "disk_full";
  const code = osCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Makes the file `path` in the stage. */
function createFile(path: string, mode: number): Deno.FsFile {
  return writing(path, () => Deno.openSync(path, { write: true, createNew: true, mode }));
}

/** Gives a file whose content is complete its permission bits and time. */
function finishFile(file: Deno.FsFile, path: string, meta: StagedMeta, umask: number): void {
  // The mode given at creation lost the bits of the umask.
  if ((meta.mode & umask) !== 0) Deno.chmodSync(path, meta.mode);
  setTime(file, meta.mtime);
}

/** What is at `full` now, as an entry; undefined for nothing. */
function entryAt(full: string): Entry | undefined {
  try {
    return entryOf(Deno.lstatSync(full), full);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function versionAt(full: string): Version | "other" {
  const entry = entryAt(full);
  return entry?.kind === "problem" ? "other" : versionOf(entry);
}

function compare(expected: Version, actual: Version | "other"): Outcome {
  if (actual !== "other" && sameVersion(expected, actual)) return null;
  const what = actual === null
    ? "it is gone"
    : expected === null
    ? "something is there now"
    : "it changed meanwhile";
  return { code: "conflict", message: `${what}; left as it is` };
}

/** What one failed operation means for its path; a full disk ends the run instead. */
export function operationProblem(error: unknown, root: string): Outcome {
  if (error instanceof FerryError) {
    if (error.code === "disk_full") throw error;
    if (error.code === "gone") return { code: "missing", message: error.message };
    return { code: error.code === "conflict" ? "conflict" : "write_failed", message: error.message };
  }
  const code = osCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") throw writeError(error, root);
  if (code === "EEXIST" || error instanceof Deno.errors.AlreadyExists) return SOMETHING_THERE;
  if (code === "ENOTDIR") return { code: "conflict", message: "its folder is not there" };
  if (code === "ENOTEMPTY") {
    return {
      code: "conflict",
      message: "the folder holds something that the plan did not know of; left as it is",
    };
  }
  return { code: "write_failed", message: `cannot write it: ${osReason(error)}` };
}
