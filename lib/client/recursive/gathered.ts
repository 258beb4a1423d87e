/** The entries of a listing while it is read: each name once, and no more than anybody keeps in a folder. */
import { FerryError } from "../../core/errors.ts";
import { localNameProblem } from "./child_name.ts";
import { type Listed, type Listing, MAX_ENTRIES, type Refused } from "./listed.ts";

/** Refusals beyond these are counted, not told one by one. */
const MAX_REFUSED = 1000;

/** Characters of a refused name that are told; there may be thousands. */
const SHOWN_CHARS = 300;

/** What has been read so far. */
export class Gathered {
  readonly #entries = new Map<string, Listed>();
  readonly #refused: Refused[] = [];
  #more = 0;

  constructor(readonly precision: Listing["precision"]) {}

  /** Takes an entry whose name was given as it is. */
  add(entry: Listed): void {
    const why = localNameProblem(entry.name);
    if (why === undefined) return;
    if (why !== null) return this.refuse({ name: entry.name, why });
    this.keep(entry);
  }

  /** Takes an entry of a name that has been judged; gives that name as it is kept. */
  keep(entry: Listed): string {
    const known = this.#entries.get(entry.name);
    if (known === undefined) {
      if (this.#entries.size >= MAX_ENTRIES) {
        throw new FerryError("too_large", `more than ${MAX_ENTRIES} entries in one folder`);
      }
      const name = copyOf(entry.name);
      this.#entries.set(name, { ...entry, name });
      return name;
    }
    if (known.kind !== entry.kind) {
      this.refuse({ name: entry.name, why: "the server lists a file and a folder of this name" });
    }
    return known.name;
  }

  refuse({ name, why }: Refused): void {
    if (this.#refused.length >= MAX_REFUSED) this.#more++;
    else {
      const shown = name.length > SHOWN_CHARS ? name.slice(0, SHOWN_CHARS) + "..." : name;
      this.#refused.push({ name: copyOf(shown), why });
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All of it. */
  listing(): Listing {
    const refused = this.#more === 0
      ? this.#refused
      : [...this.#refused, { name: "", why: `${this.#more} more names are refused` }];
    return { entries: [...this.#entries.values()], refused, precision: this.precision };
  }
}

/** A name that was cut out of a listing holds all of the text that it was cut out of; its copy does not. */
function copyOf(name: string): string {
  return (" " + name).slice(1);
}
