/** The lines of a tree out of the index, without a look at the files. */
import { joinRoot } from "../../core/paths.ts";
import type { Folder } from "../../store/index/folder.ts";
import type { Known } from "../../store/index/row.ts";
import type { LiveIndex } from "../../store/index/live_index.ts";
import { readRules, scanFolders } from "../../store/read/scan.ts";
import { encodeEntry, type Listing, treeLine } from "../../wire/tree.ts";

/** A line that is ready to be sent, with the number of its entries. */
export interface ReadyLine {
  line: string;
  count: number;
}

/** A folder with more entries than this comes in pieces. */
const PIECE_ENTRIES = 1000;

/**
 * Everything below `base`, parents before children; with `rules` also the text of each filter file, read now. Call
 * `refresh` before.
 */
export function* indexLines(
  index: LiveIndex,
  base: Folder,
  options: { rules: boolean },
): Generator<ReadyLine | Listing> {
  const pending = [{ folder: base, dir: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { folder, dir } = next;
    if (!index.holds(folder)) {
      yield* scanned(joinRoot(index.root, folder.path), dir, options);
      continue;
    }
    if (folder.problem !== null) {
      yield ready({ dir, problem: folder.problem });
      continue;
    }
    let rules: string | undefined;
    if (options.rules && folder.rules) {
      try {
        rules = readRules(joinRoot(index.root, folder.path), dir);
      } catch (error) {
        yield ready({ dir, problem: { code: "unreadable", message: (error as Error).message } });
        continue;
      }
    }
    const children = [...folder.children.values()];
    const head = `{"dir":${JSON.stringify(dir)}` +
      (rules === undefined ? "" : `,"rules":${JSON.stringify(rules)}`);
    yield* folder.count > PIECE_ENTRIES || children.length > PIECE_ENTRIES
      ? inPieces(index.knownIn(folder), { head, dir, children })
      : [whole(index.entriesOf(folder), { head, children, count: folder.count })];
    for (const child of children) {
      pending.push({ folder: child, dir: dir === "" ? child.name : `${dir}/${child.name}` });
    }
  }
}

/** What is there now of the folder `full`, announced a moment ago as `dir`, and changed since. */
function* scanned(full: string, dir: string, options: { rules: boolean }): Generator<Listing> {
  try {
    if (!Deno.lstatSync(full).isDirectory) throw new Deno.errors.NotFound();
    for (const listing of scanFolders(full, options)) {
      yield { ...listing, dir: [dir, listing.dir].filter((part) => part !== "").join("/") };
    }
  } catch {
    yield { dir, problem: { code: "vanished", message: "it vanished while the tree was listed" } };
  }
}

/** The usual case: what the index holds is what travels. */
function whole(
  entries: string,
  { head, children, count }: { head: string; children: Folder[]; count: number },
): ReadyLine {
  const folders = children.map((child) => JSON.stringify(folderItem(child))).join(",");
  const comma = entries !== "[]" && folders !== "" ? "," : "";
  const list = entries.slice(0, -1) + comma + folders + "]";
  return { line: `${head},"entries":${list}}\n`, count: count + children.length };
}

function* inPieces(
  known: readonly Known[],
  { head, dir, children }: { head: string; dir: string; children: Folder[] },
): Generator<ReadyLine> {
  const items = [...known.map(({ name, entry }) => encodeEntry(name, entry)), ...children.map(folderItem)];
  for (let at = 0; at < items.length; at += PIECE_ENTRIES) {
    const piece = items.slice(at, at + PIECE_ENTRIES);
    const start = at === 0 ? head : `{"dir":${JSON.stringify(dir)}`;
    const more = at + PIECE_ENTRIES < items.length ? `,"more":true` : "";
    yield { line: `${start}${more},"entries":${JSON.stringify(piece)}}\n`, count: piece.length };
  }
}

function folderItem({ name, mtime, mode }: Folder) {
  return encodeEntry(name, { kind: "dir", mtime, mode });
}

function ready(listing: Listing): ReadyLine {
  return { line: treeLine(listing), count: 0 };
}
