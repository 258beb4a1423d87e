/**
 * Whether there is anything to do at all, found out without two trees: a server that knows its share by heart tells
 * its head in a few bytes, and equal digests are equal trees. A folder that is what the source was at a version that a
 * former run saw needs to be told only what changed after that.
 */
import type { Tree } from "../core/entry.ts";
import { baseName, parentPath } from "../core/paths.ts";
import { FILTER_FILE } from "../core/scan_filter.ts";
import type { Snapshot } from "../store/read/snapshot.ts";
import { MAX_EXTRA } from "../store/run_memory.ts";
import type { ChangesSince, Former, Store } from "../store/store.ts";
import type { Change } from "../wire/changes.ts";
import type { TreeHead } from "../wire/head.ts";
import { treeDigest } from "../wire/tree_digest.ts";
import { both } from "./both.ts";
import { isBelow, NearTree, type NearTrees, onlyIn, topmost } from "./near_tree.ts";

/** The two sides of a run. */
interface Sides {
  source: Store;
  destination: Store;
}

/** What could be found out. */
export type Comparison =
  & {
    /**
     * Remembers what was found, when the run has gone well. `extra` is what only the destination has, where the run has
     * seen that by itself.
     */
    learned?: (extra?: readonly string[]) => void;
  }
  & (
    /** Both sides hold the same, so many files; perhaps because they are one place (`oneShare`). */
    | { kind: "same"; files: number; oneShare?: boolean }
    /** The source is what the destination is but for known changes. */
    | { kind: "near"; files: number; trees: NearTrees; snapshot: Snapshot }
    /** Nothing, and perhaps a tree that was read. */
    | { kind: "unknown"; scanned?: { store: Store; tree: Tree } }
  );

const UNKNOWN: Comparison = { kind: "unknown" };

export interface CompareOptions {
  /** What only the destination has is to go, so that it makes a difference. */
  delete?: boolean;
}

/** Compares two places, for a run by size and time without any filter. */
export async function compareHeads(
  { source, destination }: Sides,
  options: CompareOptions = {},
): Promise<Comparison> {
  if (source.head && destination.head) {
    const [from, to] = await both(source.head(), destination.head());
    return isPlain(from) && to !== null && from.root === to.root
      ? { kind: "same", files: from.files, oneShare: from.replica === to.replica }
      : UNKNOWN;
  }
  if (destination.head) return await compareWithServer({ server: destination, local: source, pull: false });
  return await compareWithServer({ server: source, local: destination, pull: true, ...options });
}

interface Ends extends CompareOptions {
  server: Store;
  local: Store;
  /** From the server to here. */
  pull: boolean;
}

async function compareWithServer(ends: Ends): Promise<Comparison> {
  const { server, local, pull } = ends;
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
  return compareLooked(ends, { former: former!, head, since, snapshot });
}

/** What is known after a look at the folder here. */
interface Looked {
  former: Former;
  head: PlainHead;
  since: ChangesSince | null;
  snapshot: Snapshot;
}

function compareLooked({ local, pull, ...options }: Ends, looked: Looked): Comparison {
  const { former: { memory, remember }, head, since, snapshot } = looked;
  // What a run leaves alone that only the destination has, is no difference to the source.
  const left = pull && !options.delete ? memory.extra : [];
  const seen = snapshot.without(left);
  const root = seen.root(memory.digests);
  const { replica, epoch, seq } = head;
  const learn = (found: readonly string[]) => (given?: readonly string[]) => {
    // Of a push it is the server's.
    const known = pull ? given ?? found : memory.extra;
    const extra = known.length > MAX_EXTRA ? [] : known;
    const same = memory.version?.epoch === epoch && memory.version.seq === seq &&
      memory.version.root === head.root && `${memory.extra}` === `${extra}`;
    if (same && seen.learned === 0) return;
    remember({ version: { replica, epoch, seq, root: head.root }, digests: seen.made, extra });
  };
  if (root === head.root) return { kind: "same", files: head.files, learned: learn(left) };
  if (since !== null && root === memory.version!.root && !meet(since.list, left)) {
    const near = new NearTree(seen, since.list);
    // What the server told does not lead there: nothing is built on it.
    if (near.root() === head.root) {
      const trees = near.trees();
      const gone = options.delete ? [] : onlyIn(trees.before, trees.changed);
      const learned = learn(topmost([...left, ...gone]));
      return { kind: "near", files: head.files, trees, snapshot, learned };
    }
  }
  if (!pull && snapshot.rules) return { ...UNKNOWN, learned: learn([]) };
  return { kind: "unknown", scanned: { store: local, tree: snapshot.tree() }, learned: learn([]) };
}

/** Whether anything came to, into, or in the place of a folder around what only the destination has. */
function meet(changes: readonly Change[], extra: readonly string[]): boolean {
  const paths = new Set(extra);
  const around = new Set<string>();
  for (const path of extra) for (let at = parentPath(path); at !== ""; at = parentPath(at)) around.add(at);
  return changes.some(({ path, entry }) =>
    entry !== null &&
    (paths.has(path) || isBelow(path, paths) || (entry.kind !== "dir" && around.has(path)))
  );
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
