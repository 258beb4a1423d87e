/**
 * The trash: what a run deletes or replaces, as `<time>/PATH` below `.ferry/trash/` or a folder of the user's choice, for
 * seven days and up to a tenth of the free space. It gives way: when there is no room for it, or the disk is full, old
 * versions go, the oldest first, and the run goes on.
 */
import { formatBytes } from "../../cli/units.ts";
import { FerryError, isDiskFull, osReason, quote } from "../../core/errors.ts";
import { childPath, parentPath } from "../../core/paths.ts";
import { linkOrCopy, type OldVersion, renameOrCopy } from "./old_version.ts";
import { TrashRun, type TrashRunOptions } from "./run.ts";
import { ENTRY_BYTES, freeSpace, listTimes, SHARE, type Time } from "./times.ts";

/** Of so many lost versions each is told of. */
const MAX_TOLD = 10;

const FULL = "the disk is full";

/** So often the free space is looked at, in entries. */
const LOOK_EVERY = 256;

/** Where the trash is, and how it is written to. */
export interface TrashOptions extends TrashRunOptions {
  /** Wait for the disk where a copy has to be made. */
  sync?: boolean;
  /** Told, in one line each, which old versions are lost for want of room: the first ones, and at last how many more. */
  warn?: (line: string) => void;
}

/** The trash of a destination, for one run. */
export class Trash {
  readonly #dir: string;
  readonly #root: string;
  readonly #sync: boolean;
  readonly #run: TrashRun;
  readonly #prefix: string;
  readonly #warn: (line: string) => void;
  #lost = 0;
  #entries = 0;
  /** What other runs have left, the oldest first. */
  #others: Time[] | undefined;
  #room = 0;
  /** There is no room for it any more. */
  #off = false;

  /** For the destination `root`, a real path. */
  constructor(root: string, options: TrashOptions) {
    this.#root = root;
    this.#dir = options.dir;
    this.#sync = options.sync ?? false;
    this.#run = new TrashRun(root, options);
    this.#prefix = options.prefix ?? "";
    this.#warn = options.warn ?? (() => {});
  }

  /**
   * Keeps what is at a path besides leaving it there, until something takes its place. Throws `write_failed` when it can
   * neither be kept nor given up.
   */
  copy(old: OldVersion): void {
    this.#keep(old, (target) => linkOrCopy(old, target, this.#sync));
  }

  /** Takes a file or link away. False when it is not kept: it is still there then. */
  take(old: OldVersion): boolean {
    return this.#keep(old, (target) => renameOrCopy(old, target, this.#sync));
  }

  /** Notes a folder that is about to be removed, empty by now. */
  folder(path: string): void {
    if (!this.#hasRoom(0)) return;
    try {
      this.#entries++;
      this.#run.folder(path);
    } catch {
      // An empty folder is no loss that a run should stop for.
    }
  }

  /** Sees that so many bytes fit on the disk of the destination, as far as the trash can give room for them. */
  makeRoom(bytes: number): void {
    while (freeSpace(this.#root) < bytes && this.release());
  }

  /** Gives room on the disk of the destination: the oldest of what is kept. False when there is nothing to give. */
  release(): boolean {
    if (!this.#sameDisk()) return false;
    const gave = this.#drop();
    // What comes from now on would be in the way at once.
    this.#off = true;
    return gave;
  }

  /** Ends the run: what it kept is made to look as it was, and its size is noted. */
  close(): void {
    if (this.#lost > MAX_TOLD) this.#warn(`${this.#lost - MAX_TOLD} more old versions are not kept`);
    this.#lost = 0;
    this.#run.close();
  }

  #keep(old: OldVersion, keep: (target: string) => void): boolean {
    if (!this.#hasRoom(old.size)) {
      const room = `${formatBytes(this.#room)}, a tenth of the free space`;
      return this.#lose(old, this.#off ? FULL : `the old versions of a run may take ${room}`);
    }
    try {
      this.#run.put(old, keep);
    } catch (error) {
      if (isDiskFull(error)) {
        this.#off = true;
        return this.#lose(old, FULL);
      }
      throw new FerryError(
        "write_failed",
        `its old version cannot be kept in the trash (${osReason(error)}); left as it is; see --trash`,
        { cause: error },
      );
    }
    this.#entries++;
    return true;
  }

  /** Says that `old` is not kept, and why. */
  #lose({ path, size }: OldVersion, why: string): false {
    if (++this.#lost > MAX_TOLD) return false;
    const shown = quote(childPath(this.#prefix, path));
    this.#warn(`${shown}: its old version (${formatBytes(size)}) is not kept in the trash: ${why}`);
    return false;
  }

  /** Whether there is room for so many bytes more, made if need be by giving up what is older. */
  #hasRoom(size: number): boolean {
    if (this.#off) return false;
    if (this.#others === undefined || this.#entries % LOOK_EVERY === 0) {
      this.#others ??= listTimes(this.#dir);
      this.#room = freeSpace(this.#dir, parentPath(this.#dir), this.#root) / SHARE;
    }
    const wanted = this.#run.bytes + size + ENTRY_BYTES;
    if (wanted > this.#room) return false;
    while (wanted + total(this.#others) > this.#room) this.#others.shift()!.remove();
    return true;
  }

  /** Gives up the oldest; false when there is nothing. */
  #drop(): boolean {
    this.#others ??= listTimes(this.#dir, this.#run.path);
    const oldest = this.#others.shift();
    if (oldest !== undefined) {
      oldest.remove();
      return true;
    }
    if (this.#run.path === undefined) return false;
    const own = listTimes(this.#dir).find(({ path }) => path === this.#run.path);
    own?.remove();
    this.#run.forget();
    return own !== undefined;
  }

  #sameDisk(): boolean {
    try {
      return Deno.statSync(this.#dir).dev === Deno.statSync(this.#root).dev;
    } catch {
      return false;
    }
  }
}

function total(times: readonly Time[]): number {
  return times.reduce((sum, { bytes }) => sum + bytes, 0);
}
