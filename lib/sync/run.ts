/** Drives a run: scans both sides, plans, and carries the plan out; tells a reporter what happens as it happens. */
import { FerryError } from "../core/errors.ts";
import type { Pace } from "../client/pace.ts";
import type { FileEntry, Problem, Tree } from "../core/entry.ts";
import { turn } from "../core/turn.ts";
import { thisProcess } from "../store/holder.ts";
import type { EndOptions, ScanOptions, Store, WriteOptions, WriteSession } from "../store/store.ts";
import type { Operation } from "../wire/operation.ts";
import type { Outcome } from "../wire/outcome.ts";
import {
  type Batch,
  folderOperations,
  insideOperations,
  keepOperation,
  makeBatches,
  operationOf,
  type StagedFile,
  unlockOperations,
} from "./batches.ts";
import { findMoves } from "./find_moves.ts";
import { BaseFinder, Deltas } from "./delta.ts";
import {
  checkApart,
  checkDeletes,
  checkPresent,
  checkSource,
  type DeleteLimit,
  missingSource,
} from "./guard.ts";
import { Hidden, type HiddenOptions } from "./hidden.ts";
import { ReadAhead, Stager, type Staging } from "./stager.ts";
import type { Tally } from "./tally.ts";
import { compareHeads } from "./same_tree.ts";
import { type Change, type Copy, makePlan, type Plan, type PlanOptions, sizeOf } from "./plan.ts";

/** Transfers under way at a time unless told. */
export const DEFAULT_PARALLEL = 6;

/** Copies within the destination that one commit makes. */
const KEEP_FILES = 1000;
const KEEP_BYTES = 64 * 1024 * 1024;

/** From so many changes on, a destination may take more trouble to begin with. */
const MANY_CHANGES = 1000;

/** What is staged ahead of the plan where it would be lost with the process. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** What a run is told. */
export interface RunOptions extends Omit<PlanOptions, "hidden">, HiddenOptions {
  dryRun?: boolean;
  maxDelete: DeleteLimit;
  /** Go on where a guard would stop. */
  force?: boolean;
  /** Packs and large files under way at a time. */
  parallel?: number;
  /** Content bytes are held to this; for sides that hold themselves to none. */
  pace?: Pace;
  /** Counts along. */
  tally?: Tally;
  signal?: AbortSignal;
}

/** Who is told what a run does, in order: the plan, then each change or problem. */
export interface Reporter {
  plan(plan: Plan): void;
  change(change: Change): void;
  problem(problem: Problem): void;
  /** The run was stopped by `error`, which is thrown next. */
  stopped(summary: Summary, error: unknown): void;
}

/** What a run did; for a dry run, what it would have done. */
export interface Summary {
  created: number;
  updated: number;
  deleted: number;
  moved: number;
  conflicts: number;
  problems: number;
  /** Regular files in the source. */
  files: number;
  bytes_content: number;
  bytes_sent: number;
  bytes_received: number;
  ms: number;
}

/** The two sides of a run. */
export interface Sides {
  source: Store;
  destination: Store;
}

/**
 * Makes the destination hold what the source holds, and gives what it did. Trouble with single paths is reported and
 * counted; what stops the whole run is thrown, after everything under way has ended and the stage is cleared, and
 * `reporter.stopped` is told how far it came.
 */
export async function runSync(sides: Sides, reporter: Reporter, options: RunOptions): Promise<Summary> {
  const start = performance.now();
  const run = new Run(sides, reporter, options);
  const finish = (): Summary => {
    const { source: { traffic: a }, destination: { traffic: b } } = sides;
    const ms = Math.round(performance.now() - start);
    return { ...run.summary, bytes_sent: a.sent + b.sent, bytes_received: a.received + b.received, ms };
  };
  try {
    await run.plan();
    if (options.dryRun) run.pretend();
    else await run.execute();
  } catch (error) {
    await run.close({ broken: true });
    reporter.stopped(finish(), error);
    throw error;
  }
  for (const problem of await run.close()) run.undone(problem);
  return finish();
}

/** The summary of a run that has done nothing yet. */
export function newSummary(): Summary {
  return {
    created: 0,
    updated: 0,
    deleted: 0,
    moved: 0,
    conflicts: 0,
    problems: 0,
    files: 0,
    bytes_content: 0,
    bytes_sent: 0,
    bytes_received: 0,
    ms: 0,
  };
}

/** What of a summary counts each kind of change. */
export const DONE_AS = { create: "created", update: "updated", delete: "deleted", move: "moved" } as const;

class Run {
  readonly summary = newSummary();
  readonly #left = new Set<string>();
  /** Copies of what the destination has, in the stage. */
  readonly #kept = new Map<Change, number>();
  /** What has to be done because a move could not be. */
  readonly #instead: Change[] = [];
  readonly #parallel: number;
  readonly #ahead: ReadAhead;
  #plan!: Plan;
  #bases!: BaseFinder;
  #session: WriteSession | undefined;
  #stager: Promise<Stager> | undefined;
  #first = false;

  /** What was done of a first copy, by the name at the top. */
  readonly #doneBelow = new Map<string, { created: number; bytes: number }>();
  /** There is no source, which counts as an empty one. */
  #missing = false;
  readonly #hidden: Hidden;
  /** A side that was read to compare it with a head. */
  #scanned: { store: Store; tree: Tree } | undefined;

  constructor(readonly sides: Sides, readonly reporter: Reporter, readonly options: RunOptions) {
    this.#parallel = options.parallel ?? DEFAULT_PARALLEL;
    this.#ahead = new ReadAhead(this.#parallel);
    this.#hidden = new Hidden(options);
  }

  async plan(): Promise<void> {
    const [from, to] = await both(this.sides.source.kind(), asDestination(this.sides.destination.kind()));
    if (!this.options.force) {
      if (from === "absent") throw missingSource(this.sides.source.label);
      await checkPresent([this.sides.source, this.sides.destination]);
      await checkApart(this.sides.source, this.sides.destination);
    }
    if (from === "file") {
      throw new FerryError("usage", `${this.sides.source.label} is a file; name the folder that holds it`);
    }
    if (to === "file") {
      throw new FerryError("usage", `${this.sides.destination.label} is a file; a folder is needed`);
    }
    const absent = this.options.dryRun ? to === "absent" : await this.#lock(to);
    this.#missing = from === "absent";
    if (!absent && !this.#missing && await this.#unchanged()) return;
    const [source, destination] = await this.#scanBoth(absent);
    for (const entry of source.values()) if (entry.kind === "file") this.summary.files++;
    const plan = makePlan(source, destination, { ...this.options, hidden: this.#hidden });
    const sides = {
      source: { store: this.sides.source, tree: source },
      destination: { store: this.sides.destination, tree: destination },
    };
    this.#plan = await findMoves(plan, sides, this.options.signal);
    this.#bases = new BaseFinder(destination);
    if (!this.options.dryRun) this.#guard();
    this.reporter.plan(this.#plan);
    for (const problem of this.#plan.problems) this.problem(problem);
  }

  /** Whether both sides are known to hold the same, so that there is nothing to do; then the plan is an empty one. */
  async #unchanged(): Promise<boolean> {
    const { checksum, patterns = [], skipLinks } = this.options;
    // A head is about all of a tree, and about sizes and times.
    if (checksum || patterns.length > 0 || skipLinks) return false;
    const found = await compareHeads(this.sides);
    if (found.kind === "unknown") {
      this.#scanned = found.scanned;
      return false;
    }
    this.summary.files = found.files;
    this.#plan = makePlan(new Map(), new Map());
    this.reporter.plan(this.#plan);
    return true;
  }

  /** From here on no other run writes there, so that what is planned is what is found. Whether nothing is there. */
  async #lock(kind: "dir" | "absent"): Promise<boolean> {
    const { source, destination } = this.sides;
    const holder = thisProcess(source.label);
    await destination.lock(holder);
    if (kind === "dir" || await destination.kind() === "absent") return kind === "absent";
    // Another run has made it meanwhile.
    await destination.lock(holder);
    return false;
  }

  /** Both trees. For an empty destination the contents start to come while the source is still being listed. */
  async #scanBoth(absent: boolean): Promise<[Tree, Tree]> {
    const { source, destination } = this.sides;
    const { checksum, dryRun } = this.options;
    const scan = (store: Store, how: ScanOptions) =>
      this.#scanned?.store === store ? Promise.resolve(this.#scanned.tree) : store.scan(how);
    const listing = {
      checksum,
      filter: this.#hidden.forSource(),
      onFile: (path: string, entry: FileEntry) => {
        this.options.tally?.listed();
        if (!dryRun) this.#ahead.offer(path, entry);
      },
    };
    const scans = both(
      this.#missing ? Promise.resolve<Tree>(new Map()) : scan(source, listing),
      (absent ? Promise.resolve<Tree>(new Map()) : asDestination(
        scan(destination, { checksum, filter: this.#hidden.forDestination() }),
      )).then(
        (tree) => {
          this.#first = tree.size === 0 && this.#hidden.destination.size === 0;
          // What a server has staged is lost with it.
          const most = destination.leftOver === undefined ? AHEAD_BYTES : Infinity;
          if (this.#first && !dryRun) this.#ahead.start(() => this.#begin({ many: true }), most);
          return tree;
        },
      ),
    );
    // Nothing may go on behind an error, and the first error is the one to tell.
    await Promise.allSettled([scans]);
    const stopped = this.#ahead.stop();
    await Promise.allSettled([stopped]);
    const trees = await scans;
    await stopped;
    this.#hidden.settle(...trees);
    return trees;
  }

  /** Opens the destination for writing, once. */
  #begin(options: WriteOptions = {}): Promise<Stager> {
    return this.#stager ??= this.#open({ ...options, first: this.#first });
  }

  async #open(options: WriteOptions): Promise<Stager> {
    this.#session = await this.sides.destination.write(options);
    const { source, destination } = this.sides;
    const remote = source.remote || destination.remote;
    const deltas = this.#missing
      ? null
      : Deltas.between({ source, session: this.#session, remote, signal: this.options.signal });
    const leftOver = destination.leftOver?.bind(destination);
    return new Stager(source, this.#session, { ...this.options, deltas, leftOver });
  }

  /** Ends the writing, whatever happened. */
  async close(options?: EndOptions): Promise<Problem[]> {
    // A stage that cannot be cleared now is cleared by age; the reason why the run ended must not be lost to it.
    const problems = await this.#session?.close(options).catch(() => []) ?? [];
    await this.sides.destination.unlock(options).catch(() => {});
    return problems;
  }

  #guard(): void {
    if (this.options.force) return;
    const { source, destination } = this.sides;
    checkSource(this.#plan.totals, { source: source.label, destination: destination.label });
    checkDeletes(this.#plan.totals, this.options.maxDelete, this.sides.destination.label);
  }

  pretend(): void {
    for (const change of this.#plan.changes) {
      this.#done(change, change.op === "delete" ? 0 : sizeOf(change.entry));
    }
    // Last, so that what a guard would stop can be seen.
    this.#guard();
  }

  async execute(): Promise<void> {
    if (this.#plan.changes.length === 0 && this.#plan.folderTimes.length === 0) return;
    const { changes, totals } = this.#plan;
    const many = changes.length >= MANY_CHANGES;
    const stager = await this.#begin({ delete: totals.delete + totals.move > 0, many });
    const session = this.#session!;
    await this.#folders(session, unlockOperations(this.#plan));
    await this.#keep(session, stager);
    const moved = changes.findLastIndex(({ op }) => op === "move") + 1;
    await this.#batches(session, stager, changes.slice(0, moved));
    await this.#batches(session, stager, [...this.#instead, ...changes.slice(moved)]);
    await this.#folders(session, folderOperations(this.#plan, this.#left));
    await session.finish();
  }

  /** Copies what is wanted of the destination's own files into the stage, before anything there is changed. */
  async #keep(session: WriteSession, stager: Stager): Promise<void> {
    const wanted = this.#plan.changes.filter(hasCopy);
    while (wanted.length > 0) {
      this.options.signal?.throwIfAborted();
      let bytes = 0;
      const most = wanted.findIndex(({ copy }, index) =>
        index === KEEP_FILES || (bytes += copy.was.size) > KEEP_BYTES
      );
      const part = wanted.splice(0, most === -1 ? wanted.length : Math.max(most, 1));
      const stages = part.map(() => stager.nextNumber());
      const outcomes = await session.commit(
        part.map(({ copy }, index) => keepOperation(copy, stages[index])),
      );
      // One that could not be copied, since it changed meanwhile, say, comes from the source.
      part.forEach((change, index) => {
        if (outcomes[index] === null) this.#kept.set(change, stages[index]);
      });
      await turn();
    }
  }

  /** Stages as many batches at a time as may be under way and commits them one after the other, in the plan's order. */
  async #batches(session: WriteSession, stager: Stager, changes: readonly Change[]): Promise<void> {
    const known = changes.map((change) =>
      hasCopy(change) && !this.#kept.has(change) ? withContent(change) : change
    );
    const ahead: Promise<void>[] = [];
    let committed = Promise.resolve();
    try {
      for (const batch of makeBatches(known, stager.deltasFrom)) {
        this.options.signal?.throwIfAborted();
        const staged = this.#stage(stager, batch);
        const previous = committed;
        committed = both(staged, previous).then(([ready]) => this.#commit(session, ready));
        committed.catch(() => {});
        ahead.push(committed);
        if (ahead.length >= this.#parallel) await ahead.shift();
        await turn();
      }
    } finally {
      await Promise.allSettled(ahead);
    }
    await committed;
  }

  /** The changes of a batch that can be committed: their contents, if they have any, are staged. */
  async #stage(stager: Stager, batch: Batch): Promise<Ready[]> {
    switch (batch.kind) {
      case "plain":
        return batch.changes.map((change) => ({ change, staged: this.#keptOf(change), bytes: 0 }));
      case "small": {
        const missing = batch.changes.flatMap((change) =>
          change.op === "delete" || change.entry.kind !== "file" || this.#ahead.done.has(change.path)
            ? []
            : [{ path: change.path, entry: change.entry }]
        );
        const answers = missing.length === 0
          ? []
          : await stager.small(missing.map(({ path }) => path), missing.map(({ entry }) => entry));
        let next = 0;
        return batch.changes.flatMap((change) => {
          const answer = this.#ahead.done.get(change.path) ?? answers[next++];
          return this.#ready(change, answer);
        });
      }
      case "large": {
        const { change } = batch;
        const entry = change.op === "delete" ? undefined : change.entry;
        if (entry?.kind !== "file") throw new TypeError(`${change.path} is no file`);
        const bases = this.#bases.find(change.path, entry.size);
        return this.#ready(change, await stager.large(change.path, entry, bases));
      }
    }
  }

  #keptOf(change: Change): StagedFile | null {
    const stage = this.#kept.get(change);
    if (stage === undefined || change.op === "delete" || change.entry.kind !== "file") return null;
    const { mode, mtime } = change.entry;
    return { stage, mode, mtime };
  }

  #ready(change: Change, staging: Staging): Ready[] {
    if ("staged" in staging) return [{ change, ...staging }];
    this.#trouble(change, staging.problem);
    return [];
  }

  async #commit(session: WriteSession, ready: readonly Ready[]): Promise<void> {
    if (ready.length === 0) return;
    this.options.signal?.throwIfAborted();
    const outcomes = await session.commit(ready.map(({ change, staged }) => operationOf(change, staged)));
    const touchUps: Operation[] = [];
    ready.forEach(({ change, bytes }, index) => {
      if (change.op === "move") {
        if (outcomes[index] !== null) return this.#instead.push(...change.instead);
        touchUps.push(...insideOperations(change));
      }
      if (!this.#trouble(change, outcomes[index])) this.#done(change, bytes);
    });
    await this.#folders(session, touchUps);
  }

  /** Modes and times of folders: part of other changes, so only their failures are reported. */
  async #folders(session: WriteSession, operations: readonly Operation[]): Promise<void> {
    for (let at = 0; at < operations.length; at += 2000) {
      const part = operations.slice(at, at + 2000);
      const outcomes = await session.commit(part);
      part.forEach(({ path }, index) => {
        const outcome = outcomes[index];
        if (outcome !== null) this.problem({ path, ...outcome });
      });
    }
  }

  /** Reports the outcome of a change that did not come about; false for one that did. */
  #trouble(change: Change, outcome: Outcome): boolean {
    if (outcome === null) return false;
    this.#left.add(change.path);
    this.problem({ path: change.path, code: outcome.code, message: outcome.message });
    return true;
  }

  problem(problem: Problem): void {
    this.summary.problems++;
    this.reporter.problem(problem);
  }

  /** What was said to be done and in the end was not: all of a first copy below one name. */
  undone(problem: Problem): void {
    const { created, bytes } = this.#doneBelow.get(problem.path) ?? { created: 0, bytes: 0 };
    this.summary.created -= created;
    this.summary.bytes_content -= bytes;
    this.problem(problem);
  }

  #done(change: Change, bytes: number): void {
    if (this.#first) {
      const [top] = change.path.split("/", 1);
      const below = this.#doneBelow.get(top) ?? { created: 0, bytes: 0 };
      if (change.op === "create") below.created++;
      if (change.op !== "delete" && change.content) below.bytes += bytes;
      this.#doneBelow.set(top, below);
    }
    this.summary[DONE_AS[change.op]] += change.op === "move" ? 1 + change.inside.length : 1;
    if (change.op !== "delete" && change.content) this.summary.bytes_content += bytes;
    this.reporter.change(change);
  }
}

function hasCopy(change: Change): change is Exclude<Change, { op: "delete" | "move" }> & { copy: Copy } {
  return (change.op === "create" || change.op === "update") && change.copy !== undefined;
}

/** `change` with its content from the source after all. */
function withContent(change: Exclude<Change, { op: "delete" | "move" }>): Change {
  return { ...change, content: true, copy: undefined };
}

/** A change whose content, if it has any, is staged. */
interface Ready {
  change: Change;
  staged: StagedFile | null;
  bytes: number;
}

/** A destination that cannot even be read cannot be written: what its user has to know. */
async function asDestination<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== "read_failed") throw error;
    throw new FerryError("write_failed", error.message, { cause: error });
  }
}

/** Both results; waits for both also when one fails, so that nothing goes on behind a thrown error. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return [first.value, second.value];
}
