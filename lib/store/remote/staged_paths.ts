/** What a server has been told of the files that it staged, so that a commit need not say it again. */
import type { FilesOperation, Operation } from "../../wire/operation.ts";
import type { FileFrame } from "../../wire/pack.ts";

interface Told {
  path: string;
  mode: number;
  mtime: number;
}

export class StagedPaths {
  readonly #told = new Map<number, Told>();

  /** The files were sent with the paths that they are for. */
  staged(frames: readonly FileFrame[], paths: readonly string[]): void {
    frames.forEach(({ index, mode, mtime }, at) => this.#told.set(index, { path: paths[at], mode, mtime }));
  }

  /** Something else is staged under this number. */
  forget(index: number): void {
    this.#told.delete(index);
  }

  /** `operations`, with one for all new files in a row that are placed as they were sent; nobody asks for them again. */
  shorten(operations: readonly Operation[]): (Operation | FilesOperation)[] {
    const short: (Operation | FilesOperation)[] = [];
    for (const operation of operations) {
      const last = short.at(-1);
      if (!this.#isTold(operation)) short.push(operation);
      else if (last?.op === "files" && last.stage + last.count === operation.stage) last.count++;
      else short.push({ op: "files", stage: operation.stage, count: 1 });
    }
    return short;
  }

  #isTold(operation: Operation): operation is Extract<Operation, { op: "file" }> {
    if (operation.op !== "file" || operation.expect !== null) return false;
    const told = this.#told.get(operation.stage);
    this.#told.delete(operation.stage);
    return told?.path === operation.path && told.mode === operation.mode && told.mtime === operation.mtime;
  }
}
