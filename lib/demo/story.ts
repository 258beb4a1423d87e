/**
 * What the demo does, step by step, with Ferry's own commands: two servers, a replication, fetches, an upload through
 * a pipe, changes, a second replication, and the proof that both trees are the same.
 */
import { FerryError } from "../core/errors.ts";
import type { FileEntry, Tree } from "../core/entry.ts";
import { toUrlPath } from "../core/paths.ts";
import { scanTree } from "../store/read/scan.ts";
import { runSelf } from "./program.ts";

/** One line of the report. `bytes` is what travelled, where anything did. */
export interface Step {
  name: string;
  detail: string;
  bytes: number;
  ms: number;
}

/** Where the story takes place: two folders, each with the URL of its server. */
export interface Stage {
  a: { dir: string; url: string };
  b: { dir: string; url: string };
}

const RANGE_BYTES = 1000;

/** Does everything, handing on each step as it is done. Throws when anything is not as it should be. */
export async function* tellStory({ a, b }: Stage): AsyncGenerator<Step> {
  const files = await filesOf(a.dir);
  yield await replicate("replicate A to B", a.url, b.url);
  yield await replicate("again, nothing changed", a.url, b.url);

  const [largest] = files.toSorted((x, y) => y.size - x.size);
  yield await fetchRange(b.url, largest);
  yield await fetchWhole(b.url, largest);
  yield await uploadThroughPipe(a.url);
  yield await changeMoveDelete(a.url, files);
  yield await replicate("replicate again", a.url, b.url);
  yield await compare(a.dir, b.dir);
}

interface NamedFile {
  path: string;
  size: number;
  sha256: string;
}

/** The files that plain HTTP shows, those with content, by path. */
async function filesOf(dir: string): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  for (const [path, entry] of await scanTree(dir, { checksum: true })) {
    if (entry.kind !== "file" || entry.size === 0 || ("/" + path).includes("/.")) continue;
    files.push({ path, size: entry.size, sha256: entry.sha256! });
  }
  if (files.length < 3) {
    throw new FerryError("usage", "the demo needs a folder with at least three files in it");
  }
  return files.sort((x, y) => (x.path < y.path ? -1 : 1));
}

async function replicate(name: string, from: string, to: string): Promise<Step> {
  const { stdout, ms } = await runSelf(["sync", "--delete", "--json", from, to]);
  const events = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  const done = events.at(-1);
  const detail = `${done.created} created, ${done.updated} updated, ${done.deleted} deleted`;
  return { name, detail, bytes: done.bytes_content, ms };
}

async function fetchRange(url: string, { path, size }: NamedFile): Promise<Step> {
  const count = Math.min(RANGE_BYTES, size);
  const first = Math.floor((size - count) / 2);
  const range = `${first}-${first + count - 1}`;
  const { stdout, ms } = await runSelf(["request", "--range", range, url + toUrlPath(path).slice(1)]);
  if (stdout.length !== count) {
    throw new FerryError("partial_transfer", `${stdout.length} bytes came for range ${range}`);
  }
  return { name: "fetch a range from B", detail: `${path} [${range}]`, bytes: count, ms };
}

async function fetchWhole(url: string, { path, size, sha256 }: NamedFile): Promise<Step> {
  const target = url + toUrlPath(path).slice(1);
  const { stdout, ms } = await runSelf(["request", "--checksum", `sha256:${sha256}`, target]);
  if (stdout.length !== size) {
    throw new FerryError("partial_transfer", `${stdout.length} of ${size} bytes came`);
  }
  return { name: "fetch it whole, verified", detail: `sha256 ${sha256.slice(0, 16)}...`, bytes: size, ms };
}

async function uploadThroughPipe(url: string): Promise<Step> {
  const text = new TextEncoder().encode("through a pipe, its length not known\n".repeat(1000));
  const { ms } = await runSelf(["request", "--upload", "-", `${url}new%20folder/from-a-pipe.txt`], text);
  return { name: "upload through a pipe to A", detail: "new folder/from-a-pipe.txt", bytes: text.length, ms };
}

async function changeMoveDelete(url: string, files: readonly NamedFile[]): Promise<Step> {
  const [changed, moved, deleted] = files;
  const at = (path: string) => url + toUrlPath(path).slice(1);
  const content = new TextEncoder().encode("changed by the demo\n");
  const put = await runSelf(["request", "--upload", "-", at(changed.path)], content);
  const target = toUrlPath(`${moved.path}.moved`);
  const move = await runSelf(["request", "MOVE", at(moved.path), "--header", `Destination: ${target}`]);
  const remove = await runSelf(["request", "DELETE", at(deleted.path)]);
  const detail = `${changed.path}; ${moved.path}; ${deleted.path}`;
  return {
    name: "change, move, delete on A",
    detail,
    bytes: content.length,
    ms: put.ms + move.ms + remove.ms,
  };
}

async function compare(a: string, b: string): Promise<Step> {
  const start = performance.now();
  const [first, second] = [await scanTree(a, { checksum: true }), await scanTree(b, { checksum: true })];
  const [files, bytes] = countFiles(first);
  for (const path of new Set([...first.keys(), ...second.keys()])) {
    if (fingerprint(first, path) === fingerprint(second, path)) continue;
    throw new FerryError("checksum_mismatch", `A and B differ at ${path}`);
  }
  const detail = `${files} files, byte-identical`;
  return { name: "compare A and B", detail, bytes, ms: performance.now() - start };
}

function countFiles(tree: Tree): [files: number, bytes: number] {
  const files = [...tree.values()].filter((entry): entry is FileEntry => entry.kind === "file");
  return [files.length, files.reduce((sum, file) => sum + file.size, 0)];
}

/** All that replication keeps of a path, as text. */
function fingerprint(tree: Tree, path: string): string {
  return JSON.stringify(tree.get(path) ?? null);
}
