/** The head of a tree: its version in a few bytes, and what changed after one. */
import { FerryError } from "../core/errors.ts";
import type { Fields } from "./fields.ts";

/** What `GET head` answers. */
export interface TreeHead {
  /** Which index this is about: a random id that stays with it. */
  replica: string;
  /** Changes when the index was lost and began to count anew. */
  epoch: string;
  /** The number of the last change in the tree. */
  seq: number;
  /** The digest of the tree (tree_digest.ts); null when something in it cannot be replicated. */
  root: string | null;
  /** Regular files in the tree. */
  files: number;
  /** Whether a filter file (`.ferryignore`) is in it. */
  rules: boolean;
}

/** The most bytes of a head. */
export const MAX_HEAD_BYTES = 2048;

/** The answer of `head`. Throws `protocol`. */
export function parseHead(fields: Fields): TreeHead {
  const { replica, epoch, seq, root, files, rules } = fields;
  if (typeof rules !== "boolean") throw malformed();
  if (!isId(replica) || !isId(epoch) || !isCount(seq) || !isCount(files)) throw malformed();
  if (root !== null && (typeof root !== "string" || !/^[0-9a-f]{64}$/.test(root))) throw malformed();
  return { replica, epoch, seq, root, files, rules };
}

/**
 * The strong ETag of a head: it changes with every change of the tree, also with one that is taken back. The digest
 * in it tells apart what an index that was restored from a backup counts twice.
 */
export function headTag(
  { replica, epoch, seq, root }: Pick<TreeHead, "replica" | "epoch" | "seq" | "root">,
): string {
  return `"${replica}.${epoch}.${seq}.${root ?? ""}"`;
}

/** Whether `value` may be the id of a replica. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-zA-Z-]{1,64}$/.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed(): FerryError {
  return new FerryError("protocol", "malformed message: not a head");
}
