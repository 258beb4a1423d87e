/**
 * A push as its client holds it: one call whose answer stays open keeps the folder locked; should that connection
 * break, it is made again, as long as the server still knows of the push (docs/protocol.md, "Sessions").
 */
import { again, mayPass, TRIES, waitAfter } from "../../client/fetch/again.ts";
import { FerryError } from "../../core/errors.ts";
import { parseSessionAnswer, type SessionRequest } from "../../wire/session.ts";
import type { ServerCalls } from "./calls.ts";
import type { EndOptions } from "../store.ts";

/** The server says every ten seconds that it is there; after so long without, the connection is dead. */
export const SILENCE_MS = 45_000;

/** A server drops a push that it has not heard of for two minutes. */
const TOUCH_MS = 30_000;

/** A server that does not hear of the end in time finds out by itself. */
const CLOSE_MS = 3000;

/** What a server may say before it says that a push began. */
const MAX_FIRST_LINE = 4096;

/** The connection that holds a folder on a server. */
export class RemoteSession {
  readonly id = crypto.randomUUID();
  readonly #calls: ServerCalls;
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #ending = new AbortController();
  readonly #over: AbortSignal;
  /** Large files of which the server has something from before, when it began. */
  parts = 0;
  /** Whether the server has something left of a first copy. */
  left = false;
  #lost: FerryError | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #watching: Promise<void> = Promise.resolve();

  private constructor(calls: ServerCalls, request: SessionRequest) {
    this.#calls = calls;
    const { stop } = calls;
    this.#over = stop === undefined ? this.#ending.signal : AbortSignal.any([stop, this.#ending.signal]);
    this.#body = new TextEncoder().encode(JSON.stringify(request));
  }

  /** Locks the folder of `calls` until `end`, or until its `stop`. Throws `locked`, as the server says who has it. */
  static async begin(
    calls: ServerCalls,
    request: SessionRequest,
  ): Promise<RemoteSession> {
    const session = new RemoteSession(calls, request);
    const connection = await again(() => session.#connect(), calls.stop);
    session.#watching = session.#watch(connection);
    session.#timer = setInterval(() => session.#touch(), TOUCH_MS);
    return session;
  }

  /** Throws when the folder is not this run's any more. */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** What is thrown when the server does not know of this session. */
  forgotten(): FerryError {
    const message =
      `${this.#calls.label} no longer knows of this run, as if it was started anew; run it again to go on`;
    return new FerryError("partial_transfer", message);
  }

  async #connect(): Promise<Connection> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(silent(this.#calls.label)), SILENCE_MS);
    try {
      const response = await this.#calls.send(`session/${this.id}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: this.#body,
        signal: AbortSignal.any([silence.signal, this.#over]),
      });
      const connection = new Connection(response, silence, this.#calls.traffic);
      const first = await connection.firstLine();
      if (first === null) {
        throw new FerryError("protocol", `${this.#calls.label} does not say that the push began`);
      }
      const answer = this.#calls.parse(first, parseSessionAnswer);
      connection.known = answer.known;
      this.parts = answer.parts;
      this.left = answer.left;
      return connection;
    } catch (error) {
      silence.abort();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads what says that the server is there, and connects again when that ends. Never throws. */
  async #watch(connection: Connection): Promise<void> {
    let attempt = 0;
    while (await connection.end(), !this.#over.aborted) {
      try {
        await waitAfter(null, ++attempt, this.#over);
        if (this.#over.aborted) return;
        connection = await this.#connect();
        attempt = 0;
        if (!connection.known) throw this.forgotten();
      } catch (error) {
        if (mayPass(error) && attempt < TRIES) continue;
        const known = error instanceof FerryError && error.code !== "gone" ? error : this.forgotten();
        // Whoever comes upon it need not try again: that has been done here.
        this.#lost = new FerryError(known.code, known.message, { cause: known });
        this.#calls.abort(this.#lost);
        return;
      }
    }
  }

  async #touch(): Promise<void> {
    try {
      const response = await this.#calls.send(`session/${this.id}`, { signal: this.#ending.signal });
      await response.body?.cancel();
    } catch {
      // What this means is found out by the calls that do something.
    }
  }

  /** Lets others in, and drops what the server has staged and not placed. */
  async end({ broken = false }: EndOptions = {}): Promise<void> {
    clearInterval(this.#timer);
    const signal = AbortSignal.timeout(CLOSE_MS);
    try {
      for (let attempt = 1;; attempt++) {
        try {
          const call = `session/${this.id}${broken ? "?broken=1" : ""}`;
          const response = await this.#calls.send(call, { method: "DELETE", signal });
          await response.body?.cancel();
          return;
        } catch (error) {
          // A server that refused a body in the middle is just closing the connection that this one took.
          const broken = error instanceof FerryError && error.code === "partial_transfer";
          if (!broken || attempt === 3) throw error;
        }
      }
    } finally {
      this.#ending.abort();
      await this.#watching;
    }
  }
}

/** One answer that stays open. */
class Connection {
  /** Whether the server knew of the push before. */
  known = true;
  readonly #silence: AbortController;
  readonly #traffic: { received: number };
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(response: Response, silence: AbortController, traffic: { received: number }) {
    this.#silence = silence;
    this.#traffic = traffic;
    this.#reader = response.body?.getReader();
  }

  /** The first line; null when none comes. */
  async firstLine(): Promise<string | null> {
    const decoder = new TextDecoder();
    let text = "";
    while (!text.includes("\n")) {
      const chunk = await this.#next();
      if (chunk === null || text.length > MAX_FIRST_LINE) return null;
      text += decoder.decode(chunk, { stream: true });
    }
    return text.slice(0, text.indexOf("\n"));
  }

  /** Waits until nothing comes any more. Never throws. */
  async end(): Promise<void> {
    while (await this.#next() !== null);
    this.#silence.abort();
  }

  async #next(): Promise<Uint8Array | null> {
    const timer = setTimeout(() => this.#silence.abort(), SILENCE_MS);
    try {
      const { value } = await this.#reader?.read() ?? {};
      this.#traffic.received += value?.length ?? 0;
      return value ?? null;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What is thrown when a server does not say any more that it is there. */
export function silent(label: string): FerryError {
  return new FerryError("timeout", `${label}: not a byte moved for ${SILENCE_MS / 1000} s`);
}
