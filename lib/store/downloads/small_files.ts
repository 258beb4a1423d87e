/**
 * Writes small downloads: as a `PartFile` would, at a fifth of the cost. Nothing waits for the disk by itself but a
 * whole batch, and a file has no name at all until it is whole (O_TMPFILE), where that can be. Whatever is in the way, a
 * file of that name first of all, is left to a `PartFile`.
 */
import type { BatchResult, FileBatch } from "../../client/lane/file_batch.ts";
import { PartFile } from "../../client/parts/part_file.ts";
import { resolveOutput } from "../../client/sink.ts";
import { FerryError } from "../../core/errors.ts";
import { packError } from "../../core/packed_error.ts";
import { type Libc, libc } from "../libc.ts";
import type { Durable } from "../write/durable.ts";
import { type OpenFolder, OpenFolders } from "./open_folders.ts";

const PART = ".ferry-part";
/** The rights of the owner's umask. */
const MODE = 0o666;

/** Files that are open, waiting for the disk, before no more are written. */
const MOST_WAITING = 512;

/** A file that is written and has not its name yet. */
interface Written {
  index: number;
  folder: OpenFolder;
  name: string;
  file: number;
  /** Else it is a part. */
  unnamed: boolean;
}

export class SmallFiles {
  readonly #libc: Libc | null;
  readonly #folders: OpenFolders | null;
  /** Whether files can be without a name until they are whole. */
  #unnamed = true;
  /** Those that wait for the disk. */
  #waiting = 0;
  #placed = Promise.withResolvers<void>();

  constructor(calls: Libc | null = libc(), folders: OpenFolders | null = calls && new OpenFolders(calls)) {
    this.#libc = calls;
    this.#folders = folders;
  }

  /** Writes a batch; trouble with one file is a fault of its own. */
  async write(batch: FileBatch): Promise<BatchResult> {
    while (this.#waiting >= MOST_WAITING) await this.#placed.promise;
    const written: Written[] = [];
    const slow: number[] = [];
    const waiting = new Set<Durable>();
    for (let index = 0; index < batch.paths.length; index++) {
      const path = batch.paths[index];
      const slash = path.lastIndexOf("/");
      const folder = this.#folders?.get(slash === -1 ? "." : path.slice(0, slash) || "/") ?? null;
      const file = folder && this.#create(batch, index, { folder, name: path.slice(slash + 1) });
      if (!folder || !file) slow.push(index);
      else if (folder.durable === null) { if (!this.#place(file)) slow.push(index); }
      else {
        folder.durable.wrote(file.unnamed ? `/proc/self/fd/${file.file}` : `${path}${PART}`);
        waiting.add(folder.durable);
        written.push(file);
      }
    }
    const faults: BatchResult["faults"] = [];
    if (written.length > 0) await this.#placeDurable(written, { waiting, slow });
    for (const index of slow) {
      const write = () => writeAlone(batch.paths[index], contentOf(batch, index), batch.mtimes?.[index]);
      let error = write();
      // Descriptors may have run out, of which those that wait for the disk hold one each.
      while (error && this.#waiting > 0) {
        await this.#placed.promise;
        error = write();
      }
      if (error !== undefined) faults.push({ index, error });
    }
    if (!batch.digests) return { buffer: batch.buffer, faults };
    const { createHash } = await import("node:crypto");
    const digest = (_: string, index: number) =>
      createHash("sha256").update(contentOf(batch, index)).digest("hex");
    return { buffer: batch.buffer, faults, digests: batch.paths.map(digest) };
  }

  close(): void {
    this.#folders?.close();
  }

  /** Waits for the disk, once for all of them, and gives them their names. */
  async #placeDurable(written: Written[], { waiting, slow }: { waiting: Set<Durable>; slow: number[] }) {
    this.#waiting += written.length;
    try {
      const fault = await onDisk(waiting);
      // The disk did not take them: why, each will be told by itself.
      if (fault) { for (const file of written) this.#drop(file); }
      for (const file of written) if (fault || !this.#place(file)) slow.push(file.index);
    } finally {
      this.#waiting -= written.length;
      this.#placed.resolve();
      this.#placed = Promise.withResolvers();
    }
  }

  /** A file with its whole content, open, which has not its name yet; null where that is not to be had. */
  #create(
    batch: FileBatch,
    index: number,
    { folder, name }: { folder: OpenFolder; name: string },
  ): Written | null {
    const calls = this.#libc!;
    const unnamed = this.#unnamed;
    const part = name + PART;
    // What an earlier run has left is for a PartFile.
    if (folder.parts.has(part)) return null;
    const file = unnamed
      ? calls.createUnnamed(folder.descriptor, MODE)
      : calls.create(folder.descriptor, part, MODE);
    if (file < 0) {
      if (!unnamed) return null;
      this.#unnamed = false;
      return this.#create(batch, index, { folder, name });
    }
    folder.users++;
    const mtime = batch.mtimes?.[index];
    const written: Written = { index, folder, name, file, unnamed };
    // A part is locked until it has its name, so that nobody else writes into what then has it.
    const good = (unnamed || calls.lock(file)) && calls.write(file, contentOf(batch, index)) &&
      (mtime === undefined || Number.isNaN(mtime) || calls.setTime(file, mtime));
    if (good) return written;
    this.#drop(written);
    return null;
  }

  /** Gives it its name, where nothing has that. */
  #place(written: Written): boolean {
    const { folder, name, file, unnamed } = written;
    const { descriptor } = folder;
    const calls = this.#libc!;
    const placed = unnamed
      ? calls.nameNew(file, descriptor, name)
      : calls.renameNewIn(descriptor, name + PART, name);
    if (placed) {
      folder.users--;
      calls.close(file);
      return true;
    }
    // Nothing is in the way: it is that this cannot be done here.
    if (unnamed && calls.statIn(descriptor, name) === null) this.#unnamed = false;
    this.#drop(written);
    return false;
  }

  #drop({ folder, name, file, unnamed }: Written): void {
    if (!unnamed) this.#libc!.removeIn(folder.descriptor, name + PART);
    folder.users--;
    this.#libc!.close(file);
  }
}

/** Waits until what was written is on the disk; whether that failed. */
async function onDisk(waiting: Iterable<Durable>): Promise<boolean> {
  try {
    for (const durable of waiting) await durable.contents();
    return false;
  } catch {
    return true;
  }
}

function contentOf({ buffer, offsets, lengths }: FileBatch, index: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, offsets[index], lengths[index]);
}

/** Writes a file by itself; gives why it could not be, null for what is no ordinary file. */
function writeAlone(path: string, content: Uint8Array, mtime: number | undefined) {
  try {
    const target = resolveOutput(path);
    if (!target.ordinary) return null;
    const part = new PartFile(target.path);
    try {
      part.begin({ start: 0, have: 0 }, new URL("about:blank"));
      part.write(content);
      part.finish();
    } catch (error) {
      part.abandon({ start: 0, have: 0 }, false);
      throw error;
    }
    if (mtime !== undefined && !Number.isNaN(mtime)) {
      Deno.utimeSync(target.path, new Date(mtime), new Date(mtime));
    }
  } catch (error) {
    return packError(error instanceof FerryError ? error : new FerryError("write_failed", String(error)));
  }
}
