/**
 * The corpora: trees of npm packages, pinned by the lock files in bench/corpus/, installed once and kept in the cache
 * folder. Optional packages are left out: they are binaries of one platform, and the tree shall be the same everywhere.
 */
import { runWell } from "./process.ts";

/** `full`: about 70,000 files and 200 MB; `small`: 5,000 files and 46 MB. */
export type CorpusName = "full" | "small";

/** Where the bench keeps what it made: `$XDG_CACHE_HOME/ferry-bench`, or below `~/.cache`. */
export function cacheFolder(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "."}/.cache`;
  return `${cache}/ferry-bench`;
}

/** The folder of a corpus; installs it when it is not in the cache. */
export async function corpusFolder(name: CorpusName, say: (text: string) => void): Promise<string> {
  const pinned = new URL(`corpus/${name}/`, import.meta.url).pathname;
  const lock = Deno.readTextFileSync(`${pinned}package-lock.json`);
  const folder = `${cacheFolder()}/corpus-${name}-${await shortDigest(lock)}`;
  if (exists(folder)) return folder;
  say(`installing the ${name} corpus into ${folder}`);
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const work = Deno.makeTempDirSync({ dir: cacheFolder(), prefix: "installing-" });
  try {
    for (const file of ["package.json", "package-lock.json"]) {
      Deno.copyFileSync(pinned + file, `${work}/${file}`);
    }
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--loglevel=error"];
    await runWell({ path: "npm", args, cwd: work });
    // npm's own note of what it did: it differs from one npm to the next.
    Deno.removeSync(`${work}/node_modules/.package-lock.json`);
    Deno.renameSync(`${work}/node_modules`, folder);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
  return folder;
}

/** Writes a file of `bytes` bytes: one MiB of random bytes again and again, each time with another beginning. */
export function writeLargeFile(path: string, bytes: number): void {
  const block = new Uint8Array(1 << 20);
  for (let at = 0; at < block.length; at += 65_536) crypto.getRandomValues(block.subarray(at, at + 65_536));
  const stamp = new DataView(block.buffer);
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  for (let written = 0; written < bytes;) {
    stamp.setFloat64(0, written);
    written += file.writeSync(block.subarray(0, Math.min(block.length, bytes - written)));
  }
}

async function shortDigest(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
