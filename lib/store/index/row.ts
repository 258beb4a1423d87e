/**
 * What the index keeps of one folder: its files and links as they stand in a tree, and beside each what tells
 * whether it is still the same. Pure.
 */
import type { Entry } from "../../core/entry.ts";
import { nameProblem } from "../../core/paths.ts";
import { FerryError } from "../../core/errors.ts";
import { isTime } from "../../wire/fields.ts";
import { decodeEntry, encodeEntry } from "../../wire/tree.ts";
import { byName, entryText, TextDigest } from "../../wire/tree_digest.ts";

/** An entry that is no folder, as `lstat` found it; zeros for what `lstat` could not look at. */
export interface Found {
  name: string;
  entry: Entry;
  /** The time of the last change of the inode, in ms; some systems tell it to the second only. */
  ctime: number;
  ino: number;
}

/** An entry of the index. */
export interface Known extends Found {
  /** When it became what it is, in the index's own count. */
  seq: number;
  /** SHA-256 of the content, lower-case hex, while size, mtime, ctime and inode are those of when it was read. */
  sha256: string | null;
}

/** Two columns of a folder's row, as JSON, in the order of names. */
export interface RowText {
  /** Entries as in a tree: a list of short lists. */
  entries: string;
  /** Four values an entry: seq, ctime, inode, SHA-256 or 0. */
  stats: string;
}

/** A folder after a look at it, beside what the index knew. */
export interface Merged {
  known: Known[];
  /** Names that are not there any more. */
  gone: string[];
  /** Whether anything that a tree shows differs. */
  changed: boolean;
  /** Whether only what stands beside the entries differs. */
  restated: boolean;
}

/** Lays what was found, whose entries it takes over, over what was known. `next` gives the number for an entry that is new or differs. */
export function mergeFound(known: readonly Known[], found: readonly Found[], next: () => number): Merged {
  const old = new Map(known.map((entry) => [entry.name, entry]));
  let changed = false;
  let restated = false;
  const merged = found.map((now): Known => {
    const was = old.get(now.name);
    old.delete(now.name);
    if (was === undefined || !sameEntry(was.entry, now.entry)) {
      changed = true;
      return learned(now, next());
    }
    if (was.ctime === now.ctime && was.ino === now.ino) return was;
    restated = true;
    return learned(now, was.seq);
  });
  merged.sort((a, b) => byName(a.name, b.name));
  return { known: merged, gone: [...old.keys()], changed: changed || old.size > 0, restated };
}

function learned(found: Found, seq: number): Known {
  return Object.assign(found, { seq, sha256: null });
}

/** The same where only the names that were `told` can have changed; `found` is what is there under these. */
export function mergeTold(
  known: readonly Known[],
  { told, found }: { told: ReadonlySet<string>; found: readonly Found[] },
  next: () => number,
): Merged {
  const merged = mergeFound(known.filter(({ name }) => told.has(name)), found, next);
  const all: Known[] = [];
  let at = 0;
  for (const one of known) {
    if (told.has(one.name)) continue;
    while (at < merged.known.length && byName(merged.known[at].name, one.name) < 0) {
      all.push(merged.known[at++]);
    }
    all.push(one);
  }
  while (at < merged.known.length) all.push(merged.known[at++]);
  return { ...merged, known: all };
}

function sameEntry(a: Entry, b: Entry): boolean {
  switch (a.kind) {
    case "file":
      return b.kind === "file" && a.size === b.size && a.mtime === b.mtime && a.mode === b.mode;
    case "symlink":
      return b.kind === "symlink" && a.target === b.target && a.mtime === b.mtime;
    case "problem":
      return b.kind === "problem" && a.code === b.code && a.message === b.message;
    default:
      return false;
  }
}

/** What a folder holds as the columns of its row. */
export function writeRow(known: readonly Known[]): RowText {
  return {
    entries: writeList(known, (some) => some.map(({ name, entry }) => encodeEntry(name, entry))),
    stats: writeList(
      known,
      (some) => some.flatMap(({ seq, ctime, ino, sha256 }) => [seq, ctime, ino, sha256 ?? 0]),
    ),
  };
}

/** One list of what `values` gives for some at a time: a folder may hold hundreds of thousands. */
function writeList(known: readonly Known[], values: (some: readonly Known[]) => unknown[]): string {
  const pieces: string[] = [];
  for (let at = 0; at < known.length; at += PIECE) {
    pieces.push(JSON.stringify(values(known.slice(at, at + PIECE))).slice(1, -1));
  }
  return `[${pieces.join(",")}]`;
}

const PIECE = 1000;

/** The entries of a row, each checked. Throws `protocol` for one that this module did not write. */
export function readRow({ entries, stats }: RowText): Known[] {
  const list = parseList(entries);
  const beside = parseList(stats);
  if (beside.length !== 4 * list.length) throw damaged();
  let last = "";
  return list.map((item, at) => {
    if (!Array.isArray(item) || typeof item[0] !== "string") throw damaged();
    const name = item[0];
    const entry = decodeEntry(item);
    const [seq, ctime, ino, sha256] = beside.slice(4 * at, 4 * at + 4);
    // A name that cannot travel is known, as a problem; it must not be anything else.
    if (entry.kind === "dir" || (nameProblem(name) !== null && entry.kind !== "problem")) throw damaged();
    if ((at > 0 && byName(last, name) >= 0) || !isCount(seq) || !isTime(ctime) || !isCount(ino)) {
      throw damaged();
    }
    if (sha256 !== 0 && (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256))) throw damaged();
    last = name;
    return { name, entry, seq, ctime, ino, sha256: sha256 === 0 ? null : sha256 as string };
  });
}

function parseList(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged();
  }
  if (!Array.isArray(value)) throw damaged();
  return value;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function damaged(): FerryError {
  return new FerryError("protocol", "the index is damaged");
}

/** What a folder holds beside folders: the digest of it, null when there is a problem; the files; all entries. */
export interface Summary {
  own: string | null;
  files: number;
  count: number;
}

/** What a folder holds, in sum. */
export function summarize(known: readonly Known[]): Summary {
  const text = new TextDigest();
  let whole = true;
  let files = 0;
  for (const { name, entry } of known) {
    if (entry.kind === "file") files++;
    const part = entryText(name, entry);
    if (part === null) whole = false;
    else text.add(part);
  }
  return { own: whole ? text.digest() : null, files, count: known.length };
}

/** A time of `lstat` in ms since 1970; 0 for one that it did not tell. */
export function timeOf(date: Date | null | undefined): number {
  return date?.getTime() ?? 0;
}
