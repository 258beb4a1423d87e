import type { Job } from "../jobs/job.ts";
import type { Stream } from "../jobs/stream.ts";
import type { Mirror } from "./mirror.ts";

/** The jobs of mirrors, one mirror after the other. */
export class FoundJobs implements Stream<Job> {
  readonly #folders: AsyncGenerator<Iterator<Job>>;
  #here: Iterator<Job> | null = null;

  constructor(mirrors: readonly Mirror[]) {
    this.#folders = foldersOf(mirrors);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): IteratorResult<Job> | Promise<IteratorResult<Job>> {
    const step = this.#here?.next();
    return step === undefined || step.done ? this.#next() : step;
  }

  async return(): Promise<void> {
    this.#here = null;
    await this.#folders.return(undefined);
  }

  async #next(): Promise<IteratorResult<Job>> {
    for (;;) {
      const folder = await this.#folders.next();
      if (folder.done) return { done: true, value: undefined };
      this.#here = folder.value;
      const step = this.#here.next();
      if (!step.done) return step;
    }
  }
}

async function* foldersOf(mirrors: readonly Mirror[]): AsyncGenerator<Iterator<Job>> {
  for (const mirror of mirrors) yield* mirror.folders();
}
