/** What a path holds, as the sync engine sees it. Times are whole milliseconds since 1970, modes the nine permission bits. */
export type Entry =
  | FileEntry
  | DirEntry
  | LinkEntry
  | ProblemEntry;

/** A regular file. */
export interface FileEntry {
  kind: "file";
  size: number;
  mtime: number;
  mode: number;
  /** SHA-256 in lower-case hex, only when the scan was asked for it. */
  sha256?: string;
}

/** A folder. */
export interface DirEntry {
  kind: "dir";
  mtime: number;
  mode: number;
}

/** A symbolic link. */
export interface LinkEntry {
  kind: "symlink";
  /** The text of the link, not resolved. */
  target: string;
  mtime: number;
}

/** Something is there that cannot be replicated; the run goes on without it and never touches it. */
export interface ProblemEntry {
  kind: "problem";
  code: ProblemCode;
  message: string;
}

/** Why one path could not be replicated. Stable words: scripts see them in `problem` events. */
export type ProblemCode =
  | "unreadable"
  | "unsupported_kind"
  | "not_utf8"
  | "refused_name"
  | "bad_link"
  | "changed"
  | "vanished"
  | "conflict"
  | "forbidden"
  | "write_failed"
  | "disk_full"
  | "bad_content"
  | "missing";

/** What went wrong with one path. */
export interface Problem {
  path: string;
  code: ProblemCode;
  message: string;
}

/** A whole tree: every path below the root, the root itself not included. Parents come before their children. */
export type Tree = Map<string, Entry>;

/** Only the permission bits travel: set-user-id, set-group-id and sticky bits are not taken from another machine. */
export const MODE_MASK = 0o777;

/** What a write expects to find at its target: null for nothing, else what must still be there. */
export type Version =
  | { kind: "file"; size: number; mtime: number }
  | { kind: "dir" }
  | { kind: "symlink"; target: string }
  | null;

/** The version of `entry` that a later compare-and-swap checks. */
export function versionOf(entry: Entry | undefined): Version {
  switch (entry?.kind) {
    case "file":
      return { kind: "file", size: entry.size, mtime: entry.mtime };
    case "dir":
      return { kind: "dir" };
    case "symlink":
      return { kind: "symlink", target: entry.target };
    default:
      return null;
  }
}

/** Whether two versions are the same. */
export function sameVersion(a: Version, b: Version): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === "file") return b.kind === "file" && a.size === b.size && a.mtime === b.mtime;
  if (a.kind === "symlink") return b.kind === "symlink" && a.target === b.target;
  return b.kind === "dir";
}
