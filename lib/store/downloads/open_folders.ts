/** Folders that files are written into, held open for as long as they are needed. */
import type { Libc } from "../libc.ts";
import { type Durable, durableFor } from "../write/durable.ts";

/** Those that are held open although nobody needs them just now. */
const MAX_IDLE = 64;

/** Folders of which it is remembered what earlier runs left in them. */
const MAX_LOOKED = 10_000;

const NONE: ReadonlySet<string> = new Set();

const SUFFIX = new TextEncoder().encode(".ferry-part");

/** A folder and what is to become durable on its file system. */
export interface OpenFolder {
  readonly descriptor: number;
  readonly durable: Durable | null;
  /** The parts of files in it that earlier runs left. */
  readonly parts: ReadonlySet<string>;
  /** Files that have yet to get their names in it. */
  users: number;
}

export class OpenFolders {
  readonly #calls: Libc;
  readonly #durableFor: typeof durableFor;
  /** The one that was opened first comes first; null for what is no folder, or cannot be opened. */
  readonly #folders = new Map<string, OpenFolder | null>();
  readonly #entries = new Uint8Array(64 * 1024);
  readonly #parts = new Map<string, ReadonlySet<string>>();
  /** By the number of the device. */
  readonly #durables = new Map<number, Durable | null>();

  constructor(calls: Libc, makeDurable: typeof durableFor = durableFor) {
    this.#calls = calls;
    this.#durableFor = makeDurable;
  }

  /** The folder `dir`, which stays open while it has users; null where it cannot be opened. */
  get(dir: string): OpenFolder | null {
    const known = this.#folders.get(dir);
    if (known !== undefined) return known;
    if (this.#folders.size >= MAX_IDLE) this.#makeRoom();
    const folder = this.#open(dir);
    this.#folders.set(dir, folder);
    return folder;
  }

  /** A number that is closed is soon another folder's: those in use stay. */
  #makeRoom(): void {
    for (const [dir, folder] of this.#folders) {
      if (folder !== null && folder.users > 0) continue;
      if (folder !== null) this.#calls.close(folder.descriptor);
      this.#folders.delete(dir);
      return;
    }
  }

  #open(dir: string): OpenFolder | null {
    try {
      const real = Deno.realPathSync(dir);
      const descriptor = this.#calls.openFolder(real);
      if (descriptor < 0) return null;
      const { dev } = Deno.statSync(real);
      let durable = this.#durables.get(dev);
      if (durable === undefined) this.#durables.set(dev, durable = this.#durableFor(real));
      return { descriptor, durable, parts: this.#partsIn(real, descriptor), users: 0 };
    } catch {
      // Each file will tell why.
      return null;
    }
  }

  #partsIn(dir: string, descriptor: number): ReadonlySet<string> {
    let parts = this.#parts.get(dir);
    if (parts === undefined) {
      if (this.#parts.size >= MAX_LOOKED) this.#parts.clear();
      this.#parts.set(dir, parts = this.#lookForParts(descriptor));
    }
    return parts;
  }

  #lookForParts(descriptor: number): ReadonlySet<string> {
    const bytes = this.#entries;
    const view = new DataView(bytes.buffer);
    let parts: Set<string> | null = null;
    for (let length; (length = this.#calls.entries(descriptor, bytes)) > 0;) {
      // struct linux_dirent64, little-endian on both architectures.
      for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
        const name = bytes.subarray(at + 19, bytes.indexOf(0, at + 19));
        if (endsWith(name, SUFFIX)) (parts ??= new Set()).add(new TextDecoder().decode(name));
      }
    }
    return parts ?? NONE;
  }

  /** Closes all of them. */
  close(): void {
    for (const folder of this.#folders.values()) if (folder) this.#calls.close(folder.descriptor);
    for (const durable of this.#durables.values()) durable?.close();
    this.#folders.clear();
    this.#durables.clear();
  }
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const start = bytes.length - end.length;
  return start >= 0 && end.every((byte, at) => bytes[start + at] === byte);
}
