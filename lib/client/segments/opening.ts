/** The first answer of a download in segments: who gives it, and what an earlier run left that is still good. */
import { FerryError, quote } from "../../core/errors.ts";
import { isRetryStatus } from "../retry.ts";
import { StatusError } from "../status_error.ts";
import type { Opened } from "./fleet.ts";
import { FIRST_BYTES } from "./plan.ts";
import type { Earlier } from "./segment_file.ts";
import type { Seen, Source } from "./source.ts";
import { gaps, type Span } from "./spans.ts";

/** What the first answer led to. */
export interface Start {
  source: Source;
  seen: Seen;
  opened: Opened;
  /** What is there of an earlier run. */
  have: readonly Span[];
}

export interface OpeningOptions {
  /** What an earlier run left of `url`, where that may be gone on with. */
  earlier(url: URL): Earlier | null;
  /** Whether a status of 400 or more is an error. */
  fail: boolean;
  signal: AbortSignal;
  onNotice(text: string): void;
  /** `source` is asked now. */
  onAsking(source: Source): void;
}

/**
 * Asks `sources` in turn until one answers with a range. Null when it must be fetched in one stream. Throws what the first
 * one did when none of them answers.
 */
export async function open(sources: readonly Source[], options: OpeningOptions): Promise<Start | null> {
  const { signal, fail, onNotice, onAsking } = options;
  const whys: string[] = [];
  const errors = new Map<Source, unknown>();
  for (const source of sources) {
    onAsking(source);
    try {
      const start = await openOne(source, options);
      if ("opened" in start) {
        for (const [failed, error] of errors) {
          failed.dropped = error;
          onNotice(`${failed.label} is left out: ${(error as Error).message}`);
        }
        return start;
      }
      if (start.why !== null) whys.push(start.why);
    } catch (error) {
      if (signal.aborted || !(error instanceof FerryError)) throw error;
      errors.set(source, error);
    }
  }
  const [first] = sources;
  const error = errors.get(first);
  // The one stream shows what the server says about it.
  const final = error instanceof StatusError && (!fail || !isRetryStatus(error.status));
  if (error !== undefined && !final) throw error;
  if (whys.length > 0) onNotice(`${quote(first.url.href)}: ${whys[0]}: fetching it in one stream`);
  return null;
}

async function openOne(source: Source, options: OpeningOptions): Promise<Start | { why: string | null }> {
  const { signal, onNotice } = options;
  const earlier = options.earlier(source.url);
  if (earlier !== null) {
    const { size, have } = earlier;
    // The last byte once more when none is missing: its answer proves that all is as it was.
    const [gap = { start: size - 1, end: size }] = gaps(have, size);
    const opening = await source.open(firstOf(gap), earlier, signal);
    if (opening.kind === "ranges") return { source, seen: opening.seen, opened: opening, have };
    if (opening.kind === "changed") {
      onNotice(`${quote(source.url.href)}: it was changed since the last run; starting over`);
    }
  }
  const opening = await source.open({ start: 0, end: FIRST_BYTES }, undefined, signal);
  if (opening.kind === "changed") return { why: null };
  if (opening.kind === "whole") return { why: opening.why };
  return { source, seen: opening.seen, opened: opening, have: [] };
}

function firstOf({ start, end }: Span): Span {
  return { start, end: Math.min(end, start + FIRST_BYTES) };
}
