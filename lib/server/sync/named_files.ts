/** Files of a push that were staged with the paths they are for, so that a commit need not name each of them again. */
import { FerryError } from "../../core/errors.ts";
import type { FilesOperation, Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";

/** Files that wait for their commit at a time: one that lists its tree keeps the names of all of it. */
const MAX_NAMED = 2 ** 20;

type Named = Extract<Operation, { op: "file" }>;

export class NamedFiles {
  readonly #files = new Map<number, Named>();

  /** Takes note of files that were staged; those that were not have an outcome. */
  staged(frames: readonly FileFrame[], paths: readonly string[], outcomes: readonly Outcome[]): void {
    frames.forEach(({ index, mode, mtime }, at) => {
      this.#files.delete(index);
      if (outcomes[at] !== null) return;
      this.#files.set(index, { op: "file", path: paths[at], stage: index, mode, mtime, expect: null });
    });
  }

  /** Throws `too_many` when `count` more would be more than are kept. */
  makeRoom(count: number): void {
    if (this.#files.size + count <= MAX_NAMED) return;
    throw new FerryError("too_many", `${MAX_NAMED} files are staged and wait for their commit`);
  }

  /** Something else is staged under this number. */
  forget(index: number): void {
    this.#files.delete(index);
  }

  /** `operations` with an operation for each file. Throws `bad_request` for a file that was not staged with its path. */
  expand(operations: readonly (Operation | FilesOperation)[]): Operation[] {
    return operations.flatMap((operation) => operation.op === "files" ? this.#range(operation) : operation);
  }

  #range({ stage, count }: FilesOperation): Operation[] {
    return Array.from({ length: count }, (_, at) => {
      const file = this.#files.get(stage + at);
      if (file !== undefined) return file;
      throw new FerryError("bad_request", `file ${stage + at} was not staged with the path that it is for`);
    });
  }

  /** The files of these operations were placed, or never will be. */
  done(operations: readonly Operation[]): void {
    for (const operation of operations) if (operation.op === "file") this.#files.delete(operation.stage);
  }
}
