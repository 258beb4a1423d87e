/**
 * Calls of the sync API about one folder of a server: with its credentials, counted, at the pace of the run, with an
 * eye on whether the server still moves, and with what refusals and broken bodies mean.
 */
import { toFerryError } from "../../client/fetch_error.ts";
import { HttpClient, type HttpClientOptions, type HttpInit } from "../../client/fetch/http_client.ts";
import { PacedBody } from "../../client/fetch/paced_body.ts";
import { type Exchange, type Paces, PATIENCE_MS, Watch } from "../../client/fetch/watch.ts";
import { FerryError } from "../../core/errors.ts";
import { parseUrlPath } from "../../core/paths.ts";
import { type Fields, parseObject } from "../../wire/fields.ts";
import type { Flow } from "../../wire/flow.ts";
import { API_PATH, MAX_ANSWER_BYTES } from "../../wire/limits.ts";
import { PACK_BUFFERS, readInto } from "../buffers.ts";
import type { Links } from "../read/links.ts";
import { refusalOf } from "./refusal.ts";

/** How a server is spoken to. */
export interface CallOptions extends HttpClientOptions {
  signal?: AbortSignal;
  /** Rates to keep to. */
  paces?: Paces;
  /** Milliseconds after which a silent server is given up. */
  silence?: number;
  /** What the server does with symbolic links when it is read. */
  links?: Links;
}

/** A request of the API. */
export interface CallInit extends HttpInit {
  /** The server may have to wait for its disk. */
  patient?: boolean;
  /** An ETag; the answer may then be 304. */
  ifNoneMatch?: string;
  /** Begun beforehand, where a body reports to it as it is sent. */
  exchange?: Exchange;
}

/** The calls of one run. */
export class ServerCalls {
  /** What messages call the folder: its URL without credentials. */
  readonly label: string;
  /** The folder's path on the server. */
  readonly path: string;
  /** Bytes of HTTP bodies so far. */
  readonly traffic = { sent: 0, received: 0 };
  /** For packs, either way. */
  readonly buffers = PACK_BUFFERS;
  /** Aborted when the run is to end. */
  readonly stop: AbortSignal | undefined;
  readonly #client: HttpClient;
  readonly #api: string;
  readonly #links: Links;
  readonly #watch: Watch;
  readonly #paces: Paces;
  readonly #exchanges = new WeakMap<Response, Exchange>();

  /** `url` names the folder; userinfo in it serves as credentials and is never shown. */
  constructor(url: URL, options: CallOptions = {}) {
    const { signal: stop, paces = {}, silence, links = "keep" } = options;
    const shown = new URL(url);
    shown.username = shown.password = "";
    const label = this.label = shown.href;
    this.path = parseUrlPath(shown.pathname).path;
    this.stop = stop;
    this.#client = new HttpClient(url, options);
    this.#api = shown.origin + API_PATH;
    this.#links = links;
    this.#paces = paces;
    this.#watch = new Watch({ label, stop, paces, ...(silence === undefined ? {} : { silence }) });
  }

  /** An exchange that waits for the server from now on, `patient` where that may have to wait for its disk. */
  begin(patient = false): Exchange {
    return this.#watch.begin(patient ? { silence: PATIENCE_MS } : {});
  }

  /** Breaks off the calls that wait for the server. */
  abort(reason: FerryError): void {
    this.#watch.abort(reason);
  }

  /** What has to be told of the bytes of this answer. */
  exchangeOf(response: Response): Exchange | undefined {
    return this.#exchanges.get(response);
  }

  /**
   * One call of the API: `call` is what follows the version in its path. Gives the answer when its status is below
   * 300, or 304 where that was asked for; throws what the server said otherwise.
   */
  async send(call: string, init: CallInit = {}): Promise<Response> {
    const url = new URL(`${this.#api}/${call}`);
    url.searchParams.set("path", this.path);
    if (this.#links === "copy" && /^(head|tree|pack|hashes|file)\b/.test(call)) {
      url.searchParams.set("links", "copy");
    }
    if (typeof init.body === "string") init = { ...init, body: new TextEncoder().encode(init.body) };
    if (init.ifNoneMatch !== undefined) init = { ...init, headers: { "if-none-match": init.ifNoneMatch } };
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
      if (response.status < 300 || (response.status === 304 && init.ifNoneMatch !== undefined)) {
        return response;
      }
      throw await this.#refusal(response);
    } finally {
      exchange?.rest();
    }
  }

  async #refusal(response: Response): Promise<FerryError> {
    let detail: unknown;
    try {
      detail = parseObject(await this.answer(response, MAX_ANSWER_BYTES)).detail;
    } catch {
      // Not a server of ours, or not one that explains itself.
    }
    return refusalOf(response, this.label, typeof detail === "string" ? detail : "");
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

  /** The body of `response` as it comes, counted and watched. Reading may fail: see `bodyError`. */
  async *received(response: Response): AsyncGenerator<Uint8Array> {
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

  /** Who is told of the bytes of this answer as they are read, and counts them. */
  flowOf(response: Response): Flow {
    const flow = this.exchangeOf(response);
    return {
      wait: () => flow?.wait(),
      moved: (bytes) => {
        this.traffic.received += bytes;
        return flow?.moved(bytes);
      },
      piece: (most) => flow?.piece(most) ?? most,
    };
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
  parse<T>(message: Uint8Array | string, read: (fields: Fields) => T): T {
    try {
      return read(parseObject(message));
    } catch (error) {
      throw this.bodyError(error);
    }
  }

  close(): void {
    this.#watch.close();
    this.#client[Symbol.dispose]();
  }
}
