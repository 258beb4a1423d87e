/** Deltas of files of the local file system, to it and from it. */
import { FerryError } from "../../core/errors.ts";
import { parseRequest } from "../../wire/delta_request.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { ContentMeta } from "../../wire/stream.ts";
import type { DeltaSource, DeltaTarget, WantedChunks } from "./ends.ts";
import { assemble, type Assembly } from "./receive.ts";
import { sendChunks, sendDelta } from "./send.ts";
import { StrictPaths } from "../root.ts";
import type { WriteSession } from "../store.ts";

/** The files below `root`, a real path, as a source. */
export function localDeltaSource(root: string): DeltaSource {
  return {
    // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
    chunks: async (path) => sendChunks(new StrictPaths(root), path),
    // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
    delta: async (path, request) => sendDelta({ paths: new StrictPaths(root), path }, parseRequest(request)),
  };
}

/** Files that wait for their answer at a time. */
const MAX_WAITING = 16;

interface Waiting {
  assembly: Assembly;
  path: string;
}

/** A folder as a target. */
export class LocalDeltaTarget implements DeltaTarget, Disposable {
  readonly #root: string;
  readonly #writer: Pick<WriteSession, "resumable" | "stageContent">;
  readonly #waiting = new Map<number, Waiting>();
  /** Lists that are being read, each with what is found for it. */
  #matching = 0;
  #closed = false;

  /** `root` is a real path; `writer` writes there. */
  constructor(root: string, writer: Pick<WriteSession, "resumable" | "stageContent">) {
    this.#root = root;
    this.#writer = writer;
  }

  async match(index: number, wanted: WantedChunks): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#forget(index);
    if (this.#waiting.size + this.#matching >= MAX_WAITING) {
      throw new FerryError("too_many", "too many deltas at a time");
    }
    const { path } = wanted;
    const begun = ({ size, mtime }: ContentMeta) => this.#writer.resumable({ path, size, mtime });
    let assembly: Assembly | null;
    this.#matching++;
    try {
      assembly = await assemble(wanted, { paths: new StrictPaths(this.#root), begun });
    } finally {
      this.#matching--;
    }
    if (assembly === null) return null;
    this.#forget(index);
    if (this.#closed) {
      assembly[Symbol.dispose]();
      throw new FerryError("gone", "the writing was ended");
    }
    this.#waiting.set(index, { assembly, path });
    return assembly.request;
  }

  async assemble(
    index: number,
    { answer, signal }: { answer: ReadableStream<Uint8Array>; signal?: AbortSignal },
  ): Promise<Outcome> {
    const waiting = this.#waiting.get(index);
    if (waiting === undefined) {
      await answer.cancel();
      throw new FerryError("conflict", "no chunks came before this delta");
    }
    this.#waiting.delete(index);
    using content = waiting.assembly.content(answer, signal);
    return await this.#writer.stageContent(index, content, waiting.path);
  }

  #forget(index: number): void {
    this.#waiting.get(index)?.assembly[Symbol.dispose]();
    this.#waiting.delete(index);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const index of [...this.#waiting.keys()]) this.#forget(index);
  }
}
