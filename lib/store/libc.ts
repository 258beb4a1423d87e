/**
 * The system's C library, where it can be called: Linux on x86-64 or ARM with glibc, and `--allow-ffi`. Files are
 * named relative to an open folder, which the runtime has no call for: a path cannot be led elsewhere between a look
 * and an act, and for a small file each call costs half of what the runtime's own does. Whoever uses this has the
 * ordinary way beside it, for other systems and to learn why a call failed.
 */
import { isThere } from "./quiet.ts";
import type { EntryInfo } from "./read/folder_looks.ts";

/** AT_FDCWD: paths start where the process is. */
const HERE = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const RENAME_NOREPLACE = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
/** The type, mode, times, inode and size of statx(2), and the same with the time of birth. */
const STATX_BASIC = 0x7ff;
const STATX_ALL = 0xfff;
const STATX_BTIME = 0x800;

const O_WRONLY = 0o1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const ARM = Deno.build.arch === "aarch64";
const O_DIRECTORY = ARM ? 0o40000 : 0o200000;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const O_NOFOLLOW = ARM ? 0o100000 : 0o400000;

const ENOENT = 2;
const ENAMETOOLONG = 36;

const EMPTY = new Uint8Array(1);

/** `head` gives so many bytes at most. */
const MAX_HEAD = 1024 * 1024;

/** Where `f_fsid` is in what statfs(2) gives, in words of 32 bits. */
const FSID_WORD = 14;

const SYMBOLS = {
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  syscall: { parameters: ["isize", "isize", "buffer", "buffer", "usize"], result: "isize" },
  // It waits for the disk.
  syncfs: { parameters: ["i32"], result: "i32", nonblocking: true },
  statfs: { parameters: ["buffer", "buffer"], result: "i32" },
  renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "void" },
} as const;

/** Where the library is: the runtime's sandbox takes no name without a path for what may be opened. */
const PATHS = [
  `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`,
  "/lib64/libc.so.6",
  "/usr/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

/** openat2(2), which the C library has no name for: the number and the flags are the same on both architectures. */
const OPENAT2 = 437n;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const RESOLVE_BENEATH = 0x08n;

/** What statx(2) says of a file; times in ms, whole. */
export interface FileStat {
  kind: "file" | "dir" | "symlink" | "other";
  /** The nine permission bits. */
  mode: number;
  size: number;
  mtime: number;
  /** The part of a second in `mtime`, to tell versions apart that lie within a millisecond. */
  nanos: number;
}

const KINDS: Readonly<Record<number, FileStat["kind"]>> = { 0o10: "file", 0o4: "dir", 0o12: "symlink" };

/** Calls give a negative number, false or null when they fail; why is for the ordinary way to find out. */
export class Libc {
  readonly #calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #encoder = new TextEncoder();
  readonly #path = new Uint8Array(8192);
  readonly #target = new Uint8Array(8192);
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #entries = new Uint8Array(64 * 1024);
  readonly #empty = new Uint8Array(1);
  readonly #word = new Int32Array(1);
  readonly #stat = new Uint32Array(64);
  readonly #statfs = new Uint32Array(32);
  readonly #times = new BigInt64Array(4);
  readonly #how = new BigUint64Array(3);

  constructor(calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]) {
    this.#calls = calls;
  }

  /** The id of the file system of `path`, as hex; null when it has none, or the call fails. */
  fsid(path: string): string | null {
    if (!this.#encode(path) || this.#calls.statfs(this.#path, this.#statfs) !== 0) return null;
    const [first, second] = this.#statfs.subarray(FSID_WORD, FSID_WORD + 2);
    return first === 0 && second === 0 ? null : `${first.toString(16)}:${second.toString(16)}`;
  }

  /** The type of the file system at `path`, as statfs(2) numbers them; null when it does not say. */
  fileSystemType(path: string): number | null {
    const good = this.#encode(path) && this.#calls.statfs(this.#path, this.#statfs) === 0;
    return good ? this.#statfs[0] : null;
  }

  /** The folder at `path`, an absolute and real path, to name things in. */
  openFolder(path: string): number {
    return this.#open(HERE, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  }

  /** The folder `path` below an open one. There is none where a link stands anywhere in the path. */
  openBelow(folder: number, path: string): number {
    if (!this.#encode(path === "" ? "." : path)) return -1;
    this.#how[0] = BigInt(O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    this.#how[2] = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    return Number(this.#calls.syscall(OPENAT2, BigInt(folder), this.#path, this.#how, 24n));
  }

  /** The file `name` to be read; never through a link, and a pipe does not make it wait. */
  openRead(folder: number, name: string): number {
    return this.#open(folder, name, O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  }

  /** The file `name`, made now, to be written. */
  create(folder: number, name: string, mode: number): number {
    return this.#open(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  }

  /** A file without a name in an open folder, to be written. Not every file system has them. */
  createUnnamed(folder: number, mode: number): number {
    return this.#open(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
  }

  /** Gives a file without a name the name `name` in an open folder, where nothing has that. */
  nameNew(file: number, folder: number, name: string): boolean {
    return this.#encode(name) && this.#calls.linkat(file, EMPTY, folder, this.#path, AT_EMPTY_PATH) === 0;
  }

  #open(folder: number, path: string, flags: number, mode: number): number {
    return this.#encode(path) ? this.#calls.openat(folder, this.#path, flags, mode) : -1;
  }

  /** Fills `bytes` from the file; gives how many there were, fewer at its end. */
  read(file: number, bytes: Uint8Array<ArrayBuffer>): number {
    let filled = 0;
    while (filled < bytes.length) {
      const rest = filled === 0 ? bytes : bytes.subarray(filled);
      const count = this.#calls.read(file, rest, rest.length);
      if (count < 0) return -1;
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  /** Writes all of `bytes`. */
  write(file: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    let written = 0;
    while (written < bytes.length) {
      const rest = written === 0 ? bytes : bytes.subarray(written);
      const count = this.#calls.write(file, rest, rest.length);
      if (count <= 0) return false;
      written += count;
    }
    return true;
  }

  /** Sets the permission bits of an open file. */
  setMode(file: number, mode: number): boolean {
    return this.#calls.fchmod(file, mode) === 0;
  }

  /** Sets both times of an open file. */
  setTime(file: number, mtime: number): boolean {
    const seconds = Math.floor(mtime / 1000);
    this.#times[0] = this.#times[2] = BigInt(seconds);
    this.#times[1] = this.#times[3] = BigInt((mtime - seconds * 1000) * 1_000_000);
    return this.#calls.futimens(file, this.#times) === 0;
  }

  /** An open file. */
  stat(file: number): FileStat | null {
    return this.#calls.statx(file, this.#empty, AT_EMPTY_PATH, STATX_BASIC, this.#stat) === 0
      ? this.#fileStat()
      : null;
  }

  /** What `name` is in an open folder; a link is itself. */
  statIn(folder: number, name: string): FileStat | null {
    return this.#encode(name) &&
        this.#calls.statx(folder, this.#path, AT_SYMLINK_NOFOLLOW, STATX_BASIC, this.#stat) === 0
      ? this.#fileStat()
      : null;
  }

  /** What the runtime would tell of `name` in an open folder; a link is itself. */
  infoIn(folder: number, name: string): EntryInfo | null {
    const words = this.#stat;
    const { statx } = this.#calls;
    if (!this.#encode(name)) return null;
    if (statx(folder, this.#path, AT_SYMLINK_NOFOLLOW, STATX_ALL, words) !== 0) return null;
    const kind = (words[STATX.mode] & 0xffff) >> 12;
    const { seconds, born } = STATX;
    return {
      isFile: kind === 0o10,
      isDirectory: kind === 0o4,
      isSymlink: kind === 0o12,
      size: words[STATX.sizeHigh] * 0x100000000 + words[STATX.size],
      mtime: new Date(timeOf(words[seconds], words[seconds + 1], words[seconds + 2])),
      birthtime: (words[0] & STATX_BTIME) === 0
        ? null
        : new Date(timeOf(words[born], words[born + 1], words[born + 2])),
      mode: words[STATX.mode] & 0xffff,
      ino: words[STATX.inode + 1] * 0x100000000 + words[STATX.inode],
      dev: deviceOf(words[STATX.major], words[STATX.minor]),
    };
  }

  /** What is at `path`, which is absolute; a link is itself. */
  statAt(path: string): FileStat | null {
    return this.statIn(HERE, path);
  }

  /**
   * What `name` is in an open folder, as the words of struct statx, which hold until the next look; a link is itself.
   * `name` is UTF-8 or whatever else the file system gave, with a NUL at its end.
   */
  wordsIn(folder: number, name: Uint8Array<ArrayBuffer>): Uint32Array | null {
    const { statx } = this.#calls;
    return statx(folder, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC, this.#stat) === 0 ? this.#stat : null;
  }

  /** The next entries of an open folder, each a struct linux_dirent64; gives their length, 0 at the end. */
  entries(folder: number, bytes: Uint8Array<ArrayBuffer>): number {
    return this.#calls.getdents64(folder, bytes, bytes.length);
  }

  /** The names in the folder at `path`, absolute and real; those that are not UTF-8 with U+FFFD in them. */
  names(path: string): string[] | null {
    const folder = this.openFolder(path);
    if (folder < 0) return null;
    const bytes = this.#entries;
    const view = new DataView(bytes.buffer);
    const names: string[] = [];
    try {
      for (;;) {
        const length = this.entries(folder, bytes);
        if (length < 0) return null;
        if (length === 0) return names;
        // struct linux_dirent64, little-endian on both architectures.
        for (let at = 0; at < length; at += view.getUint16(at + 16, true)) {
          const name = this.#decoder.decode(bytes.subarray(at + 19, bytes.indexOf(0, at + 19)));
          if (name !== "." && name !== "..") names.push(name);
        }
      }
    } finally {
      this.close(folder);
    }
  }

  close(file: number): boolean {
    return this.#calls.close(file) === 0;
  }

  /** Renames `from` to `to`, absolute paths, where nothing is. */
  renameNew(from: string, to: string): boolean {
    return this.#encode(from) && this.#encode(to, this.#target) &&
      this.#calls.renameat2(HERE, this.#path, HERE, this.#target, RENAME_NOREPLACE) === 0;
  }

  /** Renames `from` to `to`, both in an open folder, where nothing is. */
  renameNewIn(folder: number, from: string, to: string): boolean {
    return this.#encode(from) && this.#encode(to, this.#target) &&
      this.#calls.renameat2(folder, this.#path, folder, this.#target, RENAME_NOREPLACE) === 0;
  }

  /** Removes the file `name` from an open folder. */
  removeIn(folder: number, name: string): boolean {
    return this.#encode(name) && this.#calls.unlinkat(folder, this.#path, 0) === 0;
  }

  /** Locks an open file for this process alone, until it is closed. */
  lock(file: number): boolean {
    return this.#calls.flock(file, LOCK_EX | LOCK_NB) === 0;
  }

  /** Makes the link `path`, which is absolute, to `target`; gives 0, or the errno of what is in the way. */
  symlink(target: string, path: string): number {
    if (!this.#encode(target, this.#target) || !this.#encode(path)) return ENAMETOOLONG;
    return this.#calls.symlink(this.#target, this.#path) === 0 ? 0 : this.#errno();
  }

  /** Whether it is certain that nothing is at `path`, which is absolute. */
  isMissing(path: string): boolean {
    return this.#encode(path) &&
      this.#calls.statx(HERE, this.#path, AT_SYMLINK_NOFOLLOW, STATX_BASIC, this.#stat) !== 0 &&
      this.#errno() === ENOENT;
  }

  /** Copied by the library itself: in a sandbox nobody may look at memory. */
  #errno(): number {
    this.#calls.memcpy(this.#word, this.#calls.__errno_location(), 4n);
    return this.#word[0];
  }

  /** The beginning of the file at `path`, such as one of proc(5); null when it cannot be read. */
  head(path: string): Uint8Array | null {
    const file = this.#open(HERE, path, O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return null;
    const bytes = new Uint8Array(MAX_HEAD);
    const length = this.read(file, bytes);
    this.close(file);
    return length < 0 ? null : bytes.subarray(0, length);
  }

  /** Waits until all that was written to the file system of an open folder is on its disk. */
  async syncFileSystem(folder: number): Promise<boolean> {
    return await this.#calls.syncfs(folder) === 0;
  }

  /** Puts `path` where a call takes it from; false when it does not fit or is no path. */
  #encode(path: string, place = this.#path): boolean {
    if (path.includes("\0")) return false;
    const { read, written } = this.#encoder.encodeInto(path, place);
    if (read < path.length || written === place.length) return false;
    place[written] = 0;
    return true;
  }

  /** struct statx, the same on every architecture. */
  #fileStat(): FileStat {
    const words = this.#stat;
    const mode = words[STATX.mode] & 0xffff;
    return {
      kind: KINDS[mode >> 12] ?? "other",
      mode: mode & 0o777,
      size: words[STATX.sizeHigh] * 0x100000000 + words[STATX.size],
      mtime: timeOf(words[STATX.seconds], words[STATX.secondsHigh], words[STATX.nanos]),
      nanos: words[STATX.nanos],
    };
  }
}

/** Where struct statx has what, in words of 32 bits; times are those of the last change of the content. */
export const STATX = {
  mode: 7,
  inode: 8,
  size: 10,
  sizeHigh: 11,
  born: 20,
  seconds: 28,
  secondsHigh: 29,
  nanos: 30,
  major: 34,
  minor: 35,
} as const;

/** The number of a device as stat(2) gives it (makedev(3)). */
function deviceOf(major: number, minor: number): number {
  const low = (minor & 0xff) + (major & 0xfff) * 0x100;
  const high = Math.floor(minor / 0x100) * 0x100000 + Math.floor(major / 0x1000) * 0x100000000000;
  return low + high;
}

/** A time of statx(2) in ms, whole, as the runtime rounds: towards 1970. */
export function timeOf(seconds: number, secondsHigh: number, nanos: number): number {
  const whole = (secondsHigh | 0) * 0x100000000 + seconds;
  const ms = nanos / 1_000_000;
  return whole * 1000 + (whole < 0 ? Math.ceil(ms) : Math.floor(ms));
}

let loaded: Libc | null | undefined;

/** The library, or null where it cannot be called. */
export function libc(): Libc | null {
  return loaded === undefined ? loaded = load() : loaded;
}

function load(): Libc | null {
  const opened = openLibrary(SYMBOLS);
  if (opened === null) return null;
  const library = new Libc(opened.symbols);
  return works(library) ? library : null;
}

/** The library with these calls, or null where they cannot be made. */
export function openLibrary<S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Deno.DynamicLibrary<S> | null {
  const { os, arch } = Deno.build;
  if (os !== "linux" || (arch !== "x86_64" && arch !== "aarch64")) return null;
  for (const path of ["libc.so.6", ...PATHS]) {
    if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") continue;
    try {
      return Deno.dlopen(path, symbols);
    } catch {
      // Not there.
    }
  }
  return null;
}

/** The path that a sandbox is told to let the library be opened from; null where it cannot be called at all. */
export function libraryPath(): string | null {
  return libc() === null ? null : PATHS.find(isThere) ?? null;
}

/** Whether the calls do what they should here: a look at the root folder, as the runtime sees it. */
function works(library: Libc): boolean {
  const root = library.openFolder("/");
  const same = library.openBelow(root, "");
  if (root < 0 || same < 0) return false;
  const seen = library.stat(same);
  if (!library.close(same) || !library.close(root) || seen?.kind !== "dir") return false;
  // In a sandbox: whoever made it has compared.
  if (Deno.permissions.querySync({ name: "read", path: "/" }).state !== "granted") return true;
  const known = Deno.lstatSync("/");
  return seen.mode === ((known.mode ?? 0) & 0o777) && seen.mtime === known.mtime?.getTime();
}
