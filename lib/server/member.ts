/** A worker from outside: it is started, told and asked by messages (worker_messages.ts), and ended. */
import { FerryError } from "../core/errors.ts";
import { unpackError } from "../core/packed_error.ts";
import type { Admission } from "./guard/guard.ts";
import type { GuardedWorker } from "./guard/start.ts";
import type { WorkerOrder, WorkerReport } from "./worker_messages.ts";

/** After a worker should have stopped, it gets so long to say that it has. */
const LAST_WORD_MS = 2000;

/** One worker, as its supervisor sees it. */
export class Member implements GuardedWorker {
  url = "";
  port: number | null = null;
  /** Resolves with the reason when it ends without having been told to. */
  readonly died: Promise<string>;
  /** Resolves when it ends in whichever way. */
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #listening: Promise<void>;
  /** Told that it has ended. */
  readonly #end: () => void;
  /** Told the answer to the question that was asked last, 0 when there will be none. */
  #answer: (count: number) => void = () => {};
  #busy: (keys: string[]) => void = () => {};

  constructor(
    entry: URL,
    { name, permissions, log, metrics, hangUp }: {
      name: string;
      hangUp: (key: string) => void;
      permissions: Deno.PermissionOptions;
      log: (text: string) => void;
      metrics: () => string;
    },
  ) {
    const worker = this.#worker = new Worker(entry, { type: "module", name, deno: { permissions } });
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const died = Promise.withResolvers<string>();
    worker.addEventListener("message", ({ data }: MessageEvent<WorkerReport>) => {
      switch (data.kind) {
        case "listening":
          this.url = data.url;
          this.port = data.port;
          return listening.resolve();
        case "failed":
          return listening.reject(unpackError(data.error));
        case "log":
          return log(data.text);
        case "count":
          return this.#answer(data.pushes);
        case "hang up":
          return hangUp(data.key);
        case "busy":
          return this.#busy(data.keys);
        case "scrape":
          return this.tell({ kind: "metrics", id: data.id, page: metrics() });
        case "retired":
          return this.#answer(0);
        case "stopped":
          return this.#end();
      }
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const why = event.message === "" ? "it ran out of memory or was ended" : event.message;
      listening.reject(new FerryError("internal", why));
      this.#end();
      died.resolve(why);
    });
    this.#listening = listening.promise;
    this.#listening.catch(() => {});
    this.ended = ended.promise;
    this.#end = () => {
      ended.resolve();
      this.#answer(0);
      this.#busy([]);
    };
    this.died = died.promise;
  }

  async start(order: WorkerOrder): Promise<void> {
    this.#worker.postMessage(order);
    try {
      await this.#listening;
    } catch (error) {
      this.#worker.terminate();
      this.#end();
      throw error;
    }
  }

  /** Gives an order that is not answered. */
  tell(order: WorkerOrder): void {
    this.#worker.postMessage(order);
  }

  /** Gives an order that is answered; one at a time. */
  ask(order: Extract<WorkerOrder, { kind: "count" | "retire" }>): Promise<number> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.tell(order);
    });
  }

  /** The connections on which requests are under way; none when it has ended. */
  busy(): Promise<string[]> {
    return new Promise((resolve) => {
      this.#busy = resolve;
      this.tell({ kind: "busy" });
    });
  }

  /** Tells whom to let in. */
  admit(admission: Admission | null): void {
    this.tell({ kind: "admit", admission });
  }

  /** Stops it; once more, with less patience, is an order too. */
  async stop(graceMs: number): Promise<void> {
    this.tell({ kind: "stop", graceMs });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs + LAST_WORD_MS));
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
    this.#worker.terminate();
    this.#end();
  }
}
