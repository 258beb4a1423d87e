/**
 * Which files of the destination may hold what a file of the source holds. Pure. A guess costs the hashing of a file
 * on either side, so only likely ones are made:
 *
 * 1. of the same size, time and name: a file that was moved elsewhere,
 * 2. of the same size, name and name of the folder: in a folder that was moved or copied, which may change times,
 * 3. of the same size and time: a renamed file, or a copy that kept its time,
 * 4. of the same size and name,
 * 5. of the same size alone, when that is large, or few of the files that go have it: another name and time.
 *
 * At most two of each and four in all. Ten thousand small files of one size and with new names and times are thus not looked at:
 * to send them costs less than to hash them all for nothing.
 */
import type { FileEntry, Tree } from "../core/entry.ts";
import { baseName, parentPath } from "../core/paths.ts";

/** Files of at least so many bytes seldom have the same size by chance. */
const RARE_BYTES = 16 * 1024;

/** So many files of one size among those that go are still worth a look. */
const FEW = 4;

const MOST_CANDIDATES = 4;
const MOST_OF_A_KIND = 2;

/** The guesses about one destination. */
export class Candidates {
  readonly #files = new Map<string, string[]>();
  readonly #sizes = new Set<number>();

  /** `wanted` are the sizes that matter; `going` the files of the destination that are to be deleted. */
  constructor(destination: Tree, wanted: ReadonlySet<number>, going: ReadonlySet<string>) {
    this.#sizes = new Set(wanted);
    // Those that go come first: they can be renamed instead of copied.
    for (const first of [true, false]) {
      for (const [path, entry] of destination) {
        if (entry.kind !== "file" || entry.size === 0 || !wanted.has(entry.size)) continue;
        if (going.has(path) === first) this.#add(path, entry, first);
      }
    }
  }

  #add(path: string, entry: FileEntry, going: boolean): void {
    for (const key of keys(path, entry)) this.#push(key, path);
    if (going || entry.size >= RARE_BYTES) this.#push(`s${entry.size}`, path);
  }

  #push(key: string, path: string): void {
    const list = this.#files.get(key);
    if (list) list.push(path);
    else this.#files.set(key, [path]);
  }

  /** The likely ones for `path`, at most four, the most likely first. */
  of(path: string, entry: FileEntry): string[] {
    if (!this.#sizes.has(entry.size)) return [];
    const found = new Set<string>();
    for (const key of keys(path, entry)) this.#take(this.#files.get(key), path, found);
    const alike = this.#files.get(`s${entry.size}`);
    if (entry.size >= RARE_BYTES || (alike?.length ?? 0) <= FEW) this.#take(alike, path, found);
    return [...found];
  }

  #take(list: readonly string[] | undefined, path: string, found: Set<string>): void {
    if (list === undefined) return;
    let taken = 0;
    for (const other of list) {
      if (taken === MOST_OF_A_KIND || found.size === MOST_CANDIDATES) return;
      if (other === path || found.has(other)) continue;
      found.add(other);
      taken++;
    }
  }
}

function keys(path: string, { size, mtime }: FileEntry): string[] {
  const name = baseName(path);
  return [
    `a${size} ${mtime} ${name}`,
    `f${size} ${baseName(parentPath(path))}/${name}`,
    `t${size} ${mtime}`,
    `n${size} ${name}`,
  ];
}
