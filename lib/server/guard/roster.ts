/** All workers that answer, of old settings and of new ones, and what is counted for all of them together. */
import { type SharedMeters, sharedMeters } from "../limits/clients.ts";
import type { Limits } from "../limits/limits.ts";
import { type GuardedServer, type GuardedWorker, type Guarding, startGuard } from "./start.ts";

export class Roster {
  readonly #workers = new Set<GuardedWorker>();
  #guarding: Guarding | null = null;
  meters: SharedMeters;

  constructor(limits: Limits) {
    this.meters = sharedMeters(limits);
  }

  /** Begins to guard their connections; false where that is not possible. */
  guard(limits: Limits, server: Omit<GuardedServer, "workers">): boolean {
    this.#guarding = startGuard(limits, { ...server, workers: () => [...this.#workers] });
    return this.#guarding !== null;
  }

  /**
   * Goes by other limits from now on, or by former ones with their `meters`; to be called before workers are started
   * that do.
   */
  change(limits: Limits, meters: SharedMeters = sharedMeters(limits, this.meters)): void {
    this.meters = meters;
    this.#guarding?.change(limits);
  }

  /** Counts `worker` among them until it has `ended`. */
  add(worker: GuardedWorker, ended: Promise<void>): void {
    this.#workers.add(worker);
    worker.admit(this.#guarding?.admission ?? null);
    ended.then(() => this.#workers.delete(worker));
  }

  /** Ends a connection on which all has been said. */
  readonly hangUp = (key: string): void => this.#guarding?.finish(key);

  /** How many connections there were a moment ago; null where nobody counts them. */
  get connections(): number | null {
    return this.#guarding?.connections ?? null;
  }

  stop(): void {
    this.#guarding?.stop();
  }
}
