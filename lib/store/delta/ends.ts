/**
 * The two ends of a delta, as the sync engine couples them. What passes between them are the bodies that
 * docs/protocol.md describes, so that each end may be here or on a server.
 */
import type { Outcome } from "../../wire/outcome.ts";

/** The end that has the new version. */
export interface DeltaSource {
  /** The chunks of the file. */
  chunks(path: string): Promise<ReadableStream<Uint8Array>>;
  /** What a receiver's `request` asks for of the file. Throws when it is no longer the same. */
  delta(path: string, request: Uint8Array<ArrayBuffer>): Promise<ReadableStream<Uint8Array>>;
}

/** The end that has other versions: the file that is being replaced, or some that may resemble the new one. */
export interface DeltaTarget {
  /**
   * Looks for chunks in old files and gives what to ask the source for; null when the whole file has to come. What is
   * found is kept under `index` until `assemble`.
   */
  match(index: number, wanted: WantedChunks): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Puts the file together with the source's answer and stages it under `index`, verified. */
  assemble(
    index: number,
    delta: { answer: ReadableStream<Uint8Array>; signal?: AbortSignal },
  ): Promise<Outcome>;
}

/** What to look for, and where. */
export interface WantedChunks {
  /** What the file will be called: something of it may be here already, from a run that broke off. */
  path: string;
  chunks: ReadableStream<Uint8Array>;
  /** Paths of old files. */
  bases: readonly string[];
  /** With no chunk in common, do not look further: these are other files. */
  guess: boolean;
  signal?: AbortSignal;
}
