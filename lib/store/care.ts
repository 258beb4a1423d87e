/** What a writer does besides writing, as a run asks for it: see that things reach the disk, and keep old versions. */
import { innerPath } from "./root.ts";
import { type Durable, durableFor } from "./durable.ts";
import { Trash } from "./trash.ts";
import { trashOf } from "./trash_times.ts";

/** Where old versions go: the destination's own trash, nowhere, or a folder of this machine. */
export type TrashChoice = { kind: "own" } | { kind: "none" } | { kind: "dir"; path: string };

/** How a place is written to. */
export interface Safety {
  /** Wait for the disk: a content is on it before it takes its place, and everything before a run ends. */
  fsync: boolean;
  trash: TrashChoice;
}

/** As it is unless told. */
export const SAFE: Safety = { fsync: true, trash: { kind: "own" } };

export interface Care {
  durable: Durable | null;
  trash: Trash | null;
}

/** For writing to `folder`, a real path; `root` is the folder around it whose `.ferry/` is used, itself by default. */
export function careFor(folder: string, { fsync, trash }: Safety, root = folder): Care {
  const durable = fsync ? durableFor(folder) : null;
  if (trash.kind === "none") return { durable, trash: null };
  const dir = trash.kind === "own" ? trashOf(root) : trash.path;
  return {
    durable,
    trash: new Trash(folder, {
      dir,
      prefix: innerPath(root, folder),
      sync: fsync,
      touched: (path) => durable?.touched(path),
    }),
  };
}
