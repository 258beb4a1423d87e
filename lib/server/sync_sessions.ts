/** Pushes under way: what each has staged, until its client ends it or stays away. */
import { FerryError } from "../core/errors.ts";
import type { Outcome } from "../wire/messages.ts";
import { Stage } from "../store/stage.ts";
import { LocalWriter } from "../store/write.ts";

/** A client that says nothing for so long has gone; what it staged is dropped. */
const IDLE_MS = 10 * 60 * 1000;

/** Pushes at a time; one more is asked to come back later. */
const MAX_SESSIONS = 64;

/** Answers kept for a commit that is sent again. */
const KEPT_ANSWERS = 16;

/** Pushes that are remembered to be over. */
const KEPT_ENDS = 1000;

export interface PushSession {
  writer: LocalWriter;
  /** The answers to the last commits, by key. */
  answers: Map<string, Outcome[]>;
}

interface Held extends PushSession {
  owner: string;
  lastUsed: number;
  /** Requests of this session that are being answered. */
  busy: number;
}

export class PushSessions {
  readonly #held = new Map<string, Held>();
  readonly #ended = new Set<string>();
  readonly #shareRoot: string;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `shareRoot` is where the stage lives. */
  constructor(shareRoot: string) {
    this.#shareRoot = shareRoot;
  }

  /**
   * Does `work` with the session `id`, made at its first use. `owner` tells the user and the folder apart: a session
   * of somebody else is not there.
   */
  async use<T>(
    id: string,
    owner: string,
    folder: () => string,
    work: (session: PushSession) => Promise<T>,
  ): Promise<T> {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
      throw new FerryError("bad_request", "a session's id is a UUID in lower case");
    }
    if (this.#ended.has(endedKey(id, owner))) throw new FerryError("gone", "this push was ended");
    const session = this.#held.get(id) ?? this.#open(id, owner, folder());
    if (session.owner !== owner) throw new FerryError("not_found", "there is no such session");
    session.busy++;
    try {
      return await work(session);
    } finally {
      session.busy--;
      session.lastUsed = Date.now();
    }
  }

  #open(id: string, owner: string, folder: string): Held {
    this.sweep();
    if (this.#held.size >= MAX_SESSIONS) {
      throw new FerryError("too_many", `${MAX_SESSIONS} pushes are under way; try again later`);
    }
    const writer = new LocalWriter(folder, new Stage(this.#shareRoot));
    const held: Held = { writer, answers: new Map(), owner, lastUsed: Date.now(), busy: 0 };
    this.#held.set(id, held);
    this.#timer ??= unref(setInterval(() => this.sweep(), 60_000));
    return held;
  }

  /** Ends the session for good and drops what it staged and did not commit; it need not have begun. */
  async end(id: string, owner: string): Promise<void> {
    // A client that is stopped may be overtaken by its own end: what of it comes later shall not begin anew.
    this.#ended.add(endedKey(id, owner));
    const [oldest] = this.#ended;
    if (this.#ended.size > KEPT_ENDS) this.#ended.delete(oldest);
    const session = this.#held.get(id);
    if (session !== undefined && session.owner === owner) await this.#drop(id, session);
  }

  async #drop(id: string, session: Held): Promise<void> {
    this.#held.delete(id);
    await session.writer.close();
  }

  /** Drops the sessions whose clients have gone. */
  sweep(now = Date.now()): void {
    for (const [id, session] of this.#held) {
      if (session.busy === 0 && now - session.lastUsed > IDLE_MS) this.#drop(id, session);
    }
  }

  /** Ends all of them, when the server stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const [id, session] of this.#held) await this.#drop(id, session);
  }
}

function endedKey(id: string, owner: string): string {
  return `${id} ${owner}`;
}

/** Keeps `outcomes` as the answer to the commit `key`, and forgets the oldest. */
export function keepAnswer(session: PushSession, key: string, outcomes: Outcome[]): void {
  session.answers.set(key, outcomes);
  const [oldest] = session.answers.keys();
  if (session.answers.size > KEPT_ANSWERS) session.answers.delete(oldest);
}

/** A timer that does not keep the program alive. */
function unref(timer: ReturnType<typeof setInterval>): ReturnType<typeof setInterval> {
  Deno.unrefTimer(timer as unknown as number);
  return timer;
}
