/**
 * Whether there is anything to do at all, found out without two trees: a server that knows its share by heart tells
 * its head in a few bytes, and equal digests are equal trees.
 */
import type { Tree } from "../core/entry.ts";
import { baseName } from "../core/paths.ts";
import { FILTER_FILE } from "../core/scan_filter.ts";
import type { Store } from "../store/store.ts";
import type { TreeHead } from "../wire/head.ts";
import { treeDigest } from "../wire/tree_digest.ts";

/** The two sides of a run. */
interface Sides {
  source: Store;
  destination: Store;
}

/** What could be found out: both sides hold the same, so many files; or nothing, and perhaps a tree that was read. */
export type Comparison =
  | { kind: "same"; files: number }
  | { kind: "unknown"; scanned?: { store: Store; tree: Tree } };

const UNKNOWN: Comparison = { kind: "unknown" };

/** Compares two places that are there, for a run by size and time without any filter. */
export async function compareHeads({ source, destination }: Sides): Promise<Comparison> {
  if (source.head && destination.head) {
    const [from, to] = await Promise.all([source.head(), destination.head()]);
    return isPlain(from) && to !== null && from.root === to.root
      ? { kind: "same", files: from.files }
      : UNKNOWN;
  }
  const [known, local] = source.head ? [source, destination] : [destination, source];
  const head = await known.head?.() ?? null;
  // What is empty has nothing in common with anything; a first copy begins at once.
  if (!isPlain(head) || head.files === 0) return UNKNOWN;
  // One that cannot be read is told of by the scan of the run.
  const tree = await local.scan().catch(() => null);
  if (tree === null) return UNKNOWN;
  if (treeDigest(tree) === head.root) return { kind: "same", files: head.files };
  return local === source && hasFilterFile(tree)
    ? UNKNOWN
    : { kind: "unknown", scanned: { store: local, tree } };
}

/** Whether a head says all there is to say: with filter files, a run is about less than the tree. */
function isPlain(head: TreeHead | null): head is TreeHead & { root: string } {
  return head !== null && head.root !== null && !head.rules;
}

function hasFilterFile(tree: Tree): boolean {
  for (const path of tree.keys()) if (baseName(path) === FILTER_FILE) return true;
  return false;
}
