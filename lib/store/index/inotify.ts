/**
 * Changes of folders as the Linux kernel reports them (inotify(7)), read at the moment they are asked for: whatever
 * happened before `drain` is called is in its answer. `Deno.watchFs` cannot promise that: it hands events on through
 * a queue of 16 places, drops what does not fit, and never tells of an overflow.
 */
import { openLibrary } from "../libc.ts";

const IN_MODIFY = 0x2;
const IN_ATTRIB = 0x4;
const IN_CLOSE_WRITE = 0x8;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;
const IN_UNMOUNT = 0x2000;
const IN_Q_OVERFLOW = 0x4000;
const IN_IGNORED = 0x8000;
const IN_ISDIR = 0x40000000;
const IN_ONLYDIR = 0x1000000;
const IN_DONT_FOLLOW = 0x2000000;
const IN_EXCL_UNLINK = 0x4000000;

/** Whatever changes what a scan would find, in the folder or of the folder itself. */
const MASK = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE |
  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const FIONREAD = 0x541Bn;
const ENOSPC = 28;

/** The head of `struct inotify_event`: wd, mask, cookie, and the length of the name that follows. */
const HEAD_BYTES = 16;

/** What `add` says when the folder cannot be watched. */
export type WatchRefusal = "limit" | "failed";

/** What happened to a watched folder: something in it or of it changed, or the watch has ended. */
export type WatchEvent = "changed" | "ended";

const SYMBOLS = {
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  inotify_rm_watch: { parameters: ["i32", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;

/** One inotify instance of this process. */
export class Inotify implements Disposable {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(64 * 1024);
  readonly #words = new Int32Array(this.#buffer.buffer);
  readonly #count = new Int32Array(1);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  private constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
  }

  /** Null where there is no inotify: another system, another libc, no more instances for this user. */
  static open(): Inotify | null {
    const libc = openLibrary(SYMBOLS);
    if (libc === null) return null;
    const fd = libc.symbols.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0) return new Inotify(libc, fd);
    libc.close();
    return null;
  }

  /** Watches the folder at `path`, not what lies in its folders. The same folder gives the same number again. */
  add(path: string): number | WatchRefusal {
    const wd = this.#libc.symbols.inotify_add_watch(this.#fd, this.#encoder.encode(path + "\0"), MASK);
    if (wd >= 0) return wd;
    // Copied by the library itself: in a sandbox nobody may look at memory.
    const { memcpy, __errno_location } = this.#libc.symbols;
    memcpy(this.#count, __errno_location(), 4n);
    return this.#count[0] === ENOSPC ? "limit" : "failed";
  }

  remove(wd: number): void {
    this.#libc.symbols.inotify_rm_watch(this.#fd, wd);
  }

  /**
   * Hands on every event up to this moment, in order, by the number of its watch, with the name of the entry that it is
   * about; null for the folder itself and for folders in it. False when the kernel's queue
   * (`fs.inotify.max_queued_events`) was too small and anything may have happened.
   */
  drain(onEvent: (wd: number, event: WatchEvent, name: string | null) => void): boolean {
    let whole = true;
    while (this.#pending()) {
      const length = Number(
        this.#libc.symbols.read(this.#fd, this.#buffer, BigInt(this.#buffer.length)),
      );
      if (length < HEAD_BYTES) return false;
      for (let at = 0; at + HEAD_BYTES <= length;) {
        const [wd, mask, , size] = this.#words.subarray(at / 4, at / 4 + 4);
        if ((mask & IN_Q_OVERFLOW) !== 0) whole = false;
        else {
          const name = size === 0 || (mask & IN_ISDIR) !== 0 ? null : this.#nameAt(at + HEAD_BYTES, size);
          onEvent(wd, (mask & (IN_IGNORED | IN_UNMOUNT)) !== 0 ? "ended" : "changed", name);
        }
        at += HEAD_BYTES + size;
      }
    }
    return whole;
  }

  /** A name, which NULs fill up to `size` bytes. */
  #nameAt(at: number, size: number): string {
    const bytes = this.#buffer.subarray(at, at + size);
    return this.#decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  #pending(): boolean {
    return this.#libc.symbols.ioctl(this.#fd, FIONREAD, this.#count) === 0 && this.#count[0] > 0;
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }
}
