/** Reads a folder of the local file system into entries; the only place that turns `lstat` into an Entry. */
import * as crypto from "node:crypto";
import { osReason, readError } from "../core/errors.ts";
import { type Entry, type LinkEntry, MODE_MASK, type ProblemEntry, type Tree } from "../core/entry.ts";
import { childPath, joinRoot, nameProblem, pathProblem, RESERVED_NAME } from "../core/paths.ts";
import type { Listing } from "../wire/tree.ts";
import type { ScanOptions } from "./store.ts";

export interface ScanFolderOptions extends ScanOptions {
  /** Which paths the reader may see; all by default. What is hidden is as if it were not there. */
  visible?: (path: string) => boolean;
}

/**
 * Lists `root` folder by folder, parents before children, one folder a step, so that a server can answer others in
 * between. Links are not followed. Throws `read_failed` when the root itself cannot be read.
 */
export function* scanFolders(root: string, options: ScanFolderOptions = {}): Generator<Listing> {
  const pending = [""];
  while (pending.length > 0) {
    const dir = pending.pop()!;
    const entries: [string, Entry][] = [];
    try {
      const seen = new Set<string>();
      for (const { name } of Deno.readDirSync(joinRoot(root, dir))) {
        // Names that are not UTF-8 decode lossily, so that two of them can look alike; one line about them will do.
        if (name === RESERVED_NAME || seen.has(name)) continue;
        if (name.includes("\ufffd")) seen.add(name);
        const path = childPath(dir, name);
        if (options.visible && !options.visible(path)) continue;
        entries.push([name, readEntry(root, path, name, options)]);
      }
    } catch (error) {
      if (dir === "") throw readError(error, root);
      yield { dir, problem: { code: "unreadable", message: `cannot read the folder: ${osReason(error)}` } };
      continue;
    }
    yield { dir, entries };
    for (const [name, entry] of entries) if (entry.kind === "dir") pending.push(childPath(dir, name));
  }
}

/** All of `root` as a tree. */
export function scanTree(root: string, options: ScanFolderOptions = {}): Tree {
  const tree: Tree = new Map();
  for (const listing of scanFolders(root, options)) {
    if ("problem" in listing) tree.set(listing.dir, { kind: "problem", ...listing.problem });
    else for (const [name, entry] of listing.entries) tree.set(childPath(listing.dir, name), entry);
  }
  return tree;
}

function readEntry(root: string, path: string, name: string, options: ScanFolderOptions): Entry {
  const trouble = nameProblem(name) ?? (path.length > 1000 ? pathProblem(path) : null);
  if (trouble !== null) return problem("refused_name", `the name is refused: ${trouble}`);
  const full = joinRoot(root, path);
  try {
    const info = Deno.lstatSync(full);
    const entry = entryOf(info, full);
    if (options.checksum && entry.kind === "file") entry.sha256 = hashFile(full);
    return entry;
  } catch (error) {
    if (name.includes("\ufffd")) return problem("not_utf8", "its name is not valid UTF-8");
    if (error instanceof Deno.errors.NotFound) {
      return problem("vanished", "it vanished while the folder was read");
    }
    return problem("unreadable", `cannot read it: ${osReason(error)}`);
  }
}

/** The entry of what `lstat` found at `full`, without looking into files. */
export function entryOf(info: Deno.FileInfo, full: string): Entry {
  const mtime = info.mtime?.getTime() ?? 0;
  const mode = (info.mode ?? 0o644) & MODE_MASK;
  if (info.isFile) return { kind: "file", size: info.size, mtime, mode };
  if (info.isDirectory) return { kind: "dir", mtime, mode };
  if (info.isSymlink) return linkEntry(full, mtime);
  return problem("unsupported_kind", "it is neither a file, a folder nor a symbolic link");
}

function linkEntry(full: string, mtime: number): LinkEntry | ProblemEntry {
  const target = Deno.readLinkSync(full);
  // A target that is not UTF-8 would come out changed on the other side.
  if (target.includes("\ufffd")) return problem("not_utf8", "its link target is not valid UTF-8");
  return { kind: "symlink", target, mtime };
}

function problem(code: ProblemEntry["code"], message: string): ProblemEntry {
  return { kind: "problem", code, message };
}

/** The SHA-256 of a file, lower-case hex; reads it through once. */
export function hashFile(full: string): string {
  const hash = crypto.createHash("sha256");
  const buffer = new Uint8Array(256 * 1024);
  using file = Deno.openSync(full);
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}
