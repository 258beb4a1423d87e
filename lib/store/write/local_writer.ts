/**
 * Writes to a folder of the local file system: stages contents, then does operations, each only where it finds what
 * it expects. The server's side of a push and the local side of a pull are this same class.
 */
import { type Problem, sameVersion, type Version } from "../../core/entry.ts";
import { assertNever, FerryError } from "../../core/errors.ts";
import { parentPath } from "../../core/paths.ts";
import { turn } from "../../core/turn.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content } from "../../wire/stream.ts";
import { LocalDeltaTarget } from "../delta/local.ts";
import type { Durable } from "./durable.ts";
import { compareVersions, operationProblem, versionAt } from "./operation_problem.ts";
import { type FileVersion, Partials } from "./partials.ts";
import { receive } from "./receive.ts";
import { copyVerified, folderVersion } from "./relocate.ts";
import { StrictPaths } from "../root.ts";
import type { Stage } from "./stage.ts";
import { StagedFiles } from "./staged_files.ts";
import type { WriteSession } from "../store.ts";
import { makeSymlink } from "../symlink.ts";
import { setLinkTime, setTime } from "../times.ts";
import type { Trash } from "../trash/trash.ts";

/** Operations of one commit keep others waiting for so long at a time. */
const TURN_MS = 50;

/** What a writer works with. */
export interface WriterOptions {
  /** Large files that broke off. */
  partials?: Partials;
  /** Takes note of what has to reach the disk, and waits for it; null not to wait. Closed with the writer. */
  durable?: Durable | null;
  /** Keeps what is replaced or deleted; null to keep nothing. Closed with the writer. */
  trash?: Trash | null;
}

/** A session that writes below one folder. */
export class LocalWriter implements WriteSession {
  /** What is staged. */
  readonly files: StagedFiles;
  readonly delta: LocalDeltaTarget;
  readonly #root: string;
  readonly #stage: Stage;
  readonly #durable: Durable | null;
  readonly #trash: Trash | null;

  /** `root` is a real path; `stage` a stage on its file system, which this closes. */
  constructor(root: string, stage: Stage, options: WriterOptions = {}) {
    const { partials = new Partials(root, root), durable = null, trash = null } = options;
    this.#root = root;
    this.#stage = stage;
    this.#durable = durable;
    this.#trash = trash;
    this.files = new StagedFiles({ stage, partials }, { durable, trash });
    this.delta = new LocalDeltaTarget(root, this);
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async stage(frames: readonly FileFrame[]): Promise<Outcome[]> {
    for (const frame of frames) this.files.write(frame);
    return frames.map(() => null);
  }

  resumable(version: FileVersion): Promise<number> {
    return Promise.resolve(this.files.resumable(version));
  }

  async stageContent(index: number, content: Content, path?: string): Promise<Outcome> {
    const { meta } = content;
    const { staged, keep } = this.files.begin(index, meta, path);
    try {
      const outcome = await receive(content, staged, keep);
      this.files.end(index, { staged, meta, end: outcome === null ? "whole" : "refused" });
      return outcome;
    } catch (error) {
      this.files.end(index, { staged, meta, end: "broken" });
      throw error;
    }
  }

  async commit(operations: readonly Operation[]): Promise<Outcome[]> {
    let paths = new StrictPaths(this.#root);
    const outcomes: Outcome[] = [];
    let began = performance.now();
    for (const operation of operations) {
      if (this.#waits(operation)) {
        await this.#durable?.contents();
        this.files.checkOpen();
        paths = new StrictPaths(this.#root);
        began = performance.now();
      }
      if (operation.op === "keep") outcomes.push(await this.#keep(operation, paths));
      else {
        outcomes.push(this.#attempt(operation, paths));
        // Ten thousand folders that shall move are ten thousand scans.
        if (performance.now() - began < TURN_MS) continue;
        await turn();
        this.files.checkOpen();
      }
      // Others had a turn: what it remembers of folders may no longer hold.
      paths = new StrictPaths(this.#root);
      began = performance.now();
    }
    return outcomes;
  }

  /** Whether the content that `operation` places may not be on the disk yet. */
  #waits(operation: Operation): boolean {
    if (this.#durable === null || operation.op !== "file") return false;
    const staged = this.files.get(operation.stage);
    return staged !== undefined && this.#durable.waits(staged.path);
  }

  /** Copies a file that is there into the stage. */
  async #keep(operation: Extract<Operation, { op: "keep" }>, paths: StrictPaths): Promise<Outcome> {
    const staged = this.files.newPath();
    try {
      const full = paths.locate(operation.path);
      const { expect, sha256 } = operation;
      const size = expect?.kind === "file" ? expect.size : 0;
      const trouble = compareVersions(expect, versionAt(full)) ??
        await copyVerified(full, staged, { size, sha256 });
      if (trouble !== null) {
        this.#stage.discard(staged);
        return trouble;
      }
    } catch (error) {
      this.#stage.discard(staged);
      return operationProblem(error, this.#root);
    }
    // The operation that places it sets both.
    this.files.keep(operation.stage, { path: staged, mode: -1, mtime: NaN });
    return null;
  }

  #attempt(operation: Operation, paths: StrictPaths): Outcome {
    try {
      const full = paths.locate(operation.path);
      // What is new takes only a place where nothing is, so no look is needed.
      if (operation.expect !== null || operation.op === "delete" || operation.op === "meta") {
        const trouble = compareVersions(operation.expect, versionAt(full));
        if (trouble !== null) return trouble;
      }
      this.files.withRoom(() => this.#apply(operation, full));
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
    const staged = this.files.get(operation.stage);
    if (staged === undefined) throw new FerryError("gone", "its content was not staged");
    if (staged.mode !== operation.mode || staged.mtime !== operation.mtime) {
      Deno.chmodSync(staged.path, operation.mode);
      setTime(staged.path, operation.mtime);
      this.#durable?.wrote(staged.path);
    }
    this.#place(staged.path, full, operation.expect);
    this.files.placed(operation.stage, full);
  }

  /** Renames a file, link or folder to where it finds what it expects. */
  #place(from: string, full: string, expect: Version): void {
    const options = { sync: this.#durable !== null };
    if (expect === null || expect.kind === "dir") this.#stage.placeNew(from, full, options);
    else this.#stage.place(from, full, options);
  }

  #link(operation: Extract<Operation, { op: "symlink" }>, full: string): void {
    this.#makeWay(operation, full);
    const staged = this.files.newPath();
    makeSymlink(operation.target, staged);
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
    this.delta[Symbol.dispose]();
    this.files.close();
    this.#stage.close();
    this.#trash?.close();
    this.#durable?.close();
    return Promise.resolve([]);
  }
}

/** The folder that the absolute path `full` is in. */
function folderOf(full: string): string {
  return parentPath(full) || "/";
}
