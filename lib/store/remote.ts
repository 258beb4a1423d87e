/** A folder on a Ferry server as a Store, over the sync API (docs/protocol.md). */
import { HttpClient, type HttpClientOptions } from "../client/http_client.ts";
import { again } from "../client/again.ts";
import { isRetryStatus, parseRetryAfter } from "../client/retry.ts";
import { StatusError } from "../client/status_error.ts";
import { toFerryError } from "../client/fetch_error.ts";
import { PacedBody } from "../client/paced_body.ts";
import { type Exchange, type Paces, PATIENCE_MS, Watch } from "../client/watch.ts";
import { codeOfStatus, FerryError, quote } from "../core/errors.ts";
import type { FileEntry, Tree } from "../core/entry.ts";
import { parseUrlPath } from "../core/paths.ts";
import { API_PATH, MAX_ANSWER_BYTES, MAX_PACK_BYTES, PACK_BYTES, PROTOCOL } from "../wire/limits.ts";
import { DenseError, gunzipTree, GZIP_TYPE } from "../wire/gzip.ts";
import { HashesReader } from "../wire/hashes.ts";
import { MAX_HEAD_BYTES, parseHead, type TreeHead } from "../wire/head.ts";
import { parseObject } from "../wire/fields.ts";
import { type Info, parseInfo } from "../wire/info.ts";
import type { Outcome } from "../wire/outcome.ts";
import type { Holder } from "../wire/session.ts";
import type { Flow } from "../wire/flow.ts";
import { type FileFrame, type ProblemFrame, readPack } from "../wire/pack.ts";
import { type Content, type NoContent, openStreamed } from "../wire/stream.ts";
import { LineSplitter, TreeReader } from "../wire/tree.ts";
import { PACK_BUFFERS, readInto } from "./buffers.ts";
import { thisProcess } from "./holder.ts";
import type { Links } from "./links.ts";
import { RemoteSession } from "./remote_session.ts";
import { type CallInit, jsonBody, RemoteWriter } from "./remote_writer.ts";
import type { ResumePoint } from "./read.ts";
import type { EndOptions, ScanOptions, SmallFiles, Store, WriteOptions, WriteSession } from "./store.ts";
import { SAFE, type Safety } from "./care.ts";
import type { DeltaSource } from "./delta.ts";
import { remoteDeltaSource } from "./delta_remote.ts";

const JSON_TYPE = "application/json";

export interface RemoteOptions extends HttpClientOptions {
  signal?: AbortSignal;
  /** Rates to keep to. */
  paces?: Paces;
  safety?: Safety;
  /** Milliseconds after which a silent server is given up. */
  silence?: number;
  /** What the server does with symbolic links when it is read. */
  links?: Links;
}

/** A folder on a server. */
export class RemoteStore implements Store {
  readonly label: string;
  readonly remote = true;
  readonly traffic = { sent: 0, received: 0 };
  /** For packs, either way. */
  readonly buffers = PACK_BUFFERS;
  readonly #client: HttpClient;
  readonly #api: string;
  readonly #path: string;
  readonly #links: Links;
  readonly stop: AbortSignal | undefined;
  readonly #safety: Safety;
  readonly #watch: Watch;
  readonly #paces: Paces;
  readonly #exchanges = new WeakMap<Response, Exchange>();
  #info: Promise<Info> | undefined;
  /** Whether the server has answered yet. */
  #met = false;
  #holder: Holder = thisProcess("");
  #session: RemoteSession | undefined;

  /** `url` names the folder; userinfo in it serves as credentials and is never shown. */
  constructor(url: URL, options: RemoteOptions = {}) {
    const shown = new URL(url);
    shown.username = shown.password = "";
    this.label = shown.href;
    this.#client = new HttpClient(url, options);
    this.#api = shown.origin + API_PATH;
    this.#path = parseUrlPath(shown.pathname).path;
    this.stop = options.signal;
    this.#links = options.links ?? "keep";
    const { signal: stop, paces = {}, silence, safety = SAFE } = options;
    this.#safety = safety;
    this.#paces = paces;
    this.#watch = new Watch({
      label: this.label,
      stop,
      paces,
      ...(silence === undefined ? {} : { silence }),
    });
  }

  async kind(): Promise<"dir" | "file" | "absent"> {
    return (await this.info()).kind;
  }

  async vanished(): Promise<boolean> {
    return (await this.info()).vanished ?? false;
  }

  async shares(): Promise<{ share: string; path: string }[]> {
    const { share } = await this.info();
    const known = [{ share: new URL(this.label).origin, path: this.#path }];
    return share === undefined ? known : [...known, { share, path: this.#path }];
  }

  /** What the server says of itself and the folder; asked for once. */
  info(): Promise<Info> {
    return this.#info ??= this.#fetchInfo();
  }

  /** Whether its server may be told to pull from the folder `source` by itself. */
  async offersJobs(source: string): Promise<boolean> {
    return (await this.#fetchInfo(`info?source=${encodeURIComponent(source)}`)).jobs === true;
  }

  async #fetchInfo(call = "info"): Promise<Info> {
    // A server that is not there at all is no connection that broke.
    const info = this.#met ? await again(() => this.#askInfo(call), this.stop) : await this.#askInfo(call);
    this.#met = true;
    return info;
  }

  async #askInfo(call: string): Promise<Info> {
    const response = await this.send(call);
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith(JSON_TYPE)) {
      await response.body?.cancel();
      throw new FerryError(
        "protocol",
        `${this.label} is not on a Ferry server: it does not speak the sync API`,
      );
    }
    const info = this.parse(await this.answer(response, MAX_ANSWER_BYTES), parseInfo);
    if (info.protocol !== PROTOCOL) {
      throw new FerryError(
        "protocol",
        `${this.label} speaks version ${info.protocol} of the sync API, this is ${PROTOCOL}`,
      );
    }
    return info;
  }

  async head(): Promise<TreeHead | null> {
    try {
      return await again(async () => {
        const response = await this.send("head");
        return this.parse(await this.answer(response, MAX_HEAD_BYTES), parseHead);
      }, this.stop);
    } catch (error) {
      // It is not ready yet, there is none, or this user must not know. Anything else the scan will meet, too.
      if (error instanceof FerryError && error.code === "not_found") return null;
      throw error;
    }
  }

  async scan(options: ScanOptions = {}): Promise<Tree> {
    let told: Tree = new Map();
    const attempt = (gzip: boolean) => {
      // When it breaks off in the middle, nobody is told twice of what had come.
      const before = told;
      const onFile = options.onFile &&
        ((path: string, entry: FileEntry) => before.has(path) || options.onFile?.(path, entry));
      const reader = new TreeReader({ filter: options.filter, onFile });
      if (told.size === 0) told = reader.tree;
      return this.#readTree(reader, options, gzip);
    };
    return await again(async () => {
      try {
        return await attempt(true);
      } catch (error) {
        // A tree of long paths may shrink so far. Plain, whoever wants to fill this memory has to send as much.
        if (error instanceof DenseError) return await attempt(false);
        throw error;
      }
    }, this.stop);
  }

  async #readTree(tree: TreeReader, { filter, checksum }: ScanOptions, gzip: boolean): Promise<Tree> {
    const query = Object.entries({ gzip, checksum, rules: filter?.rules }).filter(([, wanted]) => wanted);
    const response = await this.send(`tree?${query.map(([name]) => `${name}=1`).join("&")}`);
    const lines = new LineSplitter();
    const exchange = this.exchangeOf(response);
    try {
      const body = this.#received(response);
      const packed = response.headers.get("content-type") === GZIP_TYPE;
      if (packed && !gzip) {
        await response.body?.cancel();
        throw new FerryError("protocol", "a tree under gzip, which was not asked for");
      }
      for await (const chunk of packed ? gunzipTree(body) : body) {
        for (const line of lines.push(chunk)) {
          // A server that looks at a large tree for long says so in whole lines.
          exchange?.alive();
          tree.line(line);
        }
      }
      return tree.finish();
    } catch (error) {
      if (error instanceof DenseError) throw error;
      // The folder itself, which the server cannot read.
      const unread = error instanceof FerryError && error.code === "read_failed";
      throw unread ? new FerryError("read_failed", `${this.label}: ${error.message}`) : this.bodyError(error);
    }
  }

  /** The body of `response` as it comes, counted and watched. */
  async *#received(response: Response): AsyncGenerator<Uint8Array> {
    const exchange = this.exchangeOf(response);
    const reader = response.body?.getReader();
    try {
      for (;;) {
        exchange?.wait();
        const { value, done } = await reader?.read() ?? { done: true };
        const pause = exchange?.moved(value?.length ?? 0);
        if (pause) await pause;
        if (done || value === undefined) return;
        this.traffic.received += value.length;
        yield value;
      }
    } finally {
      reader?.cancel().catch(() => {});
    }
  }

  async hashes(paths: readonly string[]): Promise<(string | null)[]> {
    return await again(() => this.#hashesOnce(paths), this.stop);
  }

  async #hashesOnce(paths: readonly string[]): Promise<(string | null)[]> {
    try {
      const response = await this.send("hashes", { method: "POST", ...jsonBody({ files: paths }) });
      const digests = new HashesReader(paths.length);
      for await (const chunk of this.#received(response)) {
        // Few bytes, but each stands for a file that was read.
        this.exchangeOf(response)?.alive();
        digests.push(chunk);
      }
      return digests.finish();
    } catch (error) {
      // A server need not have this call: then contents travel that need not.
      if (error instanceof FerryError && error.code === "not_found") return paths.map(() => null);
      throw this.bodyError(error);
    }
  }

  async read(paths: readonly string[]): Promise<SmallFiles> {
    return await again(() => this.#readOnce(paths), this.stop);
  }

  async #readOnce(paths: readonly string[]): Promise<SmallFiles> {
    const body = JSON.stringify({ files: paths });
    const response = await this.send("pack", {
      method: "POST",
      headers: { "content-type": JSON_TYPE },
      body,
    });
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
    return { frames, [Symbol.dispose]: () => this.buffers.give(bytes.buffer) };
  }

  /** The body of an answer with a pack in it, in a buffer of the pool. */
  async #pack(response: Response): Promise<Uint8Array<ArrayBuffer>> {
    const declared = Number(response.headers.get("content-length") ?? NaN);
    const size = declared >= 0 && declared <= MAX_PACK_BYTES
      ? Math.max(declared, PACK_BYTES)
      : MAX_PACK_BYTES;
    try {
      if (response.body === null) return new Uint8Array(0);
      const bytes = await readInto(response.body, this.buffers.take(size), this.exchangeOf(response));
      this.traffic.received += bytes.length;
      return bytes;
    } catch (error) {
      throw this.bodyError(error);
    }
  }

  async open(path: string, resume?: ResumePoint): Promise<Content | NoContent> {
    const query = new URLSearchParams({ file: path });
    for (const [name, value] of Object.entries(resume ?? {})) query.set(name, String(value));
    // The server reads what it leaves out, for the digest.
    const response = await this.send(`file?${query}`, { patient: resume !== undefined });
    if (response.body === null) {
      return { kind: "problem", code: "missing", message: "the server sent nothing" };
    }
    try {
      const content = await openStreamed(response.body, {
        flow: this.#counted(this.exchangeOf(response)),
        offset: resume?.offset,
      });
      return content.kind === "problem" ? content : this.#explained(content);
    } catch (error) {
      if (error instanceof FerryError && error.code === "protocol") return badContent(error);
      throw this.bodyError(error);
    }
  }

  /** `flow` with its bytes counted. */
  #counted(flow: Flow | undefined): Flow {
    return {
      wait: () => flow?.wait(),
      moved: (bytes) => {
        this.traffic.received += bytes;
        return flow?.moved(bytes);
      },
      piece: (most) => flow?.piece(most) ?? most,
    };
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
          const known = error instanceof FerryError ? error : this.bodyError(error);
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
    return remoteDeltaSource(this);
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
    return new RemoteWriter(this, session);
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
    return this.#session ??= await RemoteSession.begin(this, request, this.stop);
  }

  close(): void {
    this.#watch.close();
    this.#client[Symbol.dispose]();
  }

  /** An exchange that waits for the server from now on, `patient` where that may have to wait for its disk. */
  begin(patient = false): Exchange {
    return this.#watch.begin(patient ? { silence: PATIENCE_MS } : {});
  }

  abort(reason: FerryError): void {
    this.#watch.abort(reason);
  }

  /** What has to be told of the bytes of this answer. */
  exchangeOf(response: Response): Exchange | undefined {
    return this.#exchanges.get(response);
  }

  /**
   * One call of the API: `call` is what follows the version in its path. Gives the answer when its status is below
   * 400; throws what the server said otherwise.
   */
  async send(call: string, init: CallInit = {}): Promise<Response> {
    const url = new URL(`${this.#api}/${call}`);
    url.searchParams.set("path", this.#path);
    if (this.#links === "copy" && /^(head|tree|pack|hashes|file)\b/.test(call)) {
      url.searchParams.set("links", "copy");
    }
    if (typeof init.body === "string") init = { ...init, body: new TextEncoder().encode(init.body) };
    // With a signal of its own it is no part of the run.
    const exchange = init.signal !== undefined ? undefined : init.exchange ?? this.begin(init.patient);
    if (init.body instanceof Uint8Array) {
      this.traffic.sent += init.body.length;
      if (exchange !== undefined && this.#paces.sent !== undefined) {
        init = { ...init, body: new PacedBody(init.body as Uint8Array<ArrayBuffer>, exchange) };
      }
    }
    try {
      const response = await this.#client.fetch(url, { ...init, signal: init.signal ?? exchange?.signal });
      if (exchange !== undefined) this.#exchanges.set(response, exchange);
      if (response.status < 300) return response;
      throw await this.#refusal(response);
    } finally {
      exchange?.rest();
    }
  }

  async #refusal(response: Response): Promise<FerryError> {
    let detail = "";
    try {
      const problem = parseObject(await this.answer(response, MAX_ANSWER_BYTES));
      if (typeof problem.detail === "string") detail = `: ${quote(problem.detail.slice(0, 500))}`;
    } catch {
      // Not a server of ours, or not one that explains itself.
    }
    const { status } = response;
    if (status >= 300 && status < 400) {
      return new FerryError(
        "http_status",
        `${this.label} answers ${status}, a redirect: name the server that it leads to`,
      );
    }
    if (status === 401) {
      return new FerryError("unauthorized", `${this.label} wants credentials that it accepts (401)${detail}`);
    }
    const message = `${this.label} answers ${status}${detail}`;
    // 500 is no trouble that passes, 507 still less.
    if (status !== 500 && isRetryStatus(status)) {
      return new StatusError(
        status,
        message,
        parseRetryAfter(response.headers.get("retry-after"), Date.now()),
      );
    }
    return new FerryError(codeOfStatus(status), message);
  }

  /** The body of `response`, at most `max` bytes, and counted. */
  async answer(response: Response, max: number): Promise<Uint8Array> {
    const declared = Number(response.headers.get("content-length") ?? NaN);
    try {
      if (declared > max) {
        throw new FerryError("protocol", `${this.label} sends more than it may (${declared} bytes)`);
      }
      const bytes = response.body === null ? new Uint8Array(0) : await readInto(
        response.body,
        new ArrayBuffer(declared >= 0 ? declared : max),
        this.exchangeOf(response),
      );
      this.traffic.received += bytes.length;
      return bytes;
    } catch (error) {
      await response.body?.cancel().catch(() => {});
      throw this.bodyError(error);
    }
  }

  /** What an error in reading a body means. */
  bodyError(error: unknown): unknown {
    if (this.stop?.aborted) return error;
    if (!(error instanceof FerryError)) return toFerryError(error, new URL(this.label));
    // What its rules are broken by has to be known.
    if (error.code !== "protocol" || error.message.startsWith(this.label)) return error;
    return new FerryError("protocol", `${this.label}: ${error.message}`, { cause: error });
  }

  /** `message` as `read` understands it. Throws `protocol`, naming the server. */
  parse<T>(message: Uint8Array | string, read: (fields: Record<string, unknown>) => T): T {
    try {
      return read(parseObject(message));
    } catch (error) {
      throw this.bodyError(error);
    }
  }
}

function badContent(error: FerryError): NoContent & { code: "bad_content" } {
  return { kind: "problem", code: "bad_content", message: error.message };
}
