/** A folder on a Ferry server as a Store, over the sync API (docs/protocol.md). */
import { again } from "../../client/fetch/again.ts";
import type { Tree } from "../../core/entry.ts";
import { FerryError } from "../../core/errors.ts";
import { HashesReader } from "../../wire/hashes.ts";
import { headTag, MAX_HEAD_BYTES, parseHead, type TreeHead } from "../../wire/head.ts";
import type { Info } from "../../wire/info.ts";
import { MAX_PACK_BYTES, PACK_BYTES } from "../../wire/limits.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { type FileFrame, type ProblemFrame, readPack } from "../../wire/pack.ts";
import type { Holder } from "../../wire/session.ts";
import { type Content, type NoContent, openStreamed } from "../../wire/stream.ts";
import { readInto } from "../buffers.ts";
import { SAFE, type Safety } from "../write/care.ts";
import type { DeltaSource } from "../delta/ends.ts";
import { remoteDeltaSource } from "../delta/remote.ts";
import { thisProcess } from "../holder.ts";
import type { ResumePoint } from "../read/content.ts";
import { fetchChanges } from "./changes.ts";
import { fetchInfo, jsonAnswer } from "./info.ts";
import { KeptHead } from "./kept_head.ts";
import { RemoteSession } from "./session.ts";
import { fetchTree } from "./tree.ts";
import { jsonBody, RemoteWriter } from "./writer.ts";
import type { KnownVersion } from "../run_memory.ts";
import { type CallOptions, ServerCalls } from "./calls.ts";
import type {
  ChangesSince,
  EndOptions,
  ScanOptions,
  SmallFiles,
  Store,
  WriteOptions,
  WriteSession,
} from "../store.ts";

/** How a server is spoken to, and how its folder is written to. */
export interface RemoteOptions extends CallOptions {
  safety?: Safety;
  /** The state folder of this machine, to remember heads. */
  stateHome?: string;
}

/** A folder on a server. */
export class RemoteStore implements Store {
  readonly remote = true;
  /** Calls about the folder. */
  readonly calls: ServerCalls;
  readonly #safety: Safety;
  readonly #kept: KeptHead | null;
  #info: Promise<Info> | undefined;
  /** Whether the server has answered yet. */
  #met = false;
  #holder: Holder = thisProcess("");
  #session: RemoteSession | undefined;

  /** `url` names the folder; userinfo in it serves as credentials and is never shown. */
  constructor(url: URL, { safety = SAFE, stateHome, ...options }: RemoteOptions = {}) {
    this.calls = new ServerCalls(url, options);
    this.#safety = safety;
    this.#kept = stateHome === undefined ? null : new KeptHead(stateHome, this.label);
  }

  get label(): string {
    return this.calls.label;
  }

  get traffic(): { sent: number; received: number } {
    return this.calls.traffic;
  }

  async kind(): Promise<"dir" | "file" | "absent"> {
    return (await this.info()).kind;
  }

  async vanished(): Promise<boolean> {
    return (await this.info()).vanished ?? false;
  }

  async shares(): Promise<{ share: string; path: string }[]> {
    const { share } = await this.info();
    const known = [{ share: new URL(this.label).origin, path: this.calls.path }];
    return share === undefined ? known : [...known, { share, path: this.calls.path }];
  }

  /** What the server says of itself and the folder; asked for once. */
  info(): Promise<Info> {
    return this.#info ??= this.#fetchInfo();
  }

  /** Whether its server may be told to pull from the folder `source` by itself. */
  async offersJobs(source: string): Promise<boolean> {
    return (await this.#fetchInfo(`info?source=${encodeURIComponent(source)}`)).jobs === true;
  }

  #fetchInfo(call = "info"): Promise<Info> {
    return this.#repeat(() => fetchInfo(this.calls, call));
  }

  /** Does a call, again where that may help: a server that was not there at all is no connection that broke. */
  async #repeat<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#met ? await again(call, this.calls.stop) : await call();
    this.#met = true;
    return result;
  }

  async head(): Promise<TreeHead | null> {
    const kept = this.#kept?.recall() ?? null;
    try {
      return await this.#repeat(async () => {
        const init = kept === null ? {} : { ifNoneMatch: headTag(kept) };
        const response = await this.calls.send("head", init);
        if (response.status === 304) return kept;
        const head = this.calls.parse(
          await jsonAnswer(response, { calls: this.calls, max: MAX_HEAD_BYTES }),
          parseHead,
        );
        this.#kept?.remember(head);
        return head;
      });
    } catch (error) {
      // It is not ready yet, there is none, or this user must not know. Anything else the scan will meet, too.
      if (error instanceof FerryError && error.code === "not_found") return null;
      throw error;
    }
  }

  changes(since: KnownVersion): Promise<ChangesSince | null> {
    return fetchChanges(this.calls, since, (call) => this.#repeat(call));
  }

  scan(options: ScanOptions = {}): Promise<Tree> {
    return fetchTree(this.calls, options);
  }

  async hashes(paths: readonly string[]): Promise<(string | null)[]> {
    return await again(() => this.#hashesOnce(paths), this.calls.stop);
  }

  async #hashesOnce(paths: readonly string[]): Promise<(string | null)[]> {
    try {
      const response = await this.calls.send("hashes", { method: "POST", ...jsonBody({ files: paths }) });
      const digests = new HashesReader(paths.length);
      for await (const chunk of this.calls.received(response)) {
        // Few bytes, but each stands for a file that was read.
        this.calls.exchangeOf(response)?.alive();
        digests.push(chunk);
      }
      return digests.finish();
    } catch (error) {
      // A server need not have this call: then contents travel that need not.
      if (error instanceof FerryError && error.code === "not_found") return paths.map(() => null);
      throw this.calls.bodyError(error);
    }
  }

  async read(paths: readonly string[]): Promise<SmallFiles> {
    return await again(() => this.#readOnce(paths), this.calls.stop);
  }

  async #readOnce(paths: readonly string[]): Promise<SmallFiles> {
    const response = await this.calls.send("pack", { method: "POST", ...jsonBody({ files: paths }) });
    const frames: (FileFrame | ProblemFrame)[] = paths.map((_, index) => ({
      kind: "problem",
      index,
      code: "missing",
      message: "the server did not send it",
    }));
    const bytes = await this.#pack(response);
    try {
      for (const frame of readPack(bytes)) if (frame.index < frames.length) frames[frame.index] = frame;
    } catch (error) {
      // What came before the first wrong byte is good: each file has its own checksum. The rest becomes problems.
      if (!(error instanceof FerryError)) throw error;
      for (const frame of frames) {
        if (frame.kind === "problem" && frame.code === "missing") frame.message = error.message;
      }
    }
    return { frames, [Symbol.dispose]: () => this.calls.buffers.give(bytes.buffer) };
  }

  /** The body of an answer with a pack in it, in a buffer of the pool. */
  async #pack(response: Response): Promise<Uint8Array<ArrayBuffer>> {
    const declared = Number(response.headers.get("content-length") ?? NaN);
    const size = declared >= 0 && declared <= MAX_PACK_BYTES
      ? Math.max(declared, PACK_BYTES)
      : MAX_PACK_BYTES;
    try {
      if (response.body === null) return new Uint8Array(0);
      const bytes = await readInto(
        response.body,
        this.calls.buffers.take(size),
        this.calls.exchangeOf(response),
      );
      this.calls.traffic.received += bytes.length;
      return bytes;
    } catch (error) {
      throw this.calls.bodyError(error);
    }
  }

  async open(path: string, resume?: ResumePoint): Promise<Content | NoContent> {
    const query = new URLSearchParams({ file: path });
    for (const [name, value] of Object.entries(resume ?? {})) query.set(name, String(value));
    // The server reads what it leaves out, for the digest.
    const response = await this.calls.send(`file?${query}`, { patient: resume !== undefined });
    if (response.body === null) {
      return { kind: "problem", code: "missing", message: "the server sent nothing" };
    }
    try {
      const content = await openStreamed(response.body, {
        flow: this.calls.flowOf(response),
        offset: resume?.offset,
      });
      return content.kind === "problem" ? content : this.#explained(content);
    } catch (error) {
      if (error instanceof FerryError && error.code === "protocol") return badContent(error);
      throw this.calls.bodyError(error);
    }
  }

  /** `content` with the errors of its connection explained. */
  #explained(content: Content): Content {
    let broken: Outcome = null;
    return {
      kind: "content",
      meta: content.meta,
      next: async () => {
        try {
          return await content.next();
        } catch (error) {
          const known = error instanceof FerryError ? error : this.calls.bodyError(error);
          if (!(known instanceof FerryError)) throw known;
          if (known.code === "protocol") broken = badContent(known);
          else throw known;
          return null;
        }
      },
      outcome: () => broken ?? content.outcome(),
      rest: content.rest,
      [Symbol.dispose]: () => content[Symbol.dispose](),
    };
  }

  deltas(): DeltaSource {
    return remoteDeltaSource(this.calls);
  }

  async write(options: WriteOptions = {}): Promise<WriteSession> {
    const { permissions } = await this.info();
    for (const [perm, verb] of [["w", "writing"], ...(options.delete ? [["d", "deleting"]] : [])]) {
      if (permissions.includes(perm)) continue;
      throw new FerryError(
        "forbidden",
        `${this.label} does not allow ${verb} (permissions here: ${permissions}); log in, or see the server's ` +
          "--writable and --auth",
      );
    }
    const session = await this.#begin();
    const unlock = (end?: EndOptions) => this.unlock(end);
    return new RemoteWriter(this.calls, session, { unlock, first: options.first });
  }

  async lock(holder: Holder): Promise<void> {
    this.#holder = holder;
    // Who may not write keeps nobody from it, and has a use for the lock only when there is something to write.
    const { permissions, kind } = await this.info();
    if (!permissions.includes("w")) return;
    await this.#begin();
    // Before that, another run may have made it.
    if (kind === "absent") this.#info = undefined;
  }

  async unlock(options?: EndOptions): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.end(options);
  }

  async #begin(): Promise<RemoteSession> {
    const { fsync, trash } = this.#safety;
    const request = { holder: this.#holder, options: { fsync, trash: trash.kind !== "none" } };
    return this.#session ??= await RemoteSession.begin(this.calls, request);
  }

  close(): void {
    this.calls.close();
  }
}

function badContent(error: FerryError): NoContent & { code: "bad_content" } {
  return { kind: "problem", code: "bad_content", message: error.message };
}
