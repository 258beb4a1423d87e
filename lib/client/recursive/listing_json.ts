/**
 * Listings in JSON: Ferry's own, Caddy's and nginx's. Each entry is parsed for itself as soon as it is there, so that
 * a long listing does not take its length in memory several times over. Pure.
 */
import { parseHttpDate } from "../../http/date.ts";
import { Gathered } from "./gathered.ts";
import { type Listed, type Listing, type ListingParser, MAX_ENTRY_CHARS, NoListing } from "./listed.ts";

/** What stands before the first entry. Ferry tells the path, which may be long. */
const MAX_HEAD = 32_768;

/** Reads a listing in JSON. Throws NoListing for JSON that is none. */
export class JsonListingParser implements ListingParser {
  #gathered: Gathered | null = null;
  /** Text that is not yet read. */
  #rest = "";
  /** Where to go on scanning in `#rest`. */
  #at = 0;
  #state: "head" | "between" | "entry" | "tail" = "head";
  /** Inside an entry. */
  #depth = 0;
  #inString = false;
  #closing = "]";

  write(text: string): void {
    this.#rest = this.#rest === "" ? text : this.#rest + text;
    for (;;) {
      const before = this.#state;
      this.#step();
      if (this.#state === before) return;
    }
  }

  end(): Listing | null {
    // Go says so of an empty list.
    if (this.#state === "head" && this.#rest.trim() === "null") return new Gathered(1).listing();
    if (this.#state !== "tail" || this.#rest.replace(/\s+/g, "") !== this.#closing.slice(1)) return null;
    return (this.#gathered ?? new Gathered(1)).listing();
  }

  #step(): void {
    switch (this.#state) {
      case "head":
        return this.#head();
      case "between":
        return this.#between();
      case "entry":
        return this.#entry();
      case "tail":
        if (this.#rest.length > MAX_HEAD) throw new NoListing();
    }
  }

  #head(): void {
    const match = /^\s*(?:\{\s*(?:"path"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*)?"entries"\s*:\s*)?\[/.exec(
      this.#rest,
    );
    if (match === null) {
      if (this.#rest.length > MAX_HEAD || !/^\s*(?:$|[[{n])/.test(this.#rest)) throw new NoListing();
      return;
    }
    if (match[0].trim() !== "[") this.#closing = "]}";
    this.#take(match[0].length);
    this.#state = "between";
  }

  #between(): void {
    const match = /^[\s,]*([^\s,])/.exec(this.#rest);
    if (match === null) return this.#take(this.#rest.length);
    if (match[1] === "{") {
      this.#take(match[0].length - 1);
      this.#state = "entry";
      this.#depth = 0;
    } else if (match[1] === "]") {
      this.#take(match[0].length);
      this.#state = "tail";
    } else throw new NoListing();
  }

  #entry(): void {
    const text = this.#rest;
    const signs = /["\\{}]/g;
    signs.lastIndex = this.#at;
    for (let match; (match = signs.exec(text)) !== null;) {
      const sign = match[0];
      if (sign === "\\") {
        if (match.index + 1 >= text.length) {
          this.#at = match.index;
          return this.#bounded();
        }
        signs.lastIndex = match.index + 2;
      } else if (sign === '"') this.#inString = !this.#inString;
      else if (this.#inString) continue;
      else if (sign === "{") this.#depth++;
      else if (--this.#depth === 0) {
        this.#parse(text.slice(0, match.index + 1));
        this.#take(match.index + 1);
        this.#state = "between";
        return;
      }
    }
    this.#at = text.length;
    this.#bounded();
  }

  #bounded(): void {
    if (this.#rest.length > MAX_ENTRY_CHARS) throw new NoListing();
  }

  #take(count: number): void {
    this.#rest = this.#rest.slice(count);
    this.#at = 0;
  }

  #parse(text: string): void {
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(text);
    } catch {
      throw new NoListing();
    }
    const dialect = DIALECTS.find(({ marks }) => marks(entry));
    if (dialect === undefined || typeof entry.name !== "string") throw new NoListing();
    this.#gathered ??= new Gathered(dialect.precision);
    const kind = dialect.kind(entry);
    // A socket or device.
    if (kind === null) return;
    const name = kind === "dir" ? entry.name.replace(/\/$/, "") : entry.name;
    const mtime = dialect.mtime(entry);
    const exact = kind === "file" && isSize(entry.size) && mtime !== null && Number.isFinite(mtime);
    this.#gathered.add(exact ? { name, kind, size: entry.size as number, mtime } : { name, kind });
  }
}

type Raw = Record<string, unknown>;

interface Dialect {
  marks(entry: Raw): boolean;
  precision: Listing["precision"];
  kind(entry: Raw): Listed["kind"] | null;
  mtime(entry: Raw): number | null;
}

const DIALECTS: readonly Dialect[] = [
  // Ferry: a link is said to be what it leads to, and folders have no size.
  {
    marks: ({ kind, mtime }) => typeof kind === "string" && typeof mtime === "string",
    precision: 1,
    kind: ({ kind, size }) =>
      kind === "dir" || (kind === "symlink" && size === null)
        ? "dir"
        : kind === "file" || kind === "symlink"
        ? "file"
        : null,
    mtime: ({ mtime }) => isoTime(mtime),
  },
  // Caddy
  {
    marks: (entry) => typeof entry.is_dir === "boolean" && typeof entry.mod_time === "string",
    precision: 1,
    kind: (entry) => entry.is_dir ? "dir" : "file",
    // Of a link it tells the link's own time.
    mtime: (entry) => entry.is_symlink === true ? null : isoTime(entry.mod_time),
  },
  // nginx
  {
    marks: ({ type, mtime }) => typeof type === "string" && typeof mtime === "string",
    precision: 1000,
    kind: ({ type }) => type === "directory" ? "dir" : type === "file" ? "file" : null,
    mtime: ({ mtime }) => parseHttpDate(mtime as string),
  },
];

function isoTime(text: unknown): number | null {
  return typeof text === "string" && /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : null;
}

function isSize(size: unknown): boolean {
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
}
