/**
 * Pushes under way: each begins with a call whose answer stays open, and holds its folder for as long as that
 * connection lasts. What a client that is cut off has staged waits for it a while, but keeps nobody else away.
 */
import { FerryError } from "../../core/errors.ts";
import type { Problem } from "../../core/entry.ts";
import { overlaps } from "../../store/root.ts";
import type { Holder, SessionAnswer, SessionOptions } from "../../wire/session.ts";
import { checkUnlocked, type FolderLock, LockedError, lockFolder } from "../../store/lock.ts";
import { type FileVersion, Partials, prunePartials } from "../../store/write/partials.ts";
import { Leftovers } from "../../store/write/leftovers.ts";
import { Stage } from "../../store/write/stage.ts";
import type { EndOptions } from "../../store/store.ts";
import { pruneTrash, trashOf } from "../../store/trash/times.ts";
import { FirstCopyWriter } from "../../store/write/first_copy.ts";
import { MAX_OPERATIONS } from "../../wire/limits.ts";
import { openPush, type PushSession } from "./push_session.ts";

/** A client that says nothing for so long has gone, whatever its connection looks like. */
const IDLE_MS = 2 * 60 * 1000;

/** Pushes at a time; one more is asked to come back later. */
const MAX_SESSIONS = 64;

/** Pushes that are remembered to be over. */
const KEPT_ENDS = 1000;

/** A client that was just killed is heard of a moment after the next one knocks. */
const LINGER_MS = 200;

/** Who begins a push, and where. */
export interface PushStart {
  /** Tells the user and the folder apart: a session of somebody else is not there. */
  owner: string;
  /** The real path of the folder, which may not be there yet. */
  folder: string;
  holder: Holder;
  options: SessionOptions;
}

/** A push that has its folder: what to do should its client go away, and what the client has to know. */
export interface Attached {
  /** Its client has gone. */
  detach: () => void;
  answer: SessionAnswer;
}

interface Held extends PushStart {
  stage: Stage;
  partials: Partials;
  leftovers: Leftovers;
  session: PushSession | undefined;
  lastUsed: number;
  /** Requests of this session that are being answered. */
  busy: number;
  /** There was no room for what came last, and nobody has asked since. */
  full?: FerryError;
  /** Ends the answer that holds the folder; undefined while nobody is connected. */
  hangUp: (() => void) | undefined;
}

export interface PushOptions {
  /** Told that the share is written to. */
  mark?: (shareRoot: string) => void;
  /** Told, in one line, what is for the server's log. */
  warn?: (line: string) => void;
}

/** The pushes of one share. */
export class PushSessions {
  readonly #held = new Map<string, Held>();
  readonly #ended = new Set<string>();
  readonly #shareRoot: string;
  readonly #options: PushOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The lock of the share, for local runs to see; held while a client is connected. */
  #lock: FolderLock | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Sessions that are no more and still put in place what was done, which may wait for the disk. */
  readonly #ending = new Set<Promise<void>>();

  /** `shareRoot` is where the stage lives. */
  constructor(shareRoot: string, options: PushOptions = {}) {
    this.#shareRoot = shareRoot;
    this.#options = options;
  }

  /** How many pushes are under way. */
  get count(): number {
    return this.#held.size;
  }

  /**
   * Begins the push `id`, or takes it up again after its connection broke; `hangUp` is called when the server ends it.
   * Throws `locked`, naming who writes to an overlapping folder.
   */
  async begin(id: string, start: PushStart, hangUp: () => void): Promise<Attached> {
    checkId(id);
    if (this.#ended.has(endedKey(id, start.owner))) throw new FerryError("gone", "this push was ended");
    for (const end = Date.now() + LINGER_MS; this.#rival(id, start) !== undefined && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, LINGER_MS / 10));
    }
    const turn = this.#turn.then(() => this.#begin(id, start, hangUp));
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** One at a time, since the share's lock is taken once for all of them. */
  async #begin(id: string, start: PushStart, hangUp: () => void): Promise<Attached> {
    try {
      if (this.#lock === undefined) {
        const holder = { ...start.holder, host: Deno.hostname(), pid: Deno.pid };
        this.#lock = await lockFolder(this.#shareRoot, holder);
        prunePartials(this.#shareRoot);
        pruneTrash(trashOf(this.#shareRoot));
        this.#options.mark?.(this.#shareRoot);
      }
      await checkUnlocked(start.folder, this.#shareRoot);
      while (this.#ending.size > 0) await Promise.allSettled(this.#ending);
      return this.#attach(id, start, hangUp);
    } catch (error) {
      // Which folder of the server's it is, is none of the client's business.
      throw error instanceof LockedError ? new LockedError("the folder", error.holder) : error;
    } finally {
      this.#unlockShare();
    }
  }

  /** Another push whose client is connected, into a folder that overlaps. */
  #rival(id: string, { folder }: PushStart): Held | undefined {
    for (const [other, held] of this.#held) {
      if (other !== id && held.hangUp !== undefined && overlaps(held.folder, folder)) return held;
    }
  }

  #attach(id: string, start: PushStart, connected: () => void): Attached {
    const rival = this.#rival(id, start);
    if (rival !== undefined) throw new LockedError("the folder", rival.holder);
    this.sweep();
    // Each connection has its own, so that the end of an old one is told from that of the new one.
    const hangUp = () => connected();
    let held = this.#held.get(id);
    const known = held !== undefined;
    if (held === undefined) {
      // A client that was cut off had its time.
      for (const [other, { folder }] of this.#held) if (overlaps(folder, start.folder)) this.#drop(other);
      if (this.#held.size >= MAX_SESSIONS) {
        throw new FerryError("too_many", `${MAX_SESSIONS} pushes are under way; try again later`);
      }
      const inUse = new Set([...this.#held.values()].map(({ stage }) => stage.dir));
      const stage = new Stage(this.#shareRoot, "stage", { owner: start.owner });
      const partials = new Partials(this.#shareRoot, start.folder);
      const leftovers = new Leftovers(this.#shareRoot, {
        owner: start.owner,
        inUse: (dir) => inUse.has(dir),
      });
      held = {
        ...start,
        stage,
        partials,
        leftovers,
        session: undefined,
        lastUsed: Date.now(),
        busy: 0,
        hangUp,
      };
      this.#held.set(id, held);
      this.#timer ??= unref(setInterval(() => this.sweep(), 30_000));
    } else {
      if (held.owner !== start.owner) throw new FerryError("gone", "there is no such push");
      held.hangUp?.();
      held.hangUp = hangUp;
      held.lastUsed = Date.now();
    }
    const mine = held;
    const detach = () => {
      if (mine.hangUp !== hangUp) return;
      mine.hangUp = undefined;
      this.#unlockShare();
    };
    return { detach, answer: { known, parts: held.partials.count(), left: !held.leftovers.empty } };
  }

  /** Gives the share's lock back when no client is connected any more, and no session has anything left to do. */
  #unlockShare(): void {
    if (this.#ending.size > 0) return;
    for (const { hangUp } of this.#held.values()) if (hangUp !== undefined) return;
    this.#lock?.release();
    this.#lock = undefined;
  }

  /**
   * Does `work` with the session `id`, which `owner` has begun; `folder` makes the folder, for the first write. When that
   * is `first`, the client found nothing there, and what is new may show together.
   */
  async use<T>(
    id: string,
    owner: string,
    folder: () => string,
    work: (session: PushSession) => Promise<T>,
    { first = false }: { first?: boolean } = {},
  ): Promise<T> {
    const held = this.#find(id, owner);
    held.busy++;
    // A body that stalled is no sign of life.
    let heard = true;
    try {
      held.session ??= openPush(held, {
        folder: folder(),
        root: this.#shareRoot,
        first,
        warn: this.#options.warn,
      });
      return await work(held.session);
    } catch (error) {
      if (error instanceof FerryError) {
        heard = error.code !== "timeout";
        if (error.code === "disk_full") held.full = error;
      }
      throw error;
    } finally {
      held.busy--;
      if (heard) held.lastUsed = Date.now();
    }
  }

  /**
   * Waits until what was committed in the session `id` is in its place and on the disk. Gives what did not come there
   * although its commit said so.
   */
  async finish(id: string, owner: string): Promise<Problem[]> {
    const held = this.#find(id, owner);
    held.busy++;
    try {
      const writer = held.session?.writer;
      await writer?.finish();
      return writer instanceof FirstCopyWriter ? writer.undone().slice(0, MAX_OPERATIONS) : [];
    } finally {
      held.busy--;
      held.lastUsed = Date.now();
    }
  }

  /** Notes that the client of `id` is still there. */
  touch(id: string, owner: string): void {
    this.#find(id, owner).lastUsed = Date.now();
  }

  /**
   * Bytes that came of a large file. Throws `disk_full` when the last call failed for that: the connection may have been
   * closed with the body in the middle, before its client could read the answer.
   */
  resumable(id: string, owner: string, version: FileVersion): number {
    const held = this.#find(id, owner);
    const { full } = held;
    held.full = undefined;
    if (full !== undefined) throw full;
    return held.partials.size(version);
  }

  #find(id: string, owner: string): Held {
    checkId(id);
    const held = this.#held.get(id);
    if (held !== undefined && held.owner === owner) return held;
    throw new FerryError("gone", "there is no such push under way; it begins with POST session");
  }

  /**
   * Ends the session for good and drops what it staged and did not commit; it need not have begun. When the run was
   * `broken` off, what came of large files is kept, and what waits of a first copy.
   */
  async end(id: string, owner: string, { broken = false }: EndOptions = {}): Promise<void> {
    // A client that is stopped may be overtaken by its own end: what of it comes later shall not begin anew.
    this.#ended.add(endedKey(id, owner));
    const [oldest] = this.#ended;
    if (this.#ended.size > KEPT_ENDS) this.#ended.delete(oldest);
    const held = this.#held.get(id);
    if (held?.owner !== owner) return;
    await this.#drop(id, { told: true, broken });
    if (broken) return;
    held.partials.clear();
    held.leftovers.clear();
  }

  /** `told` when the client itself has ended it; else it may have lost the lock, and nothing is changed any more. */
  async #drop(id: string, { told = false, broken = false } = {}): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    held.hangUp?.();
    held.hangUp = undefined;
    const writer = held.session?.writer;
    const over = writer instanceof FirstCopyWriter && !told ? writer.leave() : writer?.close({ broken });
    const ending = Promise.resolve(over).then(() => {}).finally(() => {
      this.#ending.delete(ending);
      held.partials.tidy();
      this.#unlockShare();
    });
    this.#ending.add(ending);
    await ending;
  }

  /** Drops the sessions whose clients have gone. */
  sweep(now = Date.now()): void {
    for (const [id, session] of this.#held) {
      if (session.busy === 0 && now - session.lastUsed > IDLE_MS) this.#drop(id);
    }
  }

  /** Ends the answers that wait for nothing, when the server is about to stop; what is under way goes on. */
  hangUp(): void {
    for (const { hangUp } of this.#held.values()) hangUp?.();
  }

  /** Ends all of them, when the server stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const id of [...this.#held.keys()]) await this.#drop(id);
  }
}

function checkId(id: string): void {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new FerryError("bad_request", "a session's id is a UUID in lower case");
  }
}

function endedKey(id: string, owner: string): string {
  return `${id} ${owner}`;
}

/** A timer that does not keep the program alive. */
function unref(timer: ReturnType<typeof setInterval>): ReturnType<typeof setInterval> {
  Deno.unrefTimer(timer as unknown as number);
  return timer;
}
