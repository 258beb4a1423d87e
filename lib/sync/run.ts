/** Drives a run: scans both sides, plans, and has the plan carried out. */
import type { Pace } from "../client/pace.ts";
import type { FileEntry, Problem, Tree } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { thisProcess } from "../store/holder.ts";
import type { EndOptions, ScanOptions, Store, WriteOptions, WriteSession } from "../store/store.ts";
import { both } from "./both.ts";
import { BaseFinder, Deltas } from "./delta.ts";
import { execute } from "./execution.ts";
import { FirstLook } from "./first_look.ts";
import { findMoves, type Listed } from "./find_moves.ts";
import {
  checkApart,
  checkDeletes,
  checkPresent,
  checkSource,
  type DeleteLimit,
  missingSource,
} from "./guard.ts";
import { Hidden, type HiddenOptions } from "./hidden.ts";
import { Ledger, type Reporter } from "./ledger.ts";
import { makeNearPlan, type Near } from "./near_plan.ts";
import { makePlan, type Plan, type PlanOptions, sizeOf } from "./plan.ts";
import { ReadAhead, Stager } from "./stager.ts";
import type { Summary } from "./summary.ts";
import type { Tally } from "./tally.ts";

/** Transfers under way at a time unless told. */
export const DEFAULT_PARALLEL = 6;

/** From so many changes on, a destination may take more trouble to begin with. */
const MANY_CHANGES = 1000;

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
  /** Has a run with something to do made elsewhere, and gives its summary; null where it has to be made here. */
  elsewhere?: () => Promise<Summary | null>;
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
    return {
      ...run.ledger.summary,
      bytes_sent: a.sent + b.sent,
      bytes_received: a.received + b.received,
      ms,
    };
  };
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      await run.close({ broken: true });
      reporter.stopped(finish(), error);
      throw error;
    }
  };
  const idle = await told(() => run.isIdle());
  const made = idle ? null : await options.elsewhere?.() ?? null;
  if (made !== null) return made;
  await told(async () => {
    await run.plan();
    if (options.dryRun) run.pretend();
    else {
      await run.execute();
      run.remember();
    }
  });
  for (const problem of await run.close()) run.ledger.undone(problem);
  return finish();
}

class Run {
  readonly ledger: Ledger;
  readonly #parallel: number;
  readonly #ahead: ReadAhead;
  #plan!: Plan;
  #bases!: BaseFinder;
  #session: WriteSession | undefined;
  #stager: Promise<Stager> | undefined;
  #first = false;
  /** There is no source, which counts as an empty one. */
  #missing = false;
  readonly #hidden: Hidden;
  readonly #look: FirstLook;
  /** Both sides, where they were read as a whole. */
  #trees: { source: Tree; destination: Tree } | undefined;

  constructor(readonly sides: Sides, reporter: Reporter, readonly options: RunOptions) {
    this.ledger = new Ledger(reporter);
    this.#parallel = options.parallel ?? DEFAULT_PARALLEL;
    this.#ahead = new ReadAhead(this.#parallel);
    this.#hidden = new Hidden(options);
    this.#look = new FirstLook(sides, options);
  }

  /** Whether there is nothing to do, as far as a first look tells. */
  isIdle(): Promise<boolean> {
    return this.#look.isIdle();
  }

  async plan(): Promise<void> {
    let { found } = this.#look;
    if (found?.kind !== "same") {
      const absent = await this.#enter();
      found = absent || this.#missing ? null : await this.#look.compare();
      if (found?.kind === "near") await this.#planNear(found);
      else if (found?.kind !== "same") await this.#planAll(absent);
      if (found?.kind !== "same" && !this.options.dryRun) this.#guard();
    }
    if (found?.kind === "same") {
      this.ledger.summary.files = found.files;
      this.#plan = makePlan(new Map(), new Map());
    }
    this.ledger.plan(this.#plan);
  }

  /** Checks that both sides are what they should be, and locks the destination. Whether nothing is there. */
  async #enter(): Promise<boolean> {
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
    this.#missing = from === "absent";
    return this.options.dryRun ? to === "absent" : await this.#lock(to);
  }

  /** Plans from the trees of both sides. */
  async #planAll(absent: boolean): Promise<void> {
    const [source, destination] = await this.#scanBoth(absent);
    for (const entry of source.values()) if (entry.kind === "file") this.ledger.summary.files++;
    const plan = makePlan(source, destination, { ...this.options, hidden: this.#hidden });
    this.#trees = { source, destination };
    await this.#finishPlan(plan, { source, destination });
  }

  /** Plans from what is known to have changed. */
  async #planNear(near: Near & { files: number }): Promise<void> {
    this.ledger.summary.files = near.files;
    const { changed: source, before: destination } = near.trees;
    const addFiles = (sizes: ReadonlySet<number>) =>
      near.snapshot.addFiles(destination, (size) => sizes.has(size));
    await this.#finishPlan(makeNearPlan(near, this.options), { source, destination, addFiles });
  }

  async #finishPlan(
    plan: Plan,
    { source, destination, addFiles }: { source: Tree; destination: Tree; addFiles?: Listed["addFiles"] },
  ): Promise<void> {
    const sides = {
      source: { store: this.sides.source, tree: source },
      destination: { store: this.sides.destination, tree: destination, addFiles },
    };
    this.#plan = await findMoves(plan, sides, this.options.signal);
    this.#bases = new BaseFinder(destination);
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
    const scan = (store: Store, how: ScanOptions) => {
      const tree = this.#look.scannedOf(store);
      return tree === undefined ? store.scan(how) : Promise.resolve(tree);
    };
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
          if (this.#first) this.ledger.first();
          if (this.#first && !dryRun) this.#ahead.start(() => this.#begin({ many: true }));
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

  /** Keeps what was learned, once both sides are what this run makes them. */
  remember(): void {
    if (this.ledger.summary.problems === 0) this.#look.remember(this.#trees);
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
      this.ledger.done(change, change.op === "delete" ? 0 : sizeOf(change.entry));
    }
    // Last, so that what a guard would stop can be seen.
    this.#guard();
  }

  async execute(): Promise<void> {
    if (this.#plan.changes.length === 0 && this.#plan.folderTimes.length === 0) return;
    const { changes, totals } = this.#plan;
    const many = changes.length >= MANY_CHANGES;
    const stager = await this.#begin({ delete: totals.delete + totals.move > 0, many });
    await execute(this.#plan, {
      session: this.#session!,
      stager,
      staged: this.#ahead.done,
      bases: this.#bases,
      ledger: this.ledger,
      parallel: this.#parallel,
      signal: this.options.signal,
    });
  }
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
