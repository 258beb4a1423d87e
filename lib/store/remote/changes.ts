/** What changed in a folder on a server after a version, piece by piece. */
import { FerryError } from "../../core/errors.ts";
import { type Change, type Changes, ChangesReader, MAX_CHANGE_LINE } from "../../wire/changes.ts";
import { LineSplitter } from "../../wire/tree.ts";
import type { KnownVersion } from "../run_memory.ts";
import type { ServerCalls } from "./calls.ts";
import type { ChangesSince } from "../store.ts";

/** Changes that are followed, at most: from so many on, the whole tree takes less. */
const MAX_FOLLOWED = 100_000;

/** Does a call, again where that may help. */
export type Repeat = <T>(call: () => Promise<T>) => Promise<T>;

/** All of it; null for another epoch, a version too long ago, where there is no index, and for too much. */
export async function fetchChanges(
  calls: ServerCalls,
  { epoch, seq }: KnownVersion,
  repeat: Repeat,
): Promise<ChangesSince | null> {
  const list: Change[] = [];
  try {
    for (let since = seq; list.length < MAX_FOLLOWED;) {
      const part = await repeat(() => fetchPiece(calls, { epoch, since }));
      for (const change of part.list) list.push(change);
      if (part.head !== null) return part.head.epoch === epoch ? { head: part.head, list } : null;
      since = part.seq;
    }
    return null;
  } catch (error) {
    if (error instanceof FerryError && (error.code === "gone" || error.code === "not_found")) return null;
    throw error;
  }
}

async function fetchPiece(calls: ServerCalls, from: { epoch: string; since: number }): Promise<Changes> {
  const response = await calls.send(`changes?epoch=${from.epoch}&since=${from.since}`);
  const reader = new ChangesReader(from.since);
  const lines = new LineSplitter(MAX_CHANGE_LINE);
  try {
    for await (const chunk of calls.received(response)) {
      for (const line of lines.push(chunk)) reader.line(line);
    }
    return reader.finish();
  } catch (error) {
    throw calls.bodyError(error);
  }
}
