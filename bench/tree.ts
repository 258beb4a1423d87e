/** Counts trees and compares them; `.ferry` at the top, Ferry's own state, is never part of one. */
import { Buffer } from "node:buffer";

export interface TreeSize {
  files: number;
  links: number;
  folders: number;
  /** Of the files' contents. */
  bytes: number;
}

/** What `compareTrees` demands beside names and contents of files. */
export interface CompareOptions {
  /** Also folders, links, permission bits and modification times to the millisecond. */
  metadata: boolean;
}

/** Counts what lies below `root`. */
export function measureTree(root: string): TreeSize {
  const size: TreeSize = { files: 0, links: 0, folders: 0, bytes: 0 };
  for (const { info } of walk(root)) {
    if (info.isSymlink) size.links++;
    else if (info.isDirectory) size.folders++;
    else {
      size.files++;
      size.bytes += info.size;
    }
  }
  return size;
}

/** Throws when the tree at `root` has not as many files and bytes as `expected`. */
export function checkSize(root: string, expected: TreeSize): void {
  const found = measureTree(root);
  if (found.files !== expected.files || found.bytes !== expected.bytes) {
    throw new MismatchError(
      `expected ${expected.files} files of ${expected.bytes} bytes, found ${found.files} of ${found.bytes}`,
    );
  }
}

/** Compares two trees byte by byte; throws at the first path where they differ. */
export function compareTrees(left: string, right: string, options: CompareOptions): void {
  const wanted = (info: Deno.FileInfo) => options.metadata || info.isFile;
  const others = new Map<string, Deno.FileInfo>();
  for (const { path, info } of walk(right)) if (wanted(info)) others.set(path, info);
  for (const { path, info } of walk(left)) {
    if (!wanted(info)) continue;
    const other = others.get(path);
    if (other === undefined) throw new MismatchError(`${path} did not arrive`);
    others.delete(path);
    const what = difference(`${left}/${path}`, info, `${right}/${path}`, other, options);
    if (what) throw new MismatchError(`${path}: ${what}`);
  }
  for (const path of others.keys()) throw new MismatchError(`${path} came from nowhere`);
}

/** Compares two files byte by byte, in pieces; throws when they differ. */
export function compareFiles(left: string, right: string): void {
  using a = Deno.openSync(left);
  using b = Deno.openSync(right);
  const piece = 4 << 20;
  const one = new Uint8Array(piece), two = new Uint8Array(piece);
  for (;;) {
    const count = readFully(a, one);
    if (readFully(b, two) !== count || !sameBytes(one.subarray(0, count), two.subarray(0, count))) {
      throw new MismatchError(`${right} is not what was sent`);
    }
    if (count < piece) return;
  }
}

/** What arrived is not what was sent. */
export class MismatchError extends Error {
  override name = "MismatchError";
}

function difference(
  left: string,
  a: Deno.FileInfo,
  right: string,
  b: Deno.FileInfo,
  options: CompareOptions,
): string | null {
  if (a.isSymlink || b.isSymlink) {
    if (!(a.isSymlink && b.isSymlink)) return "a link on one side only";
    return Deno.readLinkSync(left) === Deno.readLinkSync(right) ? null : "another link target";
  }
  if (a.isDirectory !== b.isDirectory) return "a folder on one side only";
  if (options.metadata && ((a.mode ?? 0) & 0o777) !== ((b.mode ?? 0) & 0o777)) return "other permission bits";
  if (a.isDirectory) return null;
  if (options.metadata && a.mtime?.getTime() !== b.mtime?.getTime()) return "another modification time";
  if (a.size !== b.size) return `${b.size} bytes instead of ${a.size}`;
  return sameBytes(Deno.readFileSync(left), Deno.readFileSync(right)) ? null : "other content";
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function readFully(file: Deno.FsFile, into: Uint8Array): number {
  let filled = 0;
  while (filled < into.length) {
    const count = file.readSync(into.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

function* walk(root: string, prefix = ""): Generator<{ path: string; info: Deno.FileInfo }> {
  for (const { name } of Deno.readDirSync(root)) {
    const path = prefix + name;
    if (path === ".ferry") continue;
    const info = Deno.lstatSync(`${root}/${name}`);
    yield { path, info };
    if (info.isDirectory) yield* walk(`${root}/${name}`, path + "/");
  }
}
