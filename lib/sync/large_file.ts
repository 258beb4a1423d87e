/** Brings one large file into the destination's stage, from where an earlier attempt or an earlier run stopped. */
import { mayPass, TRIES, waitAfter } from "../client/fetch/again.ts";
import type { FileEntry } from "../core/entry.ts";
import type { Store, WriteSession } from "../store/store.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { Content, ContentMeta, NoContent } from "../wire/stream.ts";

/** A file that grew since the scan is still taken up to this much more; beyond it the sender is not believed. */
export const GROWTH_BYTES = 64 * 1024 * 1024;

/** What is copied: the file as it was listed, and the number of its stage. */
export interface LargeFile {
  path: string;
  entry: FileEntry;
  stage: number;
}

/** Between what it is copied. */
export interface CopyEnds {
  source: Store;
  session: WriteSession;
  signal?: AbortSignal;
  /** Wraps what is copied, to be told of its bytes as they pass. */
  watch(content: Content): Content;
}

/** How a copy went: what the file was as it was read, or why it is not in the stage. */
export type Copied = { kind: "copied"; meta: ContentMeta } | NoContent;

/**
 * Stages a file. Goes on where it was when a connection breaks, as long as that gets it further; begins anew when what
 * was there turns out not to fit. Throws what stops the run.
 */
export async function copyLarge(file: LargeFile, ends: CopyEnds): Promise<Copied> {
  const { path, entry: { size, mtime } } = file;
  let furthest = -1;
  let attempt = 0;
  for (let fits = true;;) {
    const offset = fits ? await ends.session.resumable({ path, size, mtime }) : 0;
    try {
      const copied = await copyFrom(offset, file, ends);
      if (copied.kind === "copied" || offset === 0) return copied;
      fits = false;
    } catch (error) {
      if (offset > furthest) attempt = 0;
      if (attempt === TRIES || ends.signal?.aborted || !mayPass(error)) throw error;
      await waitAfter(error, ++attempt, ends.signal);
      furthest = Math.max(furthest, offset);
      fits = true;
    }
  }
}

async function copyFrom(offset: number, { path, entry, stage }: LargeFile, ends: CopyEnds): Promise<Copied> {
  const { size, mtime } = entry;
  const opened = await ends.source.open(path, offset === 0 ? undefined : { offset, size, mtime });
  if (opened.kind === "problem") return opened;
  using content = opened;
  if (content.meta.size > 2 * size + GROWTH_BYTES) {
    const message = `${content.meta.size} bytes came where ${size} were announced`;
    return { kind: "problem", code: "bad_content", message };
  }
  const outcome: Outcome = await ends.session.stageContent(stage, ends.watch(content), path);
  return outcome === null ? { kind: "copied", meta: content.meta } : { kind: "problem", ...outcome };
}
