/** What a writer does besides writing, as a run asks for it: see that things reach the disk, and keep old versions. */
import { assertNever } from "../../core/errors.ts";
import { innerPath } from "../root.ts";
import { type Durable, durableFor } from "./durable.ts";
import { Trash } from "../trash/trash.ts";
import { trashOf } from "../trash/times.ts";

/** Where old versions go: the trash of the destination or of the share around it, nowhere, or a folder of this machine. */
export type TrashChoice =
  | { kind: "own" }
  | { kind: "share"; root: string }
  | { kind: "none" }
  | { kind: "dir"; path: string };

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

/** The folder of the trash for writing to `folder`; where there is to be none, of what earlier runs kept. */
export function trashDir(folder: string, trash: TrashChoice): string {
  switch (trash.kind) {
    case "own":
    case "none":
      return trashOf(folder);
    case "share":
      return trashOf(trash.root);
    case "dir":
      return trash.path;
    default:
      assertNever(trash);
  }
}

/** For writing to `folder`, a real path; `warn` is told what old versions cannot be kept. */
export function careFor(folder: string, { fsync, trash }: Safety, warn?: (line: string) => void): Care {
  const durable = fsync ? durableFor(folder) : null;
  if (trash.kind === "none") return { durable, trash: null };
  return {
    durable,
    trash: new Trash(folder, {
      dir: trashDir(folder, trash),
      prefix: trash.kind === "share" ? innerPath(trash.root, folder) : "",
      sync: fsync,
      warn,
      touched: (path) => durable?.touched(path),
    }),
  };
}
