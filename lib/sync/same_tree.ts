/**
 * Whether there is anything to do at all, found out without two trees: a server that knows its share by heart tells
 * its head in a few bytes, and equal digests are equal trees. A folder that is what the source was at a version that a
 * former run saw needs to be told only what changed after that.
 */
import type { Tree } from "../core/entry.ts";
import { baseName } from "../core/paths.ts";
import { FILTER_FILE } from "../core/scan_filter.ts";
import type { Snapshot } from "../store/read/snapshot.ts";
import type { Store } from "../store/store.ts";
import type { TreeHead } from "../wire/head.ts";
import { treeDigest } from "../wire/tree_digest.ts";
import { both } from "./both.ts";
import { NearTree, type NearTrees } from "./near_tree.ts";

/** The two sides of a run. */
interface Sides {
  source: Store;
  destination: Store;
}

/** What could be found out. With `learned`, what to remember when the run has gone well. */
export type Comparison =
  & { learned?: () => void }
  & (
    /** Both sides hold the same, so many files; perhaps because they are one place (`oneShare`). */
    | { kind: "same"; files: number; oneShare?: boolean }
    /** The source is what the destination is but for known changes. */
    | { kind: "near"; files: number; trees: NearTrees; snapshot: Snapshot }
    /** Nothing, and perhaps a tree that was read. */
    | { kind: "unknown"; scanned?: { store: Store; tree: Tree } }
  );

const UNKNOWN: Comparison = { kind: "unknown" };

/** Compares two places, for a run by size and time without any filter. */
export async function compareHeads({ source, destination }: Sides): Promise<Comparison> {
  if (source.head && destination.head) {
    const [from, to] = await both(source.head(), destination.head());
    return isPlain(from) && to !== null && from.root === to.root
      ? { kind: "same", files: from.files, oneShare: from.replica === to.replica }
      : UNKNOWN;
  }
  if (destination.head) return await compareWithServer({ server: destination, local: source, pull: false });
  return await compareWithServer({ server: source, local: destination, pull: true });
}

interface Ends {
  server: Store;
  local: Store;
  /** From the server to here. */
  pull: boolean;
}

async function compareWithServer({ server, local, pull }: Ends): Promise<Comparison> {
  const former = local.former?.(server.label) ?? null;
  const version = pull ? former?.memory.version ?? null : null;
  let looking: Promise<Snapshot | null> | undefined;
  // What was known once is most likely known now: the look at this side need not wait for the answer.
  if (version !== null) looking = former?.look();
  looking?.catch(() => {});
  const since = version === null ? null : await server.changes?.(version) ?? null;
  const head = since?.head ?? await server.head?.() ?? null;
  // What is empty has nothing in common with anything; a first copy begins at once.
  if (!isPlain(head) || head.files === 0) {
    await looking?.catch(() => {});
    return UNKNOWN;
  }
  const snapshot = await (looking ?? former?.look())?.catch(() => null) ?? null;
  if (snapshot === null) return await compareScanned(head, { local, pull });
  const root = snapshot.root(former!.memory.digests);
  const { replica, epoch, seq } = head;
  const learned = () => {
    const { memory } = former!;
    const same = memory.version?.epoch === epoch && memory.version.seq === seq &&
      memory.version.root === head.root;
    if (same && snapshot.learned === 0) return;
    former!.remember({ version: { replica, epoch, seq, root: head.root }, digests: snapshot.made });
  };
  if (root === head.root) return { kind: "same", files: head.files, learned };
  if (since !== null && root === version!.root) {
    const near = new NearTree(snapshot, since.list);
    // What the server told does not lead there: nothing is built on it.
    if (near.root() === head.root) {
      return { kind: "near", files: head.files, trees: near.trees(), snapshot, learned };
    }
  }
  if (!pull && snapshot.rules) return { ...UNKNOWN, learned };
  return { kind: "unknown", scanned: { store: local, tree: snapshot.tree() }, learned };
}

/** The same without a quick look. */
async function compareScanned(head: PlainHead, { local, pull }: Omit<Ends, "server">): Promise<Comparison> {
  // One that cannot be read is told of by the scan of the run.
  const tree = await local.scan().catch(() => null);
  if (tree === null) return UNKNOWN;
  if (treeDigest(tree) === head.root) return { kind: "same", files: head.files };
  return !pull && hasFilterFile(tree) ? UNKNOWN : { kind: "unknown", scanned: { store: local, tree } };
}

type PlainHead = TreeHead & { root: string };

/** Whether a head says all there is to say: with filter files, a run is about less than the tree. */
function isPlain(head: TreeHead | null): head is PlainHead {
  return head !== null && head.root !== null && !head.rules;
}

function hasFilterFile(tree: Tree): boolean {
  for (const path of tree.keys()) if (baseName(path) === FILTER_FILE) return true;
  return false;
}
