/** Where a run takes its sources from and writes to: temporary folders in memory and on disk. */
import { FerryError } from "../lib/core/errors.ts";
import { formatBytes } from "../lib/cli/units.ts";
import { cacheFolder } from "./corpus.ts";
import { freeSpace } from "./machine.ts";
import type { Target } from "./works/work.ts";

const MEMORY = "/dev/shm";

/**
 * Where it is mounted as well, where that can be done: the runtime has no permission for a part of `/dev`, so that a
 * server of a folder there runs outside its sandbox, which is not what is to be measured.
 */
const MOUNTS = "/tmp";

export interface Places {
  /** Sources lie in memory, unless nothing shall be there. */
  sources: string;
  targets: Target[];
  scratch(): string;
  remove(): Promise<void>;
}

/**
 * Makes the folders. Refuses with `usage` when there is too little room for `needed` bytes in memory or on disk.
 */
export function makePlaces(kinds: readonly Target["kind"][], needed: number): Places {
  const made: string[] = [];
  const mounted: string[] = [];
  const remove = async () => {
    for (const dir of mounted) new Deno.Command("umount", { args: [dir] }).outputSync();
    for (const dir of [...mounted, ...made]) await Deno.remove(dir, { recursive: true }).catch(() => {});
  };
  const make = (kind: Target["kind"]) => {
    const base = kind === "tmpfs" ? MEMORY : cacheFolder();
    const dir = Deno.makeTempDirSync({ dir: base, prefix: "ferry-bench-" });
    made.push(dir);
    return kind === "tmpfs" ? mountedElsewhere(dir) : dir;
  };
  const mountedElsewhere = (dir: string) => {
    const place = Deno.makeTempDirSync({ dir: MOUNTS, prefix: "ferry-bench-" });
    if (new Deno.Command("mount", { args: ["--bind", dir, place], stderr: "null" }).outputSync().success) {
      mounted.push(place);
      return place;
    }
    Deno.removeSync(place);
    return dir;
  };
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  for (const kind of kinds) {
    const room = roomFor(kind);
    if (room < needed) {
      throw new FerryError(
        "usage",
        `${kind === "tmpfs" ? MEMORY : cacheFolder()} has room for ${formatBytes(room)}, the bench needs ` +
          `${formatBytes(needed)}${kind === "tmpfs" ? "; free some, or use --target disk" : ""}`,
      );
    }
  }
  const roots = kinds.map((kind) => ({ kind, root: make(kind) }));
  const targets = roots.map(({ kind, root }) => ({ kind, dir: subfolder(root, "target") }));
  // Listed first where it is a target: reading the sources shall not be what is measured.
  const home = (roots.find(({ kind }) => kind === "tmpfs") ?? roots[0]).root;
  const sources = subfolder(home, "sources");
  const scratches = subfolder(home, "scratch");
  const scratch = () => Deno.makeTempDirSync({ dir: scratches });
  return { sources, targets, scratch, remove };
}

/** Bytes that may be written; a tmpfs has no more than the machine has memory left. */
export function roomFor(kind: Target["kind"]): number {
  if (kind === "disk") return freeSpace(cacheFolder());
  return Math.min(freeSpace(MEMORY), Deno.systemMemoryInfo().available);
}

function subfolder(root: string, name: string): string {
  Deno.mkdirSync(`${root}/${name}`);
  return `${root}/${name}`;
}
