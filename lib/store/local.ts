/** A folder of the local file system as a Store. */
import { FerryError, osCode, osReason, quote } from "../core/errors.ts";
import type { FileEntry, Tree } from "../core/entry.ts";
import { joinRoot } from "../core/paths.ts";
import type { Holder } from "../wire/session.ts";
import type { Operation } from "../wire/operation.ts";
import type { Outcome } from "../wire/outcome.ts";
import { type FileFrame, PackBuilder, type ProblemFrame } from "../wire/pack.ts";
import type { Content, NoContent } from "../wire/stream.ts";
import { PACK_BYTES, SMALL_FILE_BYTES } from "../wire/limits.ts";
import { PACK_BUFFERS } from "./buffers.ts";
import { thisProcess } from "./holder.ts";
import { Leftovers } from "./write/leftovers.ts";
import { checkUnlocked, type FolderLock, LockedError, lockFolder } from "./lock.ts";
import { careFor, SAFE, type Safety, trashDir } from "./write/care.ts";
import type { DeltaSource } from "./delta/ends.ts";
import { localDeltaSource } from "./delta/local.ts";
import { FirstCopyWriter } from "./write/first_copy.ts";
import { hashFiles } from "./read/file_hashes.ts";
import { type Links, throughLinks } from "./read/links.ts";
import { Partials, prunePartials } from "./write/partials.ts";
import { openContent, readOutcome, ReadProblem, type ResumePoint } from "./read/content.ts";
import { hasVanished, markReplica, placesOf } from "./replica.ts";
import { isEmptyFolder, realOrFuture, StrictPaths } from "./root.ts";
import { NO_MEMORY, recallRun, rememberRun, type RunMemory, runMemoryPath } from "./run_memory.ts";
import { scanTree } from "./read/scan.ts";
import { SmallReader } from "./read/small_reader.ts";
import { takeSnapshot } from "./read/snapshot.ts";
import { removeStaleUploads, Stage } from "./write/stage.ts";
import type {
  EndOptions,
  Former,
  ScanOptions,
  SmallFiles,
  Store,
  WriteOptions,
  WriteSession,
} from "./store.ts";
import { pruneTrash } from "./trash/times.ts";
import { LocalWriter } from "./write/local_writer.ts";
import { WriterThread } from "./write/thread.ts";

/** Room for one batch as it is planned. */
const ARENA_BYTES = PACK_BYTES + SMALL_FILE_BYTES;

export interface LocalOptions {
  /** What messages call the folder; its path unless told. */
  label?: string;
  /** Whoever made this keeps other runs away. */
  held?: boolean;
  /** What reading it does with symbolic links. */
  links?: Links;
  safety?: Safety;
  /** What of the operations of a commit may not be done, an outcome each; absent where all may. */
  refusals?: (operations: readonly Operation[]) => Outcome[];
  /** The state folder of this machine, to remember what was a replica and what runs have learned. */
  stateHome?: string;
  /** Told, in one line, what a user should know and is trouble with nothing. */
  warn?: (line: string) => void;
}

/** A folder on this machine. */
export class LocalStore implements Store {
  readonly label: string;
  readonly #path: string;
  readonly #held: boolean;
  readonly remote = false;
  readonly traffic = { sent: 0, received: 0 };
  readonly #buffers = PACK_BUFFERS;
  #holder: Holder = thisProcess("");
  #lock: FolderLock | undefined;
  #leftovers: Leftovers | undefined;
  /** What former runs have learned with one other place, read once. */
  #former: { other: string; former: Former } | undefined;
  /** Whether there was nothing when it should be locked. */
  #absent = false;

  readonly #links: Links;
  readonly #safety: Safety;
  readonly #stateHome: string | undefined;
  readonly #warn: ((line: string) => void) | undefined;
  readonly #refusals: LocalOptions["refusals"];

  /** `path` as the user gave it. Nothing is touched before it is needed. */
  constructor(path: string, options: LocalOptions = {}) {
    this.#path = path;
    this.label = options.label ?? path;
    this.#held = options.held ?? false;
    this.#links = options.links ?? "keep";
    this.#safety = options.safety ?? SAFE;
    this.#stateHome = options.stateHome;
    this.#warn = options.warn;
    this.#refusals = options.refusals;
  }

  kind(): Promise<"dir" | "file" | "absent"> {
    try {
      return Promise.resolve(Deno.statSync(this.#path).isDirectory ? "dir" : "file");
    } catch (error) {
      // Below a file there is nothing either.
      if (error instanceof Deno.errors.NotFound || osCode(error) === "ENOTDIR") {
        return Promise.resolve("absent");
      }
      return Promise.reject(
        new FerryError("read_failed", `cannot read ${quote(this.label)}: ${osReason(error)}`, {
          cause: error,
        }),
      );
    }
  }

  vanished(): Promise<boolean> {
    const root = realOrFuture(this.#path);
    return Promise.resolve(root !== null && hasVanished(root, this.#stateHome));
  }

  shares(): Promise<{ share: string; path: string }[]> {
    const root = realOrFuture(this.#path);
    return Promise.resolve(root === null ? [] : placesOf(root));
  }

  async scan(options: ScanOptions = {}): Promise<Tree> {
    const root = this.#realRoot();
    // Whoever writes to a folder in there began before this run had its lock.
    const inner: string[] = [];
    const writes = this.#lock !== undefined || this.#held;
    const stateIn = (dir: string) => void (writes && dir !== "" && inner.push(dir));
    const tree = await scanTree(root, { ...options, links: this.#links, stateIn });
    for (const dir of inner) {
      await checkUnlocked(joinRoot(root, dir), root).catch((error) => {
        const shown = quote(joinRoot(this.label, dir));
        throw error instanceof LockedError ? new LockedError(shown, error.holder) : error;
      });
    }
    return tree;
  }

  former(other: string): Former | null {
    if (this.#links !== "keep") return null;
    if (this.#former?.other === other) return this.#former.former;
    const root = this.#realRoot();
    const path = this.#stateHome === undefined ? null : runMemoryPath(this.#stateHome, root, other);
    const former: Former = {
      memory: path === null ? NO_MEMORY : this.#recall(path),
      look: () => takeSnapshot(root),
      remember: (memory) => path === null ? undefined : rememberRun(path, memory),
    };
    this.#former = { other, former };
    return former;
  }

  #recall(path: string): RunMemory {
    try {
      return recallRun(path);
    } catch (error) {
      this.#warn?.(`${(error as FerryError).message}; this run looks at everything`);
      return NO_MEMORY;
    }
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async read(paths: readonly string[]): Promise<SmallFiles> {
    const root = this.#realRoot();
    using reader = new SmallReader(root);
    const buffer = this.#buffers.take(ARENA_BYTES);
    // As a pack has them, so that they can go on their way as they stand.
    const builder = new PackBuilder(buffer);
    const frames = paths.map((path, index): FileFrame | ProblemFrame => {
      try {
        let content = new Uint8Array(0);
        const meta = reader.read(this.#real(root, path), (size) => {
          // Files that grew since the scan may not fit; they get memory of their own.
          return content = builder.fits(size) ? builder.contentBuffer(size) : new Uint8Array(size);
        });
        if (content.buffer === buffer) builder.finishFile({ index, ...meta });
        const { mtime, mode } = meta;
        return { kind: "file", index, mtime, mode, content };
      } catch (error) {
        return { kind: "problem", index, ...readOutcome(error) };
      }
    });
    return { frames, [Symbol.dispose]: () => this.#buffers.give(buffer) };
  }

  async hashes(paths: readonly string[]): Promise<(string | null)[]> {
    const digests: (string | null)[] = [];
    const root = this.#realRoot();
    const realOf = (path: string) => this.#links === "copy" ? throughLinks(root, path) : path;
    for await (const digest of hashFiles(root, paths, realOf)) {
      if (digest !== undefined) digests.push(digest);
    }
    return digests;
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async open(path: string, resume?: ResumePoint): Promise<Content | NoContent> {
    const root = this.#realRoot();
    try {
      return openContent(new StrictPaths(root), this.#real(root, path), resume);
    } catch (error) {
      return { kind: "problem", ...readOutcome(error) };
    }
  }

  /** The path below `root` that is read for `path`. Throws ReadProblem. */
  #real(root: string, path: string): string {
    const real = this.#links === "copy" ? throughLinks(root, path) : path;
    if (real === null) throw new ReadProblem("vanished", "it vanished before it was read");
    return real;
  }

  async lock(holder: Holder): Promise<void> {
    this.#holder = holder;
    if (this.#lock !== undefined) return;
    this.#absent = await this.kind() === "absent";
    if (this.#absent) return;
    try {
      await this.#acquire(this.#realRoot());
      // A run that goes on here although its mark is gone was told to.
      if (await this.vanished()) markReplica(this.#realRoot(), this.#stateHome);
    } catch (error) {
      // Where nothing can be written, a run that has nothing to write may still come to its end.
      if (!(error instanceof FerryError) || error.code === "locked") throw error;
    }
  }

  async #acquire(root: string): Promise<void> {
    if (!this.#held) this.#lock = await lockFolder(root, this.#holder);
    // Nobody else is at work here, so whatever is staged was left by the dead.
    this.#leftovers = new Leftovers(root);
    removeStaleUploads(root);
    prunePartials(root);
    pruneTrash(trashDir(root, this.#safety.trash));
  }

  leftOver(path: string, entry: FileEntry): Uint8Array | null {
    return this.#leftovers?.take(path, entry) ?? null;
  }

  // deno-lint-ignore require-await -- async so that what it throws becomes a rejection
  async unlock({ broken = false }: EndOptions = {}): Promise<void> {
    if (this.#lock === undefined) return;
    const partials = new Partials(this.#lock.root, this.#lock.root);
    if (broken) partials.tidy();
    else {
      this.#leftovers?.clear();
      partials.clear();
    }
    this.#leftovers = undefined;
    this.#lock.release();
    this.#lock = undefined;
  }

  deltas(): DeltaSource {
    return localDeltaSource(this.#realRoot());
  }

  async write(options: WriteOptions = {}): Promise<WriteSession> {
    try {
      Deno.mkdirSync(this.#path, { recursive: true });
    } catch (error) {
      throw new FerryError("write_failed", `cannot make the folder ${quote(this.label)}: ${osReason(error)}`);
    }
    const root = this.#realRoot();
    if (this.#lock === undefined) await this.#acquire(root);
    if (this.#absent && !isEmptyFolder(root)) {
      await this.unlock();
      throw new FerryError(
        "locked",
        `${
          quote(this.label)
        } was not there when this run began, and another one has filled it since; run again`,
      );
    }
    if (!this.#held) markReplica(root, this.#stateHome);
    const session = newWriter(root, options, { safety: this.#safety, warn: this.#warn });
    if (this.#refusals !== undefined) refuseIn(session, this.#refusals);
    const close = session.close.bind(session);
    session.close = (end) => close(end).finally(() => this.unlock(end));
    return session;
  }

  close(): void {
    this.#lock?.release();
  }

  #realRoot(): string {
    try {
      return Deno.realPathSync(this.#path);
    } catch (error) {
      throw new FerryError("read_failed", `cannot read ${quote(this.label)}: ${osReason(error)}`, {
        cause: error,
      });
    }
  }
}

/** Has `session` do only what `refusals` lets pass. */
function refuseIn(session: WriteSession, refusals: NonNullable<LocalOptions["refusals"]>): void {
  const commit = session.commit.bind(session);
  session.commit = async (operations) => {
    const refused = refusals(operations);
    const done = await commit(operations.filter((_, at) => refused[at] === null));
    let next = 0;
    return refused.map((outcome) => outcome ?? done[next++]);
  };
}

function newWriter(
  root: string,
  { first, many }: WriteOptions,
  { safety, warn }: Pick<LocalOptions, "warn"> & { safety: Safety },
): WriteSession {
  if (first && many) return new WriterThread({ root, safety });
  const options = careFor(root, safety, warn);
  return first
    ? new FirstCopyWriter(root, new Stage(root), options)
    : new LocalWriter(root, new Stage(root), options);
}
