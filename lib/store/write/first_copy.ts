/**
 * The first copy into an empty folder, built as a tree of its own in the stage: each file is written once, where it
 * belongs in that tree, and whole folders are renamed into place. A rename for each file costs a quarter of all the
 * work; this saves it where there is most to do. What has a reader already goes the ordinary way.
 */
import { FerryError, isDiskFull, osReason } from "../../core/errors.ts";
import type { Problem } from "../../core/entry.ts";
import { joinRoot, parentPath } from "../../core/paths.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content, ContentMeta } from "../../wire/stream.ts";
import type { Durable } from "./durable.ts";
import type { FileVersion } from "./partials.ts";
import type { LocalDeltaTarget } from "../delta/local.ts";
import { operationProblem } from "./operation_problem.ts";
import { isThere, removeQuietly } from "../quiet.ts";
import { type Stage, writing } from "./stage.ts";
import type { ContentEnd, ContentPlace, StagedMeta } from "./staged_files.ts";
import type { EndOptions, WriteSession } from "../store.ts";
import { makeSymlink } from "../symlink.ts";
import { setLinkTime } from "../times.ts";
import { LocalWriter, type WriterOptions } from "./local_writer.ts";

/** When so much waits it is shown: what a killed process had not shown, the next run writes a second time. */
const PUBLISH_BYTES = 256 * 1024 * 1024;

/** A path in the stage is longer than the one it stands for; beyond this it might not be a path any more. */
const MAX_PATH_CHARS = 2000;

interface Built extends StagedMeta {
  path: string;
  size: number;
}

/** The session of a first copy. */
export class FirstCopyWriter implements WriteSession {
  readonly #root: string;
  readonly #stage: Stage;
  readonly #ordinary: LocalWriter;
  readonly #umask = Deno.umask();
  readonly #durable: Durable | null;
  /** The tree being built; made with the first file. */
  #tree: string | undefined;
  /** A tree of files that wait while the folder that they are for is in its place; made with the first of them. */
  #aside: string | undefined;
  /** Folders of the tree. */
  readonly #folders = new Set<string>([""]);
  /** Those of them that were made for a file and whose own operation has not come. */
  readonly #unasked = new Set<string>();
  /** Files that lie in the tree at their place and wait for their operation, by number. */
  readonly #waiting = new Map<number, Built>();
  /** Top-level names with something done in the tree, those of them with content, and those that are in place. */
  readonly #begun = new Set<string>();
  readonly #filled = new Set<string>();
  readonly #published = new Set<string>();
  /** Top-level names that could not be put in place. */
  readonly #refused = new Map<string, NonNullable<Outcome>>();
  #bytes = 0;
  /** Once it is being closed nothing more is taken; once it is left nothing more is placed, either. */
  #state: "open" | "closing" | "left" = "open";
  /** Something did not fit on the disk. */
  #full = false;

  /** `root` is a real path to an empty folder; `stage` a stage on its file system, which this closes. */
  constructor(root: string, stage: Stage, options: WriterOptions = {}) {
    this.#root = root;
    this.#stage = stage;
    this.#durable = options.durable ?? null;
    this.#ordinary = new LocalWriter(root, stage, options);
  }

  stage(frames: readonly FileFrame[], paths: readonly string[] = []): Promise<Outcome[]> {
    return this.#noting(() =>
      frames.map((frame, at) => {
        const path = paths.at(at);
        if (path === undefined || this.#isOrdinary(path)) {
          this.#ordinary.files.write(frame);
          return null;
        }
        return this.#build(frame, path);
      })
    );
  }

  /** Does `work`, unless the writing was ended, and notes when the disk is full. */
  async #noting<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#state !== "open") throw ended();
    try {
      return await work();
    } catch (error) {
      this.#full ||= isDiskFull(error);
      throw error;
    }
  }

  /** Whether the tree is no place for `path`. Where two names can be one, each has to be looked at. */
  #isOrdinary(path: string): boolean {
    return this.#published.has(topOf(path)) || path.length > MAX_PATH_CHARS || !this.#stage.apart;
  }

  #build(frame: FileFrame, path: string): Outcome {
    this.#forget(frame.index);
    try {
      this.#ordinary.files.withRoom(() => this.#makeFolder(parentPath(path)));
    } catch (error) {
      return operationProblem(error, this.#root);
    }
    try {
      this.#ordinary.files.withRoom(() => this.#ordinary.files.writeAt(this.#at(path), frame));
    } catch (error) {
      // A second file, or a folder, of this name: its operation has to find out.
      if (!isThere(this.#at(path))) throw error;
      this.#ordinary.files.write(frame);
      return null;
    }
    this.#durable?.wrote(this.#at(path));
    const { mode, mtime } = frame;
    this.#waiting.set(frame.index, { path, mode, mtime, size: frame.content.length });
    return null;
  }

  /** Lets go of what was built under a number. */
  #forget(index: number): void {
    const built = this.#waiting.get(index);
    if (built === undefined) return;
    this.#waiting.delete(index);
    this.#durable?.dropped(this.#at(built.path));
    removeQuietly(this.#at(built.path));
  }

  /** Large files come over time, so they are never where a rename could show them half. */
  stageContent(index: number, content: Content, path?: string): Promise<Outcome> {
    this.#forget(index);
    return this.#noting(() => this.#ordinary.stageContent(index, content, path));
  }

  /** Where it has old versions that new ones can be made from. */
  get delta(): LocalDeltaTarget {
    return this.#ordinary.delta;
  }

  beginContent(index: number, meta: ContentMeta, path?: string): ContentPlace {
    this.#forget(index);
    return this.#ordinary.files.begin(index, meta, path);
  }

  endContent(index: number, end: ContentEnd): void {
    this.#full ||= end.end === "full";
    this.#ordinary.files.end(index, end);
  }

  resumable(version: FileVersion): Promise<number> {
    return this.#ordinary.resumable(version);
  }

  commit(operations: readonly Operation[]): Promise<Outcome[]> {
    return this.#noting(async () => {
      const outcomes: Outcome[] = [];
      for (const operation of operations) outcomes.push(await this.#attempt(operation));
      if (this.#bytes >= PUBLISH_BYTES) await this.#publish(this.#filled);
      return outcomes;
    });
  }

  async #attempt(operation: Operation): Promise<Outcome> {
    const top = topOf(operation.path);
    // Modes and times of folders come last, when everything is in its place.
    if (operation.op === "meta" && this.#begun.size > 0) await this.#publish(this.#begun);
    const refused = this.#refused.get(top);
    // What was said to be done below it is taken back at the end, once, and with it the folders themselves.
    if (refused !== undefined) return operation.op === "meta" ? null : refused;
    if (operation.expect !== null || this.#isOrdinary(operation.path)) {
      // What lies too deep for the tree goes into folders that have to be in their place by then.
      if (this.#begun.has(top)) await this.#publish(new Set([top]));
      return (await this.#ordinary.commit([operation]))[0];
    }
    try {
      this.#begun.add(top);
      this.#ordinary.files.withRoom(() => this.#apply(operation));
      return null;
    } catch (error) {
      return operationProblem(error, this.#root);
    }
  }

  #apply(operation: Operation): void {
    switch (operation.op) {
      case "mkdir": {
        this.#makeFolder(operation.path);
        this.#unasked.delete(operation.path);
        // Nobody looks into it before its last `meta`, not even for the moment, who may not do so afterwards.
        const mode = operation.mode | 0o700;
        if ((0o777 & ~mode & ~this.#umask) !== 0) Deno.chmodSync(this.#at(operation.path), mode);
        return;
      }
      case "symlink": {
        this.#makeFolder(parentPath(operation.path));
        const full = this.#at(operation.path);
        makeSymlink(operation.target, full);
        setLinkTime(full, operation.mtime);
        return;
      }
      case "file": {
        const built = this.#waiting.get(operation.stage);
        if (built?.path === operation.path) {
          this.#waiting.delete(operation.stage);
          this.#bytes += built.size;
          this.#filled.add(topOf(operation.path));
          return;
        }
        this.#makeFolder(parentPath(operation.path));
        this.#ordinary.place(operation, this.#at(operation.path));
        return;
      }
      default:
        throw new FerryError("conflict", "nothing is there to be changed");
    }
  }

  #at(path: string): string {
    this.#tree ??= this.#newTree();
    return `${this.#tree}/${path}`;
  }

  #newTree(): string {
    const tree = this.#stage.newPath();
    writing(tree, () => Deno.mkdirSync(tree, { mode: 0o700 }));
    return tree;
  }

  /** Makes a folder of the tree with its parents. What is there under its name must be a folder that this made. */
  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#makeFolder(parentPath(path));
    const full = this.#at(path);
    // Its own bits come with the last `meta`: until then its owner must be able to fill it.
    Deno.mkdirSync(full, { mode: 0o777 });
    this.#folders.add(path);
    this.#unasked.add(path);
  }

  /** Puts what stands in the tree under `tops` in its place, one rename for each, once it is on the disk. */
  async #publish(tops: ReadonlySet<string>): Promise<void> {
    await this.#durable?.contents();
    // Others may have the folder by now.
    if (this.#state === "left") throw ended();
    const going = [...tops];
    this.#withdraw(new Set(going));
    for (const top of going) {
      this.#published.add(top);
      this.#begun.delete(top);
      this.#filled.delete(top);
      const target = joinRoot(this.#root, top);
      try {
        this.#stage.placeNew(this.#at(top), target);
      } catch (error) {
        const known = error instanceof FerryError;
        const why = known ? "something is there now" : osReason(error);
        const code = known ? "conflict" : "write_failed";
        this.#refused.set(top, { code, message: `${why}; its new content was not placed` });
      }
    }
    this.#durable?.touched(this.#root);
    this.#bytes = 0;
  }

  /**
   * Takes files that still wait for their operation out of the folders that are about to show, and the folders that were
   * made for them alone. They keep their paths, by which the next run finds them should this one break off.
   */
  #withdraw(tops: ReadonlySet<string>): void {
    const folders = new Set<string>();
    const place = (path: string) => {
      try {
        this.#aside ??= this.#newTree();
        const folder = parentPath(path);
        if (!folders.has(folder)) {
          Deno.mkdirSync(`${this.#aside}/${folder}`, { recursive: true, mode: 0o700 });
        }
        folders.add(folder);
        return `${this.#aside}/${path}`;
      } catch {
        // On a full disk there is room for no more folders, and none is needed: nothing will be left.
        return this.#stage.newPath();
      }
    };
    for (const [index, { path, mode, mtime }] of this.#waiting) {
      if (!tops.has(topOf(path))) continue;
      const staged = place(path);
      Deno.renameSync(this.#at(path), staged);
      this.#durable?.dropped(this.#at(path));
      this.#ordinary.files.keep(index, { path: staged, mode, mtime });
      this.#waiting.delete(index);
    }
    // Inner ones, which were made later, first.
    for (const path of [...this.#unasked].reverse()) {
      const top = topOf(path);
      if (path !== top && tops.has(top)) removeQuietly(this.#at(path));
      if (tops.has(top)) this.#unasked.delete(path);
    }
  }

  async finish(): Promise<void> {
    if (this.#begun.size > 0) await this.#publish(this.#begun);
    await this.#ordinary.finish();
  }

  async close({ broken = false }: EndOptions = {}): Promise<Problem[]> {
    // Content may still be on its way when its session is ended.
    this.#state = "closing";
    try {
      // Also after an error: what was done stays done.
      if (this.#begun.size > 0) await this.#publish(this.#begun);
      // What waits serves the next run (leftovers.ts), unless it takes up the room that there is too little of.
      if (broken && !this.#full && this.#waits()) this.#stage.leave();
      return this.undone();
    } finally {
      await this.#ordinary.close();
    }
  }

  /** Whether files wait for their operation. */
  #waits(): boolean {
    return this.#waiting.size > 0 ||
      (this.#aside !== undefined && this.#ordinary.files.anyBelow(this.#aside));
  }

  /** What did not come into its place although `commit` said so, as far as that is known by now. */
  undone(): Problem[] {
    return [...this.#refused].map(([path, outcome]) => ({ path, ...outcome }));
  }

  /** Ends the writing without another change; what is in the stage is left for the next run (leftovers.ts). */
  async leave(): Promise<void> {
    this.#state = "left";
    this.#stage.leave();
    await this.#ordinary.close();
  }
}

function ended(): FerryError {
  return new FerryError("gone", "the writing was ended");
}

function topOf(path: string): string {
  const slash = path.indexOf("/");
  return slash === -1 ? path : path.slice(0, slash);
}
