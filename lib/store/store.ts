/**
 * The contract of a place that holds files, as the sync engine uses it. `LocalStore` is a folder, `RemoteStore` a
 * folder on a server; each passes the one suite in conformance/suite.ts.
 *
 * Trouble with one path is data (a problem); trouble with the whole place (gone, not allowed, disk full) is thrown
 * as a FerryError that names it.
 */
import type { FileEntry, Problem, Tree } from "../core/entry.ts";
import type { ScanFilter } from "../core/scan_filter.ts";
import type { DeltaSource, DeltaTarget } from "./delta/ends.ts";
import type { Change } from "../wire/changes.ts";
import type { TreeHead } from "../wire/head.ts";
import type { LeftFile } from "../wire/left.ts";
import type { FileFrame, ProblemFrame } from "../wire/pack.ts";
import type { Operation } from "../wire/operation.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { Holder } from "../wire/session.ts";
import type { Content, NoContent } from "../wire/stream.ts";
import type { FileVersion } from "./write/partials.ts";
import type { ResumePoint } from "./read/content.ts";
import type { KnownVersion, RunMemory } from "./run_memory.ts";
import type { Snapshot } from "./read/snapshot.ts";

/** What a scan gives besides kinds, sizes, times and modes, and what it leaves out. */
export interface ScanOptions {
  /** Also read every file and give its SHA-256. */
  checksum?: boolean;
  /** What to leave out. */
  filter?: ScanFilter;
  /** Told of each regular file as it is listed and not left out, before the scan is complete. */
  onFile?: (path: string, entry: FileEntry) => void;
}

/** A place that can be read. */
export interface Store {
  /** What messages call it: the path or URL that the user gave. */
  readonly label: string;

  /** What is there. `absent` is no error: a destination may not be there yet. */
  kind(): Promise<"dir" | "file" | "absent">;

  /** Whether it was a replica and bears no mark of that any more, as if its disk were not there. */
  vanished(): Promise<boolean>;

  /** The shares that it is known to be or to lie in, and its path in each: two stores with one in common may overlap. */
  shares(): Promise<{ share: string; path: string }[]>;

  /** Every path below it. Throws when the place itself cannot be read. */
  scan(options?: ScanOptions): Promise<Tree>;

  /**
   * The version of all that is below it, where that is known without reading it; null where it is not. A place whose
   * tree has to be read for that has no such method.
   */
  head?(): Promise<TreeHead | null>;

  /**
   * What changed in it after a version, and the head that it has now; null where that is not known, or too much. A place
   * without such a method cannot tell.
   */
  changes?(since: KnownVersion): Promise<ChangesSince | null>;

  /**
   * What a place on this machine has at hand for its runs with the place `other`; null where it has nothing, and only
   * `scan` can tell what is there.
   */
  former?(other: string): Former | null;

  /** The contents of small files. Dispose of the answer when its contents are no longer needed. */
  read(paths: readonly string[]): Promise<SmallFiles>;

  /**
   * The SHA-256 of each file, lower-case hex, in order; null where it cannot be had. Files of any size, at most
   * MAX_HASHED_FILES.
   */
  hashes(paths: readonly string[]): Promise<(string | null)[]>;

  /**
   * One file of any size, to be taken piece by piece; the caller disposes of it. With `resume`, without its beginning,
   * or a problem when it is another version now.
   */
  open(path: string, resume?: ResumePoint): Promise<Content | NoContent>;

  /**
   * Keeps other runs from writing here until `unlock`; a place that is not there yet or cannot be written is locked by
   * `write`, or refused then. Throws `locked`, naming who is writing.
   */
  lock(holder: Holder): Promise<void>;

  /** Ends what `lock` began. */
  unlock(options?: EndOptions): Promise<void>;

  /**
   * Starts a run of writes, one at a time; locks the place unless that is done, and unlocks it at the end. `close` it
   * whatever happens. Throws, before anything is changed, when the place cannot be written, or, with `delete`, nothing
   * may be deleted there. With `first`, nothing is there yet: what is new may then show together, at the latest when
   * the session is closed.
   */
  write(options?: WriteOptions): Promise<WriteSession>;

  /** Where it has new versions of files, in parts; absent where only whole files can be had. */
  deltas?(): DeltaSource;

  /** Whether contents come from it or go to it over a network, so that fewer bytes are worth some work. */
  readonly remote: boolean;

  /** The content of a small file that a run which was killed had brought here but not put in its place; or null. */
  leftOver?(path: string, entry: FileEntry): Uint8Array | null;

  /** Bytes of HTTP bodies so far. */
  readonly traffic: { sent: number; received: number };

  close(): void;
}

/** Changes in the order of their numbers, and the head that they lead to. */
export interface ChangesSince {
  head: TreeHead;
  list: Change[];
}

/** Former runs between a place on this machine and another one. */
export interface Former {
  readonly memory: RunMemory;
  /** A quick look at all that is there now; null where it takes a scan. */
  look(): Promise<Snapshot | null>;
  /** Remembers for the next run. */
  remember(memory: RunMemory): void;
}

/** How a session writes. */
export interface WriteOptions {
  delete?: boolean;
  first?: boolean;
  /** There is much to write, so that a thread of its own pays. */
  many?: boolean;
}

/** Small files in memory, until they are disposed of: then the memory serves for others. */
export interface SmallFiles extends Disposable {
  /** A frame each, in order; `index` is the place in what was asked for. */
  frames: (FileFrame | ProblemFrame)[];
}

/**
 * Writes: contents are staged under numbers, then operations put them in place. Nothing is visible under its name
 * before its operation, and each operation happens only where it finds what it expects.
 */
export interface WriteSession {
  /**
   * Stages small files; a frame's `index` is the number that a later operation calls it by. `paths`, where given,
   * says where those operations will put them. One outcome a frame. The memory of the contents may be taken over.
   */
  stage(frames: readonly FileFrame[], paths?: readonly string[]): Promise<Outcome[]>;

  /**
   * Stages what a run that broke off has left here of small files, in these versions; whether it was there, for each of
   * them. Absent where nothing can be left.
   */
  reuse?(files: readonly LeftFile[]): Promise<boolean[]>;

  /** Bytes of a large file that a run which broke off has left here, or an attempt of this one. */
  resumable(version: FileVersion): Promise<number>;

  /**
   * Stages one file of any size under `index`. The caller disposes of `content`. What came of it when this throws can be
   * gone on with, by the `path` that it will have. Content without its beginning is staged only when that is here.
   */
  stageContent(index: number, content: Content, path?: string): Promise<Outcome>;

  /** Where it has old versions of files that new ones can be made from; absent where it has not. */
  readonly delta?: DeltaTarget;

  /** Does the operations in order; one outcome each. Throws `disk_full` when there is no room to go on. */
  commit(operations: readonly Operation[]): Promise<Outcome[]>;

  /**
   * Ends a run that went well: everything is in its place then and, with `fsync`, on the disk. Throws `write_failed` when
   * the disk fails.
   */
  finish(): Promise<void>;

  /** Removes what was staged and not placed, unless the run was `broken` off (EndOptions). Gives what did not come into its place although `commit` said so. */
  close(options?: EndOptions): Promise<Problem[]>;
}

/** How a session ended. */
export interface EndOptions {
  /** The run was stopped: what came of large files, and of a first copy, is kept for the next one. */
  broken?: boolean;
}
