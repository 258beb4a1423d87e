/**
 * A first copy written by a thread of its own, so that fetching and writing go on at the same time. Contents of
 * small files are handed over, not copied; large ones are received here.
 */
import type { Problem } from "../../core/entry.ts";
import { unpackError } from "../../core/packed_error.ts";
import { FerryError, isDiskFull } from "../../core/errors.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content } from "../../wire/stream.ts";
import { type BufferPool, PACK_BUFFERS } from "../buffers.ts";
import type { FileVersion } from "./partials.ts";
import { receive } from "./receive.ts";
import type { EndOptions, WriteSession } from "../store.ts";
import type { ContentEnd } from "./staged_files.ts";
import {
  packFrames,
  packOperations,
  unpackOutcomes,
  type WriterAnswer,
  type WriterCall,
  type WriterStart,
} from "./messages.ts";

interface Waiting {
  resolve(answer: WriterAnswer): void;
  reject(error: unknown): void;
}

/** The memory of the contents given to `stage` is gone afterwards. */
export class WriterThread implements WriteSession {
  readonly #worker: Worker;
  readonly #buffers: BufferPool;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #failure: Error | undefined;

  /** `root` is a real path to an empty folder. */
  constructor({ root, safety }: WriterStart, buffers: BufferPool = PACK_BUFFERS) {
    const name = JSON.stringify({ root, safety } satisfies WriterStart);
    this.#buffers = buffers;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });
    this.#worker.onmessage = ({ data }: MessageEvent<WriterAnswer>) => this.#answered(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`the thread that writes has failed: ${event.message}`));
    };
  }

  async stage(frames: readonly FileFrame[], paths?: readonly string[]): Promise<Outcome[]> {
    const packed = packFrames(frames, paths);
    return outcomesOf(await this.#call((id) => ({ call: "stage", id, frames: packed }), packed.buffers));
  }

  async stageContent(index: number, content: Content, path?: string): Promise<Outcome> {
    const { meta } = content;
    const answer = await this.#call((id) => ({ call: "begin", id, index, meta, path }));
    if (answer.kind !== "place") throw new TypeError("not an answer to this");
    const { staged, keep } = answer.place;
    const finish = (end: ContentEnd["end"]) =>
      this.#call((id) => ({ call: "end", id, index, end: { staged, meta, end } }));
    try {
      const outcome = await receive(content, staged, keep);
      await finish(outcome === null ? "whole" : "refused");
      return outcome;
    } catch (error) {
      await finish(isDiskFull(error) ? "full" : "broken").catch(() => {});
      throw error;
    }
  }

  async resumable(version: FileVersion): Promise<number> {
    const answer = await this.#call((id) => ({ call: "resumable", id, version }));
    return answer.kind === "size" ? answer.size : 0;
  }

  async commit(operations: readonly Operation[]): Promise<Outcome[]> {
    const packed = packOperations(operations);
    return outcomesOf(await this.#call((id) => ({ call: "commit", id, operations: packed })));
  }

  async finish(): Promise<void> {
    await this.#call((id) => ({ call: "finish", id }));
  }

  async close(options: EndOptions = {}): Promise<Problem[]> {
    try {
      const answer = await this.#call((id) => ({ call: "close", id, options }));
      return answer.kind === "closed" ? answer.problems : [];
    } finally {
      this.#worker.terminate();
      this.#fail(new FerryError("gone", "the writing was ended"));
    }
  }

  #call(make: (id: number) => WriterCall, transfer: Transferable[] = []): Promise<WriterAnswer> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.set(id, { resolve, reject });
      this.#post(make(id), transfer);
    });
  }

  #post(call: WriterCall, transfer: Transferable[] = []): void {
    this.#worker.postMessage(call, transfer);
  }

  #answered(answer: WriterAnswer): void {
    const { id } = answer;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (answer.kind === "failed") return waiting?.reject(unpackError(answer.error));
    if (answer.kind === "outcomes") { for (const buffer of answer.buffers) this.#buffers.give(buffer); }
    waiting?.resolve(answer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

function outcomesOf(answer: WriterAnswer): Outcome[] {
  return answer.kind === "outcomes" ? unpackOutcomes(answer.outcomes) : [];
}
