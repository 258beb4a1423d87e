/**
 * One digest for a whole tree, the `root` of a head: equal digests, equal trees. The digest of a folder is the SHA-256
 * of two things in turn: the digest of its files and links, and the text of each folder in it.
 *
 * A text is a list of fields that each end in NUL, and comes in the order of names (by UTF-16 code unit):
 *
 * - `f`, name, size, mtime, mode
 * - `l`, name, mtime, target
 * - `d`, name, mtime, mode, digest of what is in it
 *
 * Numbers are decimal, digests lower-case hex. A tree with a problem in it has no digest: nobody knows all of it.
 */
import * as crypto from "node:crypto";
import type { Entry, Tree } from "../core/entry.ts";

/** The text of an entry that is no folder; null for a problem. */
export function entryText(name: string, entry: Entry): string | null {
  switch (entry.kind) {
    case "file":
      return `f\0${name}\0${entry.size}\0${entry.mtime}\0${entry.mode}\0`;
    case "symlink":
      return `l\0${name}\0${entry.mtime}\0${entry.target}\0`;
    default:
      return null;
  }
}

/** The text of a folder in another, `digest` of what is in it. */
export function folderText(name: string, folder: { mtime: number; mode: number; digest: string }): string {
  return `d\0${name}\0${folder.mtime}\0${folder.mode}\0${folder.digest}\0`;
}

/** Lower-case hex. */
export function textDigest(text: string): string {
  return crypto.createHash("sha256").update(text).digest("hex");
}

/** The digest of texts one after the other, which need not be in memory together. */
export class TextDigest {
  readonly #hash = crypto.createHash("sha256");
  #text = "";

  add(text: string): void {
    this.#text += text;
    if (this.#text.length < PIECE_CHARS) return;
    this.#hash.update(this.#text);
    this.#text = "";
  }

  /** Lower-case hex; to be asked for once. */
  digest(): string {
    return this.#hash.update(this.#text).digest("hex");
  }
}

const PIECE_CHARS = 64 * 1024;

/** The order of names. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The digest of a whole tree; null when a problem is in it. */
export function treeDigest(tree: Tree): string | null {
  const folders = new Map<string, [name: string, path: string, entry: Entry][]>([["", []]]);
  for (const [path, entry] of tree) {
    if (entry.kind === "problem") return null;
    if (entry.kind === "dir") folders.set(path, []);
    const slash = path.lastIndexOf("/");
    folders.get(slash === -1 ? "" : path.slice(0, slash))!.push([path.slice(slash + 1), path, entry]);
  }
  const digests = new Map<string, string>();
  // Parents come before their children, so from behind every folder is known when the one around it is asked for it.
  for (const [dir, items] of [...folders].reverse()) {
    items.sort(([a], [b]) => byName(a, b));
    const files = new TextDigest();
    let inner = "";
    for (const [name, path, entry] of items) {
      if (entry.kind === "dir") inner += folderText(name, { ...entry, digest: digests.get(path)! });
      else files.add(entryText(name, entry)!);
    }
    digests.set(dir, textDigest(files.digest() + inner));
  }
  return digests.get("")!;
}
