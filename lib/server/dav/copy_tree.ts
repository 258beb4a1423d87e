/** Copying a folder, for COPY: into the stage, so that it appears as a whole. */
import { isHidden, RESERVED_NAME } from "../../core/paths.ts";
import { turn } from "../../core/turn.ts";
import { makeSymlink } from "../../store/symlink.ts";
import { durableFor } from "../../store/write/durable.ts";

/** Files up to this size are copied at once: it takes less time than to wait for it. */
const AT_ONCE = 1024 * 1024;

/** No other request waits longer than about this, in milliseconds. */
const TURN_MS = 10;

/** What a copy takes along. */
export interface CopyOptions {
  /** Whether names that start with a dot are copied. */
  hidden: boolean;
  /** Without it the folder alone is copied, empty. */
  deep: boolean;
  /** A folder of the file system that the copy is on. */
  root: string;
}

/**
 * Copies the folder `from` to `to`, where nothing is, down to the disk. Links are copied as links, so that none is
 * followed out of the share; what is neither file, folder nor link is left out, and so is what went away meanwhile.
 */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<void> {
  const durable = durableFor(options.root);
  const modes: [path: string, mode: number][] = [];
  let since = performance.now();
  try {
    const folders: [from: string, to: string][] = [[from, to]];
    for (let pair = folders.pop(); pair !== undefined; pair = folders.pop()) {
      const [source, copy] = pair;
      const info = Deno.lstatSync(source);
      Deno.mkdirSync(copy);
      durable?.touched(copy);
      if (info.mode !== null) modes.push([copy, info.mode & 0o777]);
      if (!options.deep) break;
      for (const entry of Deno.readDirSync(source)) {
        if (entry.name === RESERVED_NAME || (!options.hidden && isHidden(entry.name))) continue;
        const [here, there] = [`${source}/${entry.name}`, `${copy}/${entry.name}`];
        if (entry.isDirectory) folders.push([here, there]);
        else if (entry.isSymlink) makeSymlink(Deno.readLinkSync(here), there);
        else if (entry.isFile && await copyFile(here, there)) durable?.wrote(there);
        if (performance.now() - since < TURN_MS) continue;
        await turn();
        since = performance.now();
      }
    }
    await durable?.all();
    // At the end: it may be a folder that nobody may write to.
    for (const [path, mode] of modes.reverse()) Deno.chmodSync(path, mode);
  } finally {
    durable?.close();
  }
}

/** False where it is gone. */
async function copyFile(from: string, to: string): Promise<boolean> {
  try {
    const { size, isFile } = Deno.lstatSync(from);
    if (!isFile) return false;
    if (size <= AT_ONCE) Deno.copyFileSync(from, to);
    else await Deno.copyFile(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
