import type { Job, JobIterator } from "./job.ts";

type Step = IteratorResult<Job>;

/** Jobs that can be counted before they are taken, as far as they are known. */
export class Ahead {
  readonly #jobs: JobIterator;
  readonly #seen: Job[] = [];
  /** What comes behind those that were seen, where that is no job, or nobody knows yet. */
  #then: Promise<Step> | undefined;

  constructor(jobs: JobIterator) {
    this.#jobs = jobs;
  }

  /** Whether `count` jobs are there by the time that the next one is; nothing behind that is waited for. */
  async has(count: number): Promise<boolean> {
    this.#look(count);
    if (this.#seen.length === 0 && this.#then !== undefined) {
      const step = await this.#then;
      if (step.done) return false;
      this.#seen.push(step.value);
      this.#then = undefined;
      this.#look(count);
    }
    return this.#seen.length >= count;
  }

  #look(count: number): void {
    while (this.#seen.length < count && this.#then === undefined) {
      const asked = this.#ask();
      if (asked instanceof Promise) this.#then = asked;
      else if (asked.done) this.#then = Promise.resolve(asked);
      else this.#seen.push(asked.value);
    }
  }

  next(): Step | Promise<Step> {
    const value = this.#seen.shift();
    if (value !== undefined) return { done: false, value };
    const then = this.#then;
    this.#then = undefined;
    return then ?? this.#jobs.next();
  }

  return(): unknown {
    return this.#jobs.return?.();
  }

  #ask(): Step | Promise<Step> {
    try {
      const asked = this.#jobs.next();
      // It is told of when it is its turn.
      if (asked instanceof Promise) asked.catch(() => {});
      return asked;
    } catch (error) {
      const failed = Promise.reject(error);
      failed.catch(() => {});
      return failed;
    }
  }
}
