/** The plan of a run whose sides are known as far as they may differ (near_tree.ts). */
import type { Tree } from "../core/entry.ts";
import { parentPath } from "../core/paths.ts";
import type { Snapshot } from "../store/read/snapshot.ts";
import { DELTA_BYTES } from "./delta.ts";
import type { NearTrees } from "./near_tree.ts";
import { makePlan, type Plan, type PlanOptions, sizeOf } from "./plan.ts";

/** Both sides as far as they may differ, and all of the destination at a glance. */
export interface Near {
  trees: NearTrees;
  snapshot: Snapshot;
}

/** Plans from what may differ: the rest is the same on both sides. Large files that new ones may be like are added. */
export function makeNearPlan({ trees: { changed, before }, snapshot }: Near, options: PlanOptions): Plan {
  const plan = makePlan(changed, before, options);
  const rest = snapshot.size - before.size;
  plan.totals.source += rest;
  plan.totals.destination += rest;
  addLarge(snapshot, plan, before);
  return plan;
}

/** Adds to `tree` the large files of the folders that new ones come into: those may be made from them. */
function addLarge(snapshot: Snapshot, plan: Plan, tree: Tree): void {
  const folders = new Set<string>();
  for (const change of plan.changes) {
    if (change.op === "create" && sizeOf(change.entry) >= DELTA_BYTES) folders.add(parentPath(change.path));
  }
  if (folders.size === 0) return;
  snapshot.addFiles(tree, (size, folder) => size >= DELTA_BYTES && folders.has(folder));
}
