/** The way up to a server: contents are staged there in packs, then committed (docs/protocol.md, "Writing"). */
import { again } from "../../client/fetch/again.ts";
import type { HttpInit } from "../../client/fetch/http_client.ts";
import type { Problem } from "../../core/entry.ts";
import { FerryError } from "../../core/errors.ts";
import { gzip, mostUnpacked } from "../../wire/gzip.ts";
import { MAX_ANSWER_BYTES } from "../../wire/limits.ts";
import type { Operation } from "../../wire/operation.ts";
import type { LeftFile } from "../../wire/left.ts";
import { type Outcome, parseOutcomes, parseUndone } from "../../wire/outcome.ts";
import { parseHave } from "../../wire/session.ts";
import { CHECKSUM_BYTES, type FileFrame, HEADER_BYTES, PACK_TYPE, PackBuilder } from "../../wire/pack.ts";
import { type Content, streamContent } from "../../wire/stream.ts";
import type { FileVersion } from "../write/partials.ts";
import { StagedPaths } from "./staged_paths.ts";
import type { RemoteSession } from "./session.ts";
import type { CallInit, ServerCalls } from "./calls.ts";
import type { EndOptions, WriteSession } from "../store.ts";
import type { DeltaTarget } from "../delta/ends.ts";
import { remoteDeltaTarget } from "../delta/remote.ts";

const JSON_TYPE = "application/json";

/** Longer messages are packed. */
const PLAIN_MESSAGE_BYTES = 64 * 1024;

/** What a frame adds to its content, and a pack to its frames, at most. */
const FRAME_BYTES = HEADER_BYTES + CHECKSUM_BYTES;

/** A session that writes to a server. */
export class RemoteWriter implements WriteSession {
  readonly #calls: ServerCalls;
  readonly #session: RemoteSession;
  readonly #unlock: (options?: EndOptions) => Promise<void>;
  readonly delta: DeltaTarget;
  readonly reuse?: WriteSession["reuse"];
  readonly #named = new StagedPaths();
  readonly #first: boolean;
  #undone: Problem[] = [];
  #commits = 0;
  /** Whether a large file broke off, so that there may be something of it. */
  #broke = false;

  /** Writes in `session`, the one that was begun with `calls`; `unlock` ends it. With `first`, nothing was there before. */
  constructor(
    calls: ServerCalls,
    session: RemoteSession,
    { unlock, first = false }: { unlock: (options?: EndOptions) => Promise<void>; first?: boolean },
  ) {
    this.#first = first;
    this.#calls = calls;
    this.#unlock = unlock;
    this.#session = session;
    this.delta = remoteDeltaTarget(calls, session);
    if (session.left) this.reuse = (files) => this.#reuse(files);
  }

  async stage(frames: readonly FileFrame[], paths?: readonly string[]): Promise<Outcome[]> {
    const standing = PackBuilder.behind(frames);
    const pack = standing ?? this.#copied(frames);
    if (paths !== undefined) pack.addPaths(paths);
    const body = pack.finish();
    try {
      const call = this.#route("stage");
      const init = { method: "PUT", headers: { "content-type": PACK_TYPE }, body };
      const outcomes = await this.#again(call, init, frames.length);
      if (paths !== undefined) this.#named.staged(frames, paths);
      return outcomes;
    } finally {
      // Where the contents stand, they belong to whoever read them.
      if (standing === null) this.#calls.buffers.give(body.buffer);
    }
  }

  #copied(frames: readonly FileFrame[]): PackBuilder {
    const size = frames.reduce((sum, frame) => sum + frame.content.length + FRAME_BYTES, FRAME_BYTES);
    const pack = new PackBuilder(this.#calls.buffers.take(size));
    for (const frame of frames) pack.addFile(frame);
    return pack;
  }

  /** A call about many files; says that nothing was there before the run, where that is so. */
  #route(name: string): string {
    return `${name}/${this.#session.id}${this.#first ? "?first=1" : ""}`;
  }

  /** A call that may be repeated, to its outcomes. */
  #again(call: string, init: HttpInit, count: number): Promise<Outcome[]> {
    return again(async () => this.#outcomes(await this.#send(call, init), count), this.#calls.stop);
  }

  async #reuse(files: readonly LeftFile[]): Promise<boolean[]> {
    const init = { method: "POST", ...jsonBody({ files }) };
    const outcomes = await this.#again(this.#route("left"), init, files.length);
    return outcomes.map((outcome) => outcome === null);
  }

  async resumable({ path, size, mtime }: FileVersion): Promise<number> {
    if (this.#session.parts === 0 && !this.#broke) return 0;
    const query = new URLSearchParams({ file: path, size: String(size), mtime: String(mtime) });
    const answer = await again(async () => {
      const response = await this.#send(`stage/${this.#session.id}?${query}`, {});
      return await this.#calls.answer(response, MAX_ANSWER_BYTES);
    }, this.#calls.stop);
    return Math.min(size, this.#calls.parse(answer, parseHave).have);
  }

  async stageContent(index: number, content: Content, path?: string): Promise<Outcome> {
    let early: Outcome = null;
    this.#named.forget(index);
    let rest: Uint8Array = new Uint8Array(0);
    const exchange = this.#calls.begin(true);
    const watched: Content = {
      kind: "content",
      meta: content.meta,
      next: async () => {
        if (rest.length === 0) {
          exchange.rest();
          const chunk = await content.next();
          if (chunk === null) {
            // It is asked only while there must be more.
            early = content.outcome();
            exchange.wait();
            return null;
          }
          rest = chunk;
        }
        const piece = rest.subarray(0, exchange.outPiece(rest.length));
        rest = rest.subarray(piece.length);
        const pause = exchange.sent(piece.length);
        if (pause) await pause;
        exchange.wait();
        return piece;
      },
      outcome: () => content.outcome(),
      rest: content.rest,
      [Symbol.dispose]: () => content[Symbol.dispose](),
    };
    const body = streamContent(watched, index, (bytes) => this.#calls.traffic.sent += bytes);
    let response: Response;
    const query = new URLSearchParams(path === undefined ? {} : { file: path });
    if (this.#first) query.set("first", "1");
    if (content.rest !== undefined) query.set("offset", String(content.rest.offset));
    try {
      response = await this.#send(`stage/${this.#session.id}/${index}?${query}`, {
        method: "PUT",
        headers: { "content-type": PACK_TYPE },
        body,
        exchange,
      });
    } catch (error) {
      this.#broke = true;
      // The content ended early, which breaks the request off and is trouble with one file only.
      if (early === null) throw error;
      return early;
    }
    return (await this.#outcomes(response, 1))[0];
  }

  async commit(operations: readonly Operation[]): Promise<Outcome[]> {
    const init = {
      method: "POST",
      ...jsonBody({ key: String(this.#commits++), operations: this.#named.shorten(operations) }),
    };
    return await this.#again(this.#route("commit"), init, operations.length);
  }

  async finish(): Promise<void> {
    const response = await this.#send(`finish/${this.#session.id}`, { method: "POST" });
    this.#undone = this.#calls.parse(await this.#calls.answer(response, MAX_ANSWER_BYTES), parseUndone);
  }

  async close(options?: EndOptions): Promise<Problem[]> {
    await this.#unlock(options);
    return this.#undone;
  }

  async #send(call: string, init: CallInit): Promise<Response> {
    this.#session.check();
    try {
      return await this.#calls.send(call, { patient: true, ...init });
    } catch (error) {
      throw error instanceof FerryError && error.code === "gone" ? this.#session.forgotten() : error;
    }
  }

  async #outcomes(response: Response, count: number): Promise<Outcome[]> {
    const bytes = await this.#calls.answer(response, MAX_ANSWER_BYTES);
    return this.#calls.parse(bytes, (fields) => parseOutcomes(fields, count));
  }
}

/** Headers and body of a message to a server. */
export function jsonBody(message: object): Pick<HttpInit, "headers" | "body"> {
  const bytes = new TextEncoder().encode(JSON.stringify(message));
  const plain = { headers: { "content-type": JSON_TYPE }, body: bytes };
  if (bytes.length < PLAIN_MESSAGE_BYTES) return plain;
  const packed = gzip(bytes);
  if (bytes.length > mostUnpacked(packed.length)) return plain;
  return { headers: { "content-type": JSON_TYPE, "content-encoding": "gzip" }, body: packed };
}
