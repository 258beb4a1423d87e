/**
 * A tree as lines of JSON: a head `{"ferry":1}`, the folders (`{"dir":"a/b","entries":[...]}`, parents before
 * children; `"more":true` on all lines of a large folder but its last; `"rules"` on its first, the text of its filter
 * file, when the scan was asked for it), lines about folders that could not be read
 * (`{"dir":"a","problem":{...}}`), and last `{"end":COUNT}`, without which it is not whole. Entries are short lists,
 * since there are many:
 *
 * - `["name","f",size,mtime,mode]`, with a sixth item, the SHA-256, when the scan was asked for it
 * - `["name","d",mtime,mode]`
 * - `["name","l",mtime,"target"]`
 * - `["name","p","code","message"]`: something that cannot be replicated
 *
 * An empty line says that the sender is at work.
 */
import { assertNever, FerryError, quote } from "../core/errors.ts";
import { type Entry, MODE_MASK, type Problem, type Tree } from "../core/entry.ts";
import { childPath, nameProblem, pathProblem } from "../core/paths.ts";
import { MAX_FILTER_BYTES } from "../core/scan_filter.ts";
import {
  MAX_HEARTBEATS,
  MAX_TREE_ENTRIES,
  MAX_TREE_LINE_BYTES,
  MAX_TREE_LINE_VALUES,
  PROTOCOL,
} from "./limits.ts";
import { type Fields, isTime, parseObject } from "./fields.ts";
import { linkTarget } from "./operation.ts";
import { problemOfJson } from "./outcome.ts";
import { TreeBuilder, type TreeBuilderOptions } from "./tree_builder.ts";

export const TREE_TYPE = "application/x-ndjson";

/**
 * One folder of a tree: what is in it, with `more` a part of that, or why it could not be read. `rules` is the text
 * of the folder's filter file, with the first part.
 */
export type Listing =
  | { dir: string; rules?: string; entries: [name: string, entry: Entry][]; more?: true }
  | { dir: string; problem: { code: Problem["code"]; message: string } };

export type WireEntry = (string | number)[];

/** The first line. */
export function treeHead(): string {
  return JSON.stringify({ ferry: PROTOCOL }) + "\n";
}

/** The line of one folder. */
export function treeLine(listing: Listing): string {
  if ("problem" in listing) return JSON.stringify(listing) + "\n";
  const { dir, rules, more } = listing;
  const entries = listing.entries.map(([name, entry]) => encodeEntry(name, entry));
  return JSON.stringify({ dir, rules, more, entries }) + "\n";
}

/** The last line; `count` is the number of entries in all lines before. */
export function treeEnd(count: number): string {
  return JSON.stringify({ end: count }) + "\n";
}

/** An entry as the short list that stands for it in a line. */
export function encodeEntry(name: string, entry: Entry): WireEntry {
  switch (entry.kind) {
    case "file":
      return entry.sha256 === undefined
        ? [name, "f", entry.size, entry.mtime, entry.mode]
        : [name, "f", entry.size, entry.mtime, entry.mode, entry.sha256];
    case "dir":
      return [name, "d", entry.mtime, entry.mode];
    case "symlink":
      return [name, "l", entry.mtime, entry.target];
    case "problem":
      return [name, "p", entry.code, entry.message];
    default:
      return assertNever(entry);
  }
}

/** Puts a tree together from its lines and holds the sender to the rules. */
export class TreeReader {
  #state: "head" | "body" | "done" = "head";
  #entries = 0;
  #heartbeats = 0;
  /** The folder that is listed in parts just now, its first part behind it. */
  #inParts: string | null = null;
  readonly #builder: TreeBuilder;

  constructor(options: TreeBuilderOptions = {}) {
    this.#builder = new TreeBuilder(options);
  }

  /** What has come so far. */
  get tree(): Tree {
    return this.#builder.tree;
  }

  /** Takes one line without its newline. Throws `protocol` for what no honest sender would send. */
  line(line: string): void {
    if (this.#state === "done") throw malformed("a line after its end");
    if (line === "") {
      if (++this.#heartbeats > MAX_HEARTBEATS) throw malformed("nothing but empty lines");
      return;
    }
    this.#heartbeats = 0;
    const fields = parseObject(line, MAX_TREE_LINE_VALUES);
    if (this.#state === "head") {
      if (fields.ferry !== PROTOCOL) throw malformed("another version");
      this.#state = "body";
    } else if (fields.end !== undefined) {
      if (fields.end !== this.#entries) throw malformed("entries are missing");
      this.#state = "done";
    } else {
      this.#folder(fields);
    }
  }

  /** The whole tree. Throws `protocol` when its end, or a folder that it announced, did not come. */
  finish(): Tree {
    if (this.#state !== "done") throw malformed("it ends early");
    if (this.#builder.waiting > 0) throw malformed("a folder was announced and never listed");
    return this.#builder.tree;
  }

  #folder(fields: Fields): void {
    const dir = fields.dir;
    // Only a folder that an earlier line has named, and until its last line: no entry hides below a link or file.
    if (typeof dir !== "string" || !this.#builder.awaits(dir)) {
      throw malformed("a folder that was not announced");
    }
    const more = fields.more === true && fields.problem === undefined;
    if (fields.problem !== undefined) {
      this.#fail(dir, problemOfJson(fields.problem as Fields));
    } else {
      this.#listing(dir, fields, more);
    }
    if (!more) this.#builder.end(dir);
    this.#inParts = more ? dir : null;
  }

  #listing(dir: string, fields: Fields, more: boolean): void {
    if (!Array.isArray(fields.entries)) throw malformed("a folder without entries");
    // Else it could go on for ever within every other bound.
    if (more && fields.entries.length === 0) throw malformed("an empty piece of a folder");
    this.#entries += fields.entries.length;
    if (this.#entries > MAX_TREE_ENTRIES) throw malformed(`more than ${MAX_TREE_ENTRIES} entries`);
    if (fields.rules !== undefined) this.#rules(dir, fields.rules);
    for (const item of fields.entries) this.#entry(dir, item);
  }

  #rules(dir: string, text: unknown): void {
    if (typeof text !== "string" || text.length > MAX_FILTER_BYTES) {
      throw malformed("rules that are too long");
    }
    // What came before them would have been judged without them.
    if (this.#inParts === dir) throw malformed("rules behind the entries that they are about");
    const trouble = this.#builder.rules(dir, text);
    if (trouble !== null) this.#fail(dir, { code: "unreadable", message: trouble });
  }

  #fail(dir: string, problem: { code: Problem["code"]; message: string }): void {
    if (dir === "") throw new FerryError("read_failed", quote(problem.message));
    this.#builder.fail(dir, { kind: "problem", ...problem });
  }

  #entry(dir: string, item: unknown): void {
    if (!Array.isArray(item) || typeof item[0] !== "string") throw malformed("an entry without a name");
    const name: string = item[0];
    const path = childPath(dir, name);
    const trouble = nameProblem(name) ?? pathProblem(path);
    // A name with "/" in it must not collide with a real path: it is kept under a key that no path has.
    const key = trouble === null ? path : childPath(dir, "\0" + name);
    if (this.#builder.tree.has(key)) throw malformed("an entry twice");
    const entry: Entry = trouble === null ? decodeEntry(item) : {
      kind: "problem",
      code: "refused_name",
      message: `the name is refused: ${trouble}`,
    };
    if (!this.#builder.hides(dir, key, entry)) this.#builder.add(key, entry);
  }
}

/** The entry that a short list stands for, its name aside. Throws `protocol`. */
export function decodeEntry(item: unknown[]): Entry {
  switch (item[1]) {
    case "f": {
      const [, , size, mtime, mode, sha256] = item;
      if (!Number.isSafeInteger(size) || (size as number) < 0 || !isTime(mtime) || !isMode(mode)) break;
      if (sha256 === undefined) return { kind: "file", size: size as number, mtime, mode };
      if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) break;
      return { kind: "file", size: size as number, mtime, mode, sha256 };
    }
    case "d":
      if (!isTime(item[2]) || !isMode(item[3])) break;
      return { kind: "dir", mtime: item[2], mode: item[3] };
    case "l":
      if (!isTime(item[2])) break;
      return { kind: "symlink", mtime: item[2], target: linkTarget(item[3]) };
    case "p":
      return { kind: "problem", ...problemOfJson({ code: item[2], message: item[3] }) };
  }
  throw malformed("an entry that does not fit its kind");
}

function isMode(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MODE_MASK;
}

function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed tree: ${why}`);
}

/** Cuts chunks of bytes into lines. Throws `protocol` for a line over the limit. */
export class LineSplitter {
  readonly #max: number;
  #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: string[] = [];
  #length = 0;

  /** `max` is how many characters a line may have. */
  constructor(max = MAX_TREE_LINE_BYTES) {
    this.#max = max;
  }

  /** The lines that `chunk` completes. */
  *push(chunk: Uint8Array): Generator<string> {
    const pieces = this.#decode(chunk).split("\n");
    const last = pieces.pop()!;
    for (const piece of pieces) {
      if (this.#length + piece.length > this.#max) throw malformed("a line that is too long");
      this.#parts.push(piece);
      yield this.#parts.join("");
      this.#parts = [];
      this.#length = 0;
    }
    this.#parts.push(last);
    this.#length += last.length;
    if (this.#length > this.#max) throw malformed("a line without an end");
  }

  #decode(chunk: Uint8Array): string {
    try {
      return this.#decoder.decode(chunk, { stream: true });
    } catch {
      throw malformed("not UTF-8");
    }
  }
}
