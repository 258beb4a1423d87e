/** Carries a plan out: contents are staged several batches at a time and put in place one after the other. */
import { turn } from "../core/turn.ts";
import type { WriteSession } from "../store/store.ts";
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
import { both } from "./both.ts";
import type { BaseFinder } from "./delta.ts";
import type { Ledger } from "./ledger.ts";
import type { Change, Copy, Plan } from "./plan.ts";
import type { Stager, Staging } from "./stager.ts";

/** Copies within the destination that one commit makes. */
const KEEP_FILES = 1000;
const KEEP_BYTES = 64 * 1024 * 1024;

/** What a plan is carried out with. */
export interface ExecutionTools {
  session: WriteSession;
  stager: Stager;
  /** What was staged ahead of the plan, by path. */
  staged: ReadonlyMap<string, Staging>;
  /** Old versions of files, and files like new ones. */
  bases: BaseFinder;
  ledger: Ledger;
  /** Batches under way at a time. */
  parallel: number;
  signal?: AbortSignal;
}

/** Makes all changes of `plan`. Trouble with single paths goes to the ledger; what stops the run is thrown. */
export async function execute(plan: Plan, tools: ExecutionTools): Promise<void> {
  await new Execution(plan, tools).run();
}

class Execution {
  readonly #plan: Plan;
  readonly #tools: ExecutionTools;
  /** Paths whose change did not come about. */
  readonly #left = new Set<string>();
  /** Copies of what the destination has, in the stage. */
  readonly #kept = new Map<Change, number>();
  /** What has to be done because a move could not be. */
  readonly #instead: Change[] = [];

  constructor(plan: Plan, tools: ExecutionTools) {
    this.#plan = plan;
    this.#tools = tools;
  }

  async run(): Promise<void> {
    const { changes } = this.#plan;
    await this.#folders(unlockOperations(this.#plan));
    await this.#keep();
    const moved = changes.findLastIndex(({ op }) => op === "move") + 1;
    await this.#batches(changes.slice(0, moved));
    await this.#batches([...this.#instead, ...changes.slice(moved)]);
    await this.#folders(folderOperations(this.#plan, this.#left));
    await this.#tools.session.finish();
  }

  /** Copies what is wanted of the destination's own files into the stage, before anything there is changed. */
  async #keep(): Promise<void> {
    const wanted = this.#plan.changes.filter(hasCopy);
    while (wanted.length > 0) {
      this.#tools.signal?.throwIfAborted();
      let bytes = 0;
      const most = wanted.findIndex(({ copy }, index) =>
        index === KEEP_FILES || (bytes += copy.was.size) > KEEP_BYTES
      );
      const part = wanted.splice(0, most === -1 ? wanted.length : Math.max(most, 1));
      const stages = part.map(() => this.#tools.stager.nextNumber());
      const outcomes = await this.#tools.session.commit(
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
  async #batches(changes: readonly Change[]): Promise<void> {
    const known = changes.map((change) =>
      hasCopy(change) && !this.#kept.has(change) ? withContent(change) : change
    );
    const ahead: Promise<void>[] = [];
    let committed = Promise.resolve();
    try {
      for (const batch of makeBatches(known, this.#tools.stager.deltasFrom)) {
        this.#tools.signal?.throwIfAborted();
        const staged = this.#stage(batch);
        const previous = committed;
        committed = both(staged, previous).then(([ready]) => this.#commit(ready));
        committed.catch(() => {});
        ahead.push(committed);
        if (ahead.length >= this.#tools.parallel) await ahead.shift();
        await turn();
      }
    } finally {
      await Promise.allSettled(ahead);
    }
    await committed;
  }

  /** The changes of a batch that can be committed: their contents, if they have any, are staged. */
  async #stage(batch: Batch): Promise<Ready[]> {
    switch (batch.kind) {
      case "plain":
        return batch.changes.map((change) => ({ change, staged: this.#keptOf(change), bytes: 0 }));
      case "small": {
        const missing = batch.changes.flatMap((change) =>
          change.op === "delete" || change.entry.kind !== "file" || this.#tools.staged.has(change.path)
            ? []
            : [{ path: change.path, entry: change.entry }]
        );
        const answers = missing.length === 0 ? [] : await this.#tools.stager.small(
          missing.map(({ path }) => path),
          missing.map(({ entry }) => entry),
        );
        let next = 0;
        return batch.changes.flatMap((change) => {
          const answer = this.#tools.staged.get(change.path) ?? answers[next++];
          return this.#ready(change, answer);
        });
      }
      case "large": {
        const { change } = batch;
        const entry = change.op === "delete" ? undefined : change.entry;
        if (entry?.kind !== "file") throw new TypeError(`${change.path} is no file`);
        const bases = this.#tools.bases.find(change.path, entry.size);
        return this.#ready(change, await this.#tools.stager.large(change.path, entry, bases));
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

  async #commit(ready: readonly Ready[]): Promise<void> {
    if (ready.length === 0) return;
    this.#tools.signal?.throwIfAborted();
    const outcomes = await this.#tools.session.commit(
      ready.map(({ change, staged }) => operationOf(change, staged)),
    );
    const touchUps: Operation[] = [];
    ready.forEach(({ change, bytes }, index) => {
      if (change.op === "move") {
        if (outcomes[index] !== null) return this.#instead.push(...change.instead);
        touchUps.push(...insideOperations(change));
      }
      if (!this.#trouble(change, outcomes[index])) this.#tools.ledger.done(change, bytes);
    });
    await this.#folders(touchUps);
  }

  /** Modes and times of folders: part of other changes, so only their failures are reported. */
  async #folders(operations: readonly Operation[]): Promise<void> {
    for (let at = 0; at < operations.length; at += 2000) {
      const part = operations.slice(at, at + 2000);
      const outcomes = await this.#tools.session.commit(part);
      part.forEach(({ path }, index) => {
        const outcome = outcomes[index];
        if (outcome !== null) this.#tools.ledger.problem({ path, ...outcome });
      });
    }
  }

  /** Reports the outcome of a change that did not come about; false for one that did. */
  #trouble(change: Change, outcome: Outcome): boolean {
    if (outcome === null) return false;
    this.#left.add(change.path);
    this.#tools.ledger.problem({ path: change.path, code: outcome.code, message: outcome.message });
    return true;
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
