import type { BatchResult, FileBatch, FileWriter } from "../../client/lane/file_batch.ts";
import { type PackedError, unpackError } from "../../core/packed_error.ts";

export interface DownloadCall {
  id: number;
  batch: FileBatch;
}

export type DownloadAnswer = { id: number; result: BatchResult } | { id: number; error: PackedError };

/** Small downloads written by a thread of their own, so that fetching and writing go on at the same time. */
export class DownloadThread implements FileWriter {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<BatchResult>>();
  #next = 0;
  #failure: Error | undefined;
  #idle: (() => void) | undefined;

  constructor() {
    this.#worker = new Worker(new URL("./download_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<DownloadAnswer>) => {
      const waiting = this.#waiting.get(data.id)!;
      this.#waiting.delete(data.id);
      if ("result" in data) waiting.resolve(data.result);
      else waiting.reject(unpackError(data.error));
      if (this.#waiting.size === 0) this.#idle?.();
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failure = new Error(`the thread that writes has failed: ${event.message}`);
      for (const { reject } of this.#waiting.values()) reject(this.#failure);
      this.#waiting.clear();
      this.#idle?.();
    };
  }

  write(batch: FileBatch): Promise<BatchResult> {
    const waiting = Promise.withResolvers<BatchResult>();
    if (this.#failure !== undefined) waiting.reject(this.#failure);
    else {
      const id = this.#next++;
      this.#waiting.set(id, waiting);
      this.#worker.postMessage({ id, batch } satisfies DownloadCall, [batch.buffer]);
    }
    return waiting.promise;
  }

  async close(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#idle = resolve);
    this.#worker.terminate();
  }
}
