/** Asks both sides for the hashes that tell what was renamed or copied, and puts that into the plan. */
import type { Tree } from "../core/entry.ts";
import type { Store } from "../store/store.ts";
import { type Digests, searchMoves, withMoves } from "./moves.ts";
import type { Plan } from "./plan.ts";

/** Files asked for in one call, and calls under way on one side: one is answered while another travels. */
const CALL_FILES = 5000;
const CALLS_AHEAD = 2;

/** A side of the run as it was listed. */
export interface Listed {
  store: Store;
  tree: Tree;
  /** Adds to `tree` the files of these sizes, where it does not have all that is there. */
  addFiles?: (sizes: ReadonlySet<number>) => void;
}

/** `plan` with the renames and copies that the contents of both sides prove. Changes nothing. */
export async function findMoves(
  plan: Plan,
  sides: { source: Listed; destination: Listed },
  signal?: AbortSignal,
): Promise<Plan> {
  const { tree, addFiles } = sides.destination;
  const search = searchMoves(plan, tree, addFiles);
  if (search === null) return plan;
  const [source, destination] = await Promise.allSettled([
    hashAll(sides.source, search.hashes.source, signal),
    hashAll(sides.destination, search.hashes.destination, signal),
  ]);
  if (source.status === "rejected") throw source.reason;
  if (destination.status === "rejected") throw destination.reason;
  const digests: Digests = { source: source.value, destination: destination.value };
  return withMoves(plan, search, digests);
}

/** The hashes of `paths`, by path; with `--checksum` the trees have them already. */
async function hashAll(
  { store, tree }: Listed,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  const unknown = paths.filter((path) => {
    const entry = tree.get(path);
    if (entry?.kind !== "file" || entry.sha256 === undefined) return true;
    digests.set(path, entry.sha256);
    return false;
  });
  let next = 0;
  const calls = async () => {
    while (next < unknown.length) {
      signal?.throwIfAborted();
      const part = unknown.slice(next, next += CALL_FILES);
      const answers = await store.hashes(part);
      answers.forEach((digest, index) => {
        if (digest !== null) digests.set(part[index], digest);
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: CALLS_AHEAD }, calls));
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return digests;
}
