/**
 * Finds in a plan what the destination has already under another path: files and folders that were renamed, files
 * that were copied. Two steps, both pure: `searchMoves` says whose hashes are needed on either side, `withMoves`
 * makes the plan that those hashes allow. Size, time and name only make candidates; the content decides.
 */
import type { FileEntry, Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import { SMALL_FILE_BYTES } from "../wire/limits.ts";
import { folderDigest } from "../wire/folder_digest.ts";
import { Candidates } from "./candidates.ts";
import { filePairs, type FolderPair, Folders, type Found, pairFolders } from "./folder_pairs.ts";
import { type Change, countTotals, type Move, type Plan, type RealEntry } from "./plan.ts";

/** What may have been renamed or copied, and the hashes that would tell. */
export interface MoveSearch {
  pairs: FolderPair[];
  coming: Folders;
  going: Folders;
  /** For each file that is to come, files of the destination that may be the same. */
  candidates: Map<string, string[]>;
  destination: Tree;
  /** Paths to be hashed on either side, none twice. */
  hashes: { source: string[]; destination: string[] };
}

/** A change that brings content. */
type Bringing = Extract<Change, { op: "create" | "update" }> & { entry: FileEntry };

/** Deletes that may be renames: not those that have to make way first. */
function lateDeletes(plan: Plan): Extract<Change, { op: "delete" }>[] {
  const first = plan.changes.findIndex(({ op }) => op !== "delete");
  return plan.changes.slice(first).filter((change) => change.op === "delete");
}

function isBringing(change: Change): change is Bringing {
  return (change.op === "create" || change.op === "update") && change.content &&
    change.entry.kind === "file" &&
    change.entry.size > 0;
}

/** Whether a file may hold what it held, and only its time is another one. Large ones are compared as they travel. */
function isTouched(path: string, entry: FileEntry, destination: Tree): boolean {
  const was = destination.get(path);
  return was?.kind === "file" && was.size === entry.size && entry.size <= SMALL_FILE_BYTES;
}

/**
 * Looks for candidates; null when there is nothing to look for. `addFiles` is asked to add to `destination` all that has
 * one of the sizes that matter, where it need not have that yet.
 */
export function searchMoves(
  plan: Plan,
  destination: Tree,
  addFiles?: (sizes: ReadonlySet<number>) => void,
): MoveSearch | null {
  const bringing = plan.changes.filter(isBringing);
  if (bringing.length === 0 || plan.totals.destination === 0) return null;

  const deletes = lateDeletes(plan);
  const going = new Folders(deletes.map(({ path, was }) => ({ path, entry: was })));
  const coming = new Folders(comingEntries(plan));
  const pairs = pairFolders(coming, going);

  const source = new Set<string>();
  const wanted = new Set<string>();
  const candidates = new Map<string, string[]>();
  const add = (path: string, from: string) => {
    source.add(path);
    wanted.add(from);
    const list = candidates.get(path);
    if (list) list.push(from);
    else candidates.set(path, [from]);
  };
  const paired = new Set<string>();
  for (const pair of pairs) {
    for (const { path, from } of filePairs(pair, coming, going)) {
      add(path, from);
      paired.add(path);
    }
  }
  for (const { path, entry } of bringing) if (isTouched(path, entry, destination)) add(path, path);
  const rest = bringing.filter(({ path }) => !paired.has(path));
  if (rest.length > 0) {
    const sizes = new Set(rest.map(({ entry }) => entry.size));
    addFiles?.(sizes);
    const likely = new Candidates(destination, sizes, new Set(deletes.map(({ path }) => path)));
    for (const { path, entry } of rest) for (const from of likely.of(path, entry)) add(path, from);
  }
  if (candidates.size === 0) return null;
  return {
    pairs,
    coming,
    going,
    candidates,
    destination,
    hashes: { source: [...source], destination: [...wanted] },
  };
}

function* comingEntries(plan: Plan): Generator<Found> {
  for (const change of plan.changes) if (change.op === "create") yield change;
}

/** The SHA-256 of files, lower-case hex, by path; what could not be hashed is not in it. */
export interface Digests {
  source: ReadonlyMap<string, string>;
  destination: ReadonlyMap<string, string>;
}

/** `plan` with renames and copies in it, where `digests` prove them. */
export function withMoves(plan: Plan, search: MoveSearch, digests: Digests): Plan {
  return new Mover(plan, search, digests).plan();
}

/** Files of the destination with one content. */
interface Holders {
  any: { path: string; was: FileEntry };
  /** Those that the plan deletes, and that can be renamed instead; taken from its end. */
  going: { path: string; was: FileEntry }[];
}

class Mover {
  readonly #plan: Plan;
  readonly #search: MoveSearch;
  readonly #digests: Digests;
  readonly #changes = new Map<string, Change>();
  readonly #deletes = new Map<string, Change>();
  readonly #moves: Move[] = [];
  /** Changes that a move stands for. */
  readonly #covered = new Set<Change>();

  constructor(plan: Plan, search: MoveSearch, digests: Digests) {
    this.#plan = plan;
    this.#search = search;
    this.#digests = digests;
    for (const change of plan.changes) if (change.op !== "delete") this.#changes.set(change.path, change);
    for (const change of lateDeletes(plan)) this.#deletes.set(change.path, change);
  }

  plan(): Plan {
    for (const pair of this.#search.pairs) this.#folder(pair, this.#unlike(pair));
    const holders = this.#holders();
    const changed = new Map<Change, Change>();
    for (const change of this.#plan.changes) {
      if (!isBringing(change) || this.#covered.has(change)) continue;
      const sha256 = this.#digests.source.get(change.path);
      const held = sha256 === undefined ? undefined : holders.get(sha256);
      if (sha256 === undefined || held === undefined) continue;
      if (this.#digests.destination.get(change.path) === sha256) {
        changed.set(change, { ...change, content: false });
        continue;
      }
      const going = held.going.pop();
      if (going !== undefined) this.#file(change, going);
      else changed.set(change, { ...change, content: false, copy: { ...copyOf(held.any), sha256 } });
    }
    if (this.#moves.length === 0 && changed.size === 0) return this.#plan;
    return this.#put(changed);
  }

  /** Whether the files hold the same. */
  #same(path: string, from: string, entry: RealEntry): boolean {
    if (entry.kind !== "file" || entry.size === 0) return true;
    const sha256 = this.#digests.source.get(path);
    return sha256 !== undefined && sha256 === this.#digests.destination.get(from);
  }

  /** The folders of a pair with a file in them, at any depth, whose content is another one. */
  #unlike(pair: FolderPair): Set<string> {
    const unlike = new Set<string>();
    for (const { path, entry } of this.#search.coming.below(pair.path)) {
      if (this.#same(path, pair.from + path.slice(pair.path.length), entry)) continue;
      for (let dir = parentPath(path); dir !== parentPath(pair.path); dir = parentPath(dir)) unlike.add(dir);
    }
    return unlike;
  }

  /** Moves the folder as a whole where it can be, else what can be of it. */
  #folder({ path, from }: FolderPair, unlike: ReadonlySet<string>): void {
    if (!unlike.has(path)) return this.#whole(path, from);
    for (const { path: inner, entry } of this.#search.coming.children(path)) {
      const other = from + inner.slice(path.length);
      if (entry.kind === "dir") this.#folder({ path: inner, from: other }, unlike);
      else if (entry.kind === "file" && entry.size > 0 && this.#same(inner, other, entry)) {
        const change = this.#changes.get(inner) as Bringing;
        this.#file(change, { path: other, was: this.#search.going.get(other) as FileEntry });
      }
    }
  }

  #whole(path: string, from: string): void {
    const { coming, going } = this.#search;
    const inside = [...coming.below(path)].map(({ path: inner, entry }) => {
      const other = from + inner.slice(path.length);
      return { path: inner, from: other, entry, was: going.get(other)! };
    });
    const paths = [path, ...inside.map((one) => one.path)];
    const creates = paths.map((one) => this.#changes.get(one)!);
    const deletes = [from, ...inside.map((one) => one.from)].map((one) => this.#deletes.get(one)!).reverse();
    const ofKind = (kind: RealEntry["kind"]) =>
      creates.filter((change) => change.op === "create" && change.entry.kind === kind);
    this.#add({
      op: "move",
      path,
      from,
      entry: coming.get(path)!,
      was: going.get(from)!,
      replaces: undefined,
      content: false,
      inside,
      digest: folderDigest(inside.map((one) => [one.from.slice(from.length + 1), one.was])),
      instead: [...ofKind("dir"), ...ofKind("symlink"), ...ofKind("file"), ...deletes],
    });
  }

  #file(change: Bringing, { path: from, was }: { path: string; was: FileEntry }): void {
    this.#add({
      op: "move",
      path: change.path,
      from,
      entry: change.entry,
      was,
      replaces: change.op === "update" ? change.was : undefined,
      content: false,
      inside: [],
      digest: null,
      instead: [change, this.#deletes.get(from)!],
    });
  }

  #add(move: Move): void {
    this.#moves.push(move);
    for (const change of move.instead) this.#covered.add(change);
  }

  /** Who holds what is known, by hash. */
  #holders(): Map<string, Holders> {
    const holders = new Map<string, Holders>();
    for (const [path, sha256] of this.#digests.destination) {
      const was = this.#search.destination.get(path);
      if (was?.kind !== "file") continue;
      const one = { path, was };
      let held = holders.get(sha256);
      if (!held) holders.set(sha256, held = { any: one, going: [] });
      const change = this.#deletes.get(path);
      if (change !== undefined && !this.#covered.has(change)) held.going.push(one);
    }
    return holders;
  }

  /** The plan with moves before anything that has content, and what they stand for left out. */
  #put(changed: ReadonlyMap<Change, Change>): Plan {
    const changes: Change[] = [];
    let waiting = true;
    for (const change of this.#plan.changes) {
      if (waiting && this.#isAfterMoves(change)) {
        waiting = false;
        for (const move of this.#moves) changes.push(move);
      }
      if (!this.#covered.has(change)) changes.push(changed.get(change) ?? change);
    }
    const { source, destination } = this.#plan.totals;
    return { ...this.#plan, changes, totals: countTotals(changes, source, destination) };
  }

  #isAfterMoves(change: Change): boolean {
    return change.op === "delete" ? this.#deletes.has(change.path) : change.entry.kind === "file";
  }
}

function copyOf({ path, was }: { path: string; was: FileEntry }): { from: string; was: FileEntry } {
  return { from: path, was };
}
