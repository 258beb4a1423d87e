/**
 * Folders that look alike: one that the plan creates and one that it deletes, with the same names, kinds, sizes and
 * link targets all the way down. Whether they hold the same is for their hashes to say. Pure.
 */
import { baseName, parentPath } from "../core/paths.ts";
import { type RealEntry, sizeOf } from "./plan.ts";

/** What a path holds. */
export interface Found {
  path: string;
  entry: RealEntry;
}

/** A folder that is to come and one that is to go. */
export interface FolderPair {
  path: string;
  from: string;
}

/** A look at a list of candidates ends after so many. */
const MOST_LOOKS = 8;

/** The entries in each folder, for folders that come or go as a whole. */
export class Folders {
  readonly #children = new Map<string, Found[]>();
  readonly #entries = new Map<string, RealEntry>();

  /** `found` in any order. */
  constructor(found: Iterable<Found>) {
    for (const one of found) {
      this.#entries.set(one.path, one.entry);
      const dir = parentPath(one.path);
      const children = this.#children.get(dir);
      if (children) children.push(one);
      else this.#children.set(dir, [one]);
    }
  }

  children(dir: string): readonly Found[] {
    return this.#children.get(dir) ?? [];
  }

  get(path: string): RealEntry | undefined {
    return this.#entries.get(path);
  }

  /** Paths of all folders, each before those in it. */
  folders(): string[] {
    const paths: string[] = [];
    for (const [path, { kind }] of this.#entries) if (kind === "dir") paths.push(path);
    return paths.sort((a, b) => depth(a) - depth(b));
  }

  /** All that lies below `dir`, parents first. */
  *below(dir: string): Generator<Found> {
    const pending = [dir];
    while (pending.length > 0) {
      for (const child of this.children(pending.pop()!)) {
        yield child;
        if (child.entry.kind === "dir") pending.push(child.path);
      }
    }
  }
}

function depth(path: string): number {
  let count = 0;
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) count++;
  return count;
}

/** Pairs of folders that look alike, no one of them within another. */
export function pairFolders(coming: Folders, going: Folders): FolderPair[] {
  const numbers = new Map<string, number>();
  const goingShapes = shapes(going, numbers);
  const byShape = new Lists();
  for (const path of going.folders()) {
    const shape = goingShapes.get(path);
    if (shape === undefined) continue;
    byShape.add(`${shape}`, path);
    byShape.add(`${shape}/${baseName(path)}`, path);
  }
  if (byShape.empty) return [];

  const comingShapes = shapes(coming, numbers);
  const pairs: FolderPair[] = [];
  const paired = new Set<string>();
  const taken = new Set<string>();
  const broken = new Set<string>();
  for (const path of coming.folders()) {
    if (paired.has(parentPath(path))) {
      paired.add(path);
      continue;
    }
    const shape = comingShapes.get(path);
    if (shape === undefined) continue;
    const free = (from: string) => !taken.has(from) && !broken.has(from);
    const from = byShape.first(`${shape}/${baseName(path)}`, free) ?? byShape.first(`${shape}`, free);
    if (from === undefined) continue;
    pairs.push({ path, from });
    paired.add(path);
    taken.add(from);
    for (const { path: inner } of going.below(from)) taken.add(inner);
    for (let dir = parentPath(from); dir !== ""; dir = parentPath(dir)) broken.add(dir);
  }
  return pairs;
}

/**
 * A number for each folder with content in it: the same for folders that look alike. `numbers` is shared by the two
 * sides.
 */
function shapes(folders: Folders, numbers: Map<string, number>): Map<string, number> {
  const shapeOf = new Map<string, number>();
  const filled = new Set<string>();
  for (const path of folders.folders().reverse()) {
    const parts = folders.children(path).map(({ path: child, entry }) => {
      const name = baseName(child);
      if (entry.kind === "dir") return `${name}\0d${shapeOf.get(child)}`;
      if (entry.kind === "symlink") return `${name}\0l${entry.target}`;
      if (entry.size > 0) filled.add(path);
      return `${name}\0f${entry.size}`;
    });
    const key = parts.sort().join("\0\0");
    let shape = numbers.get(key);
    if (shape === undefined) numbers.set(key, shape = numbers.size);
    shapeOf.set(path, shape);
    if (filled.has(path)) filled.add(parentPath(path));
  }
  // A folder of empty files is made sooner than it is moved.
  for (const path of shapeOf.keys()) if (!filled.has(path)) shapeOf.delete(path);
  return shapeOf;
}

/** Lists by key. */
class Lists {
  readonly #lists = new Map<string, { paths: string[]; from: number }>();

  get empty(): boolean {
    return this.#lists.size === 0;
  }

  add(key: string, path: string): void {
    const list = this.#lists.get(key);
    if (list) list.paths.push(path);
    else this.#lists.set(key, { paths: [path], from: 0 });
  }

  /** The first that is `free`, as far as one looks. What is not free never becomes so again. */
  first(key: string, free: (path: string) => boolean): string | undefined {
    const list = this.#lists.get(key);
    if (!list) return undefined;
    for (let looks = 0; list.from < list.paths.length && looks < MOST_LOOKS; looks++) {
      const path = list.paths[list.from];
      if (free(path)) return path;
      list.from++;
    }
    return undefined;
  }
}

/** The regular files of a pair that have content, on both sides. */
export function* filePairs(
  pair: FolderPair,
  coming: Folders,
  going: Folders,
): Generator<{ path: string; from: string; size: number }> {
  for (const { path, entry } of coming.below(pair.path)) {
    const from = pair.from + path.slice(pair.path.length);
    const size = sizeOf(entry);
    if (size > 0 && going.get(from) !== undefined) yield { path, from, size };
  }
}
