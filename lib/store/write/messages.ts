/**
 * What passes between a run and the thread that writes for it. Lists of small things travel as one string and one
 * array of numbers, which costs a tenth of as many objects.
 */
import type { PackedError } from "../../core/packed_error.ts";
import type { Problem } from "../../core/entry.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { Safety } from "./care.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { ContentMeta } from "../../wire/stream.ts";
import type { FileVersion } from "./partials.ts";
import type { ContentEnd, ContentPlace } from "./staged_files.ts";
import type { EndOptions } from "../store.ts";

/** What the thread is asked for; `id` stands in the answer. */
export type WriterCall =
  | { call: "stage"; id: number; frames: PackedFrames }
  | { call: "commit"; id: number; operations: PackedOperations }
  /** Where a large file is to be received; it does not pass through the thread. */
  | { call: "begin"; id: number; index: number; meta: ContentMeta; path: string | undefined }
  | { call: "end"; id: number; index: number; end: ContentEnd }
  | { call: "resumable"; id: number; version: FileVersion }
  | { call: "finish"; id: number }
  | { call: "close"; id: number; options: EndOptions };

/** What the thread is started with: the real path of the folder, and how it is written to. */
export interface WriterStart {
  root: string;
  safety: Safety;
}

/** What the thread answers. */
export type WriterAnswer =
  | { kind: "outcomes"; id: number; outcomes: PackedOutcomes; buffers: ArrayBuffer[] }
  | { kind: "place"; id: number; place: ContentPlace }
  | { kind: "size"; id: number; size: number }
  | { kind: "closed"; id: number; problems: Problem[] }
  | { kind: "failed"; id: number; error: PackedError };

/** Small files: five numbers each, and the memory that their contents lie in. */
export interface PackedFrames {
  /** index, mtime, mode, the length of the content, where it starts. */
  numbers: Float64Array<ArrayBuffer>;
  /** Which of `buffers` each content is in. */
  places: Uint16Array<ArrayBuffer>;
  buffers: ArrayBuffer[];
  /** Joined by NUL, which is in no path. */
  paths: string | null;
}

const FRAME_NUMBERS = 5;

/** Frames on their way to the thread; `paths` are what they will be called, one each. */
export function packFrames(frames: readonly FileFrame[], paths?: readonly string[]): PackedFrames {
  const numbers = new Float64Array(frames.length * FRAME_NUMBERS);
  const places = new Uint16Array(frames.length);
  const buffers: ArrayBuffer[] = [];
  frames.forEach(({ index, mtime, mode, content }, at) => {
    const buffer = content.buffer as ArrayBuffer;
    let place = buffers.at(-1) === buffer ? buffers.length - 1 : buffers.indexOf(buffer);
    if (place === -1) place = buffers.push(buffer) - 1;
    places[at] = place;
    numbers.set([index, mtime, mode, content.length, content.byteOffset], at * FRAME_NUMBERS);
  });
  return { numbers, places, buffers, paths: paths?.join("\0") ?? null };
}

/** What `packFrames` was given. */
export function unpackFrames(packed: PackedFrames): { frames: FileFrame[]; paths?: string[] } {
  const { numbers, places, buffers, paths } = packed;
  const frames = Array.from(places, (place, at): FileFrame => {
    const [index, mtime, mode, length, start] = numbers.subarray(at * FRAME_NUMBERS);
    return { kind: "file", index, mtime, mode, content: new Uint8Array(buffers[place], start, length) };
  });
  return { frames, paths: paths === null || frames.length === 0 ? undefined : paths.split("\0") };
}

/** Operations: new files, by far the most of them, in the short form; the others with their places in the list. */
export interface PackedOperations {
  /** stage, mode, mtime. */
  numbers: Float64Array<ArrayBuffer>;
  paths: string;
  others: [at: number, operation: Operation][];
}

const FILE_NUMBERS = 3;

/** Operations on their way to the thread. */
export function packOperations(operations: readonly Operation[]): PackedOperations {
  const numbers: number[] = [];
  const paths: string[] = [];
  const others: PackedOperations["others"] = [];
  operations.forEach((operation, at) => {
    if (operation.op === "file" && operation.expect === null) {
      numbers.push(operation.stage, operation.mode, operation.mtime);
      paths.push(operation.path);
    } else others.push([at, operation]);
  });
  return { numbers: new Float64Array(numbers), paths: paths.join("\0"), others };
}

/** What `packOperations` was given. */
export function unpackOperations({ numbers, paths, others }: PackedOperations): Operation[] {
  const files = numbers.length / FILE_NUMBERS;
  const names = paths.split("\0");
  const operations: Operation[] = [];
  let other = 0;
  for (let file = 0; file < files || other < others.length;) {
    if (others[other]?.[0] === operations.length) operations.push(others[other++][1]);
    else {
      const [stage, mode, mtime] = numbers.subarray(file * FILE_NUMBERS);
      operations.push({ op: "file", path: names[file++], stage, mode, mtime, expect: null });
    }
  }
  return operations;
}

/** Outcomes: how many, and those that are not null. */
export interface PackedOutcomes {
  count: number;
  failed: [at: number, outcome: Outcome][];
}

/** Outcomes on their way back. */
export function packOutcomes(outcomes: readonly Outcome[]): PackedOutcomes {
  const failed: PackedOutcomes["failed"] = [];
  outcomes.forEach((outcome, at) => outcome !== null && failed.push([at, outcome]));
  return { count: outcomes.length, failed };
}

/** What `packOutcomes` was given. */
export function unpackOutcomes({ count, failed }: PackedOutcomes): Outcome[] {
  const outcomes = new Array<Outcome>(count).fill(null);
  for (const [at, outcome] of failed) outcomes[at] = outcome;
  return outcomes;
}
