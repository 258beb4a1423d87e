/**
 * Writes small downloads: as a `PartFile` would, at a fifth of the cost. Nothing waits for the disk by itself but a
 * whole batch, and files are made by names in an open folder. Whatever is in the way, a file of that name first of all,
 * is left to a `PartFile`.
 */
import type { BatchResult, FileBatch } from "../../client/lane/file_batch.ts";
import { PartFile } from "../../client/parts/part_file.ts";
import { resolveOutput } from "../../client/sink.ts";
import { FerryError } from "../../core/errors.ts";
import { packError } from "../../core/packed_error.ts";
import { type Libc, libc } from "../libc.ts";
import { type Durable, durableFor } from "../write/durable.ts";

/** Folders that are held open. */
const MAX_FOLDERS = 64;

const PART = ".ferry-part";
/** The rights of the owner's umask. */
const MODE = 0o666;

/** An open folder, and what is to become durable on its file system. */
interface Folder {
  descriptor: number;
  durable: Durable | null;
}

/** A file that is written and has not its name yet. */
interface Written {
  index: number;
  folder: number;
  name: string;
  file: number;
}

export class SmallFiles {
  readonly #libc: Libc | null;
  readonly #folders = new Map<string, Folder | null>();
  /** By the number of the device. */
  readonly #durables = new Map<number, Durable | null>();

  constructor(calls: Libc | null = libc()) {
    this.#libc = calls;
  }

  /** Writes a batch; trouble with one file is a fault of its own. */
  async write(batch: FileBatch): Promise<BatchResult> {
    const written: Written[] = [];
    const slow: number[] = [];
    const waiting = new Set<Durable>();
    for (let index = 0; index < batch.paths.length; index++) {
      const path = batch.paths[index];
      const slash = path.lastIndexOf("/");
      const folder = this.#folder(slash === -1 ? "." : path.slice(0, slash) || "/");
      const file = folder &&
        this.#create(batch, index, { folder: folder.descriptor, name: path.slice(slash + 1) });
      if (!folder || !file) slow.push(index);
      else if (folder.durable === null) { if (!this.#place(file)) slow.push(index); }
      else {
        folder.durable.wrote(`${path}${PART}`);
        waiting.add(folder.durable);
        written.push(file);
      }
    }
    const faults: BatchResult["faults"] = [];
    if (written.length > 0) await this.#placeDurable(written, { waiting, slow });
    for (const index of slow) {
      const error = writeAlone(batch.paths[index], contentOf(batch, index), batch.mtimes?.[index]);
      if (error !== undefined) faults.push({ index, error });
    }
    if (!batch.digests) return { buffer: batch.buffer, faults };
    const { createHash } = await import("node:crypto");
    const digest = (_: string, index: number) =>
      createHash("sha256").update(contentOf(batch, index)).digest("hex");
    return { buffer: batch.buffer, faults, digests: batch.paths.map(digest) };
  }

  close(): void {
    for (const folder of this.#folders.values()) if (folder) this.#libc!.close(folder.descriptor);
    for (const durable of this.#durables.values()) durable?.close();
    this.#folders.clear();
    this.#durables.clear();
  }

  /** Waits for the disk, once for all of them, and gives them their names. */
  async #placeDurable(written: Written[], { waiting, slow }: { waiting: Set<Durable>; slow: number[] }) {
    try {
      for (const durable of waiting) await durable.contents();
    } catch {
      // The disk did not take them: why, each will be told by itself.
      for (const file of written) this.#drop(file);
      slow.push(...written.map(({ index }) => index));
      return;
    }
    for (const file of written) if (!this.#place(file)) slow.push(file.index);
  }

  /** A file with its whole content under the name of a part, open and locked; null where that is not to be had. */
  #create(
    batch: FileBatch,
    index: number,
    { folder, name }: { folder: number; name: string },
  ): Written | null {
    const calls = this.#libc!;
    const part = name + PART;
    const file = calls.create(folder, part, MODE);
    if (file < 0) return null;
    const mtime = batch.mtimes?.[index];
    const written: Written = { index, folder, name, file };
    // Until it has its name, so that nobody else writes into what then has it.
    const good = calls.lock(file) && calls.write(file, contentOf(batch, index)) &&
      (mtime === undefined || Number.isNaN(mtime) || calls.setTime(file, mtime));
    if (good) return written;
    this.#drop(written);
    return null;
  }

  /** Gives it its name, where nothing has that. */
  #place(written: Written): boolean {
    const { folder, name, file } = written;
    if (!this.#libc!.renameNewIn(folder, name + PART, name)) {
      this.#drop(written);
      return false;
    }
    this.#libc!.close(file);
    return true;
  }

  #drop({ folder, name, file }: Written): void {
    this.#libc!.removeIn(folder, name + PART);
    this.#libc!.close(file);
  }

  #folder(dir: string): Folder | null {
    if (this.#libc === null) return null;
    const known = this.#folders.get(dir);
    if (known !== undefined) return known;
    if (this.#folders.size >= MAX_FOLDERS) {
      const [oldest, folder] = this.#folders.entries().next().value!;
      if (folder) this.#libc.close(folder.descriptor);
      this.#folders.delete(oldest);
    }
    const folder = this.#openFolder(dir, this.#libc);
    this.#folders.set(dir, folder);
    return folder;
  }

  #openFolder(dir: string, calls: Libc): Folder | null {
    try {
      const real = Deno.realPathSync(dir);
      const descriptor = calls.openFolder(real);
      if (descriptor < 0) return null;
      const { dev } = Deno.statSync(real);
      let durable = this.#durables.get(dev);
      if (durable === undefined) this.#durables.set(dev, durable = durableFor(real));
      return { descriptor, durable };
    } catch {
      // Each file will tell why.
      return null;
    }
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
