/**
 * What changed in a tree after a number, as lines of JSON: a head `{"ferry":1,"replica":...,"epoch":...}`, then a line
 * a change in the order of their numbers, then the end, `{"end":SEQ,"more":true}` up to where the list is whole when
 * there is more behind it, else `{"end":SEQ,"more":false,"root":...,"files":...,"rules":...}`, with the head of the tree
 * at that number.
 *
 * - `{"seq":7,"path":"a/b","entry":["b","f",5,1764000000123,420]}`: this is there now, whatever was before
 * - `{"seq":8,"path":"a/c","gone":true}`: nothing is there any more, nor below it
 */
import { FerryError } from "../core/errors.ts";
import type { Entry } from "../core/entry.ts";
import { baseName, pathProblem } from "../core/paths.ts";
import { parseHead, type TreeHead } from "./head.ts";
import { MAX_CHANGES, PROTOCOL } from "./limits.ts";
import { integer, parseObject, text } from "./fields.ts";
import { decodeEntry, encodeEntry } from "./tree.ts";

/** One change: what is at the path, or null for nothing. */
export interface Change {
  seq: number;
  path: string;
  entry: Entry | null;
}

/** One answer: up to `seq`, and the head of the tree when nothing more is behind it. */
export interface Changes {
  list: Change[];
  seq: number;
  head: TreeHead | null;
}

/** The longest line: a path and a name, or the target of a link, in JSON, which may take six bytes for one. */
export const MAX_CHANGE_LINE = 64 * 1024;

export function changesHead(index: { replica: string; epoch: string }): string {
  return JSON.stringify({ ferry: PROTOCOL, ...index }) + "\n";
}

export function changeLine({ seq, path, entry }: Change): string {
  const what = entry === null ? { gone: true } : { entry: encodeEntry(baseName(path), entry) };
  return JSON.stringify({ seq, path, ...what }) + "\n";
}

/** The last line: `head` when the list is whole, else the number of its last change. */
export function changesEnd(end: TreeHead | number): string {
  if (typeof end === "number") return JSON.stringify({ end, more: true }) + "\n";
  const { seq, root, files, rules } = end;
  return JSON.stringify({ end: seq, more: false, root, files, rules }) + "\n";
}

/** Puts an answer together from its lines and holds the sender to the rules. */
export class ChangesReader {
  readonly #list: Change[] = [];
  #index: { replica: string; epoch: string } | null = null;
  #last: number;
  #end: Changes | null = null;

  /** `since` is the number that was asked for. */
  constructor(since: number) {
    this.#last = since;
  }

  /** Takes one line without its newline. Throws `protocol` for what no honest sender would send. */
  line(line: string): void {
    if (this.#end !== null) {
      if (line === "") return;
      throw malformed("a line after the end");
    }
    const fields = parseObject(line, MAX_LINE_VALUES);
    if (this.#index === null) {
      if (fields.ferry !== PROTOCOL) throw malformed("another version");
      this.#index = { replica: text(fields, "replica", 64), epoch: text(fields, "epoch", 64) };
    } else if (fields.end !== undefined) this.#finish(fields);
    else this.#change(fields);
  }

  #finish(fields: Record<string, unknown>): void {
    const seq = integer(fields, "end", this.#last);
    const { more, root, files, rules } = fields;
    const head = more === true ? null : parseHead({ ...this.#index, seq, root, files, rules });
    // One that goes on has to come forward.
    if (head === null && this.#list.length === 0) throw malformed("nothing, and more behind it");
    this.#end = { list: this.#list, seq, head };
  }

  #change(fields: Record<string, unknown>): void {
    const seq = integer(fields, "seq", this.#last);
    const path = text(fields, "path", MAX_PATH_CHARS);
    if (path === "" || pathProblem(path) !== null) throw malformed("a path that is none");
    if (this.#list.length === MAX_CHANGES) throw malformed(`more than ${MAX_CHANGES} changes`);
    this.#last = seq;
    const { entry, gone } = fields;
    if (gone === true) return void this.#list.push({ seq, path, entry: null });
    if (!Array.isArray(entry) || entry[0] !== baseName(path)) {
      throw malformed("an entry that is not at its path");
    }
    this.#list.push({ seq, path, entry: decodeEntry(entry) });
  }

  /** The whole answer. Throws `protocol` when its end did not come. */
  finish(): Changes {
    if (this.#end === null) throw malformed("it ends early");
    return this.#end;
  }
}

const MAX_PATH_CHARS = 4096;
const MAX_LINE_VALUES = 32;

function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed list of changes: ${why}`);
}
