/** The folders of a live index, in memory: what each adds up to, and whether it is known to be as it was seen. */
import type { ProblemCode } from "../../core/entry.ts";
import { childPath } from "../../core/paths.ts";
import { byName, folderText, textDigest } from "../../wire/tree_digest.ts";

/** What a folder holds, all levels together. */
export interface Below {
  /** The tree's digest (wire/tree_digest.ts); null when a problem is in it. */
  digest: string | null;
  /** The highest number of anything that changed in it. */
  seq: number;
  /** Regular files. */
  files: number;
  /** Whether a filter file is among them. */
  rules: boolean;
}

/** A folder of the share, with what it holds in sum. */
export class Folder {
  readonly children = new Map<string, Folder>();
  readonly path: string;
  mtime = 0;
  mode = 0;
  dev = 0;
  /** 0 before it was looked at. */
  ino = 0;
  /** When it became what it is itself: its time and permission bits. */
  born = 0;
  /** The highest number of what changed in it; its folders count for themselves. */
  seq = 0;
  /** The digest of its files and links; null when one is a problem. */
  own: string | null = null;
  files = 0;
  /** Files, links and problems in it. */
  count = 0;
  /** Whether a filter file is in it. */
  rules = false;
  /** Why it could not be read. */
  problem: { code: ProblemCode; message: string } | null = null;
  /** The number of its watch; -1 without one. */
  wd = -1;
  /** No watch tells of everything that happens in it. */
  unsure = false;
  #below: Below | null = null;

  constructor(readonly parent: Folder | null, readonly name: string) {
    this.path = parent === null ? "" : childPath(parent.path, name);
  }

  /** Forgets what it and the folders around it add up to. */
  invalidate(): void {
    this.#below = null;
    for (let { parent } = this; parent !== null; { parent } = parent) parent.#below = null;
  }

  /** What it adds up to with all below it. */
  get below(): Below {
    return this.#below ??= this.#sum();
  }

  #sum(): Below {
    let { seq, files, rules } = this;
    let text = this.problem === null ? this.own : null;
    for (const child of this.sortedChildren()) {
      const below = child.below;
      seq = Math.max(seq, child.born, below.seq);
      files += below.files;
      rules ||= below.rules;
      if (below.digest === null) text = null;
      else if (text !== null) text += folderText(child.name, { ...child, digest: below.digest });
    }
    return { digest: text === null ? null : textDigest(text), seq, files, rules };
  }

  sortedChildren(): Folder[] {
    return [...this.children.values()].sort((a, b) => byName(a.name, b.name));
  }

  /** The folder at `path` below this one. */
  find(path: string): Folder | null {
    if (path === "") return this;
    let folder: Folder | undefined;
    for (const name of path.split("/")) {
      folder = (folder ?? this).children.get(name);
      if (folder === undefined) return null;
    }
    return folder ?? null;
  }

  /** This folder and all below it, parents first. */
  *walk(): Generator<Folder> {
    const pending: Folder[] = [this];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      yield folder;
      pending.push(...folder.children.values());
    }
  }
}
