/**
 * What a run leaves out, by patterns in the syntax of gitignore. Later patterns win over earlier ones, in this order:
 * the filter files of the source, the outermost first; files given on the command line; `--exclude`; `--include`.
 * What lies in a folder that is left out is left out with it, whatever the patterns say of it. Pure.
 */
import ignore, { type Ignore } from "ignore";
import type { Entry } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { parentPath } from "../core/paths.ts";
import { isSlow, patternProblem, patternsOf, plainName, plainPattern } from "./pattern.ts";

/** Patterns in one filter file, filter files in a source, and patterns that hold for one folder. */
const MAX_PATTERNS = 1000;
const MAX_SLOW = 20;
const MAX_FILES = 10_000;
const MAX_IN_FORCE = 4000;

/** Patterns of all folders together; those of an outer folder count for each folder with a file of its own. */
const MAX_IN_ALL = 1_000_000;

/** The library remembers every path that it was asked about; after so many it is given up for a fresh one. */
const ASKED_MOST = 10_000;

/** More than any honest filter takes; a pattern made to be slow shall not hold a run up for ever. */
const MATCH_MS = 120_000;

/** All patterns of one run. */
export class Filter {
  readonly #own: readonly string[];
  /** What holds below the folders that have a filter file, and for the root. */
  readonly #scopes = new Map<string, Scope>();
  #files = 0;
  #inAll = 0;
  #spent = 0;
  #dir = "";
  #scope: Scope;

  /** `patterns` are those of the command line; each has passed `patternProblem`. */
  constructor(patterns: readonly string[] = []) {
    this.#own = patterns.map((pattern) => plainPattern(pattern));
    this.#scope = new Scope([], this.#own);
    this.#scopes.set("", this.#scope);
  }

  /** Whether it leaves anything out. */
  get empty(): boolean {
    return this.#own.length === 0 && this.#files === 0;
  }

  /** Whether filter files were found. */
  get hasFiles(): boolean {
    return this.#files > 0;
  }

  /**
   * Takes the text of the filter file in `dir`; outer folders come first. Gives why it cannot be used, or null. Then
   * nothing of the file holds, and nobody should touch what lies in its folder.
   */
  addFile(dir: string, text: string): string | null {
    const lines = patternsOf(text);
    if (lines.length === 0) return null;
    for (const { line, pattern } of lines) {
      const trouble = patternProblem(pattern);
      if (trouble !== null) return `line ${line}: ${trouble}`;
    }
    if (lines.filter(({ pattern }) => isSlow(pattern)).length > MAX_SLOW) {
      return `more than ${MAX_SLOW} patterns with three stars in a name or two times **`;
    }
    if (lines.length > MAX_PATTERNS) return `more than ${MAX_PATTERNS} patterns`;
    if (++this.#files > MAX_FILES) return `more than ${MAX_FILES} such files`;
    const depth = dir === "" ? 0 : dir.split("/").length;
    const outer = this.#scopeOf(dir).files;
    const files = [...outer, ...lines.map(({ pattern }) => plainPattern(pattern, depth))];
    if (files.length > MAX_IN_FORCE) {
      return `more than ${MAX_IN_FORCE} patterns with those of the folders above`;
    }
    this.#inAll += files.length;
    if (this.#inAll > MAX_IN_ALL) return "too many patterns in all folders together";
    this.#scopes.set(dir, new Scope(files, this.#own));
    this.#dir = "\0";
    return null;
  }

  /** Whether `path`, of which all parents are visible, is left out. */
  hides(path: string, entry: Entry): boolean {
    if (this.empty) return false;
    const scope = this.#scopeOf(parentPath(path));
    const start = performance.now();
    // What cannot be replicated may be a folder as well: patterns for folders shall help against its problem.
    const hidden = scope.matches(entry.kind === "dir" ? path + "/" : path) ||
      (entry.kind === "problem" && scope.matches(path + "/"));
    this.#spent += performance.now() - start;
    if (this.#spent > MATCH_MS) {
      throw new FerryError(
        "guard",
        `the patterns take more than ${MATCH_MS / 1000} s to match; nothing was changed`,
      );
    }
    return hidden;
  }

  /** What holds in folder `dir`. */
  #scopeOf(dir: string): Scope {
    // Paths come folder by folder.
    if (dir !== this.#dir) {
      this.#dir = dir;
      for (let at = dir;; at = parentPath(at)) {
        const scope = this.#scopes.get(at);
        if (scope === undefined) continue;
        this.#scope = scope;
        break;
      }
    }
    return this.#scope;
  }
}

/** The patterns that hold in one folder. */
class Scope {
  #matcher: Ignore | null = null;
  #asked = 0;

  /** `files` are the patterns of filter files, as seen from the root. */
  constructor(readonly files: readonly string[], readonly own: readonly string[]) {}

  matches(path: string): boolean {
    this.#matcher ??= newMatcher().add([...this.files, ...this.own]);
    if (++this.#asked % ASKED_MOST === 0) this.#matcher = newMatcher().add(this.#matcher);
    return this.#matcher.ignores(plainName(path));
  }
}

function newMatcher(): Ignore {
  return ignore({ ignorecase: false });
}
