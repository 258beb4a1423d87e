/** `ferry request` over its URLs: one after the other, each with its outcome. */
import type { Io } from "../cli/io.ts";
import { exitStatus, FerryError, quote } from "../core/errors.ts";
import { formatSha256 } from "../http/digest.ts";
import { terminalText } from "./answer_text.ts";
import type { Dialer } from "./dial/dialer.ts";
import { Http1Client } from "./http1/client.ts";
import type { IdentityOptions } from "./identity.ts";
import { Pace } from "./pace.ts";
import { PartFile } from "./part_file.ts";
import { isFolder, openSink, type OutputPlan, type SinkOptions } from "./request_output.ts";
import { RequestClient } from "./request_client.ts";
import { readWhole, type Sending, uploadUrl } from "./request_input.ts";
import { hideUserinfo, parseTarget } from "./target.ts";
import type { ResumableUpload } from "./resumable_upload.ts";
import { Transfer, type TransferPlan, type TransferTools } from "./transfer.ts";

/** Smaller files are sent again as fast as a server is asked how much it has. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;

/** What holds for all URLs of one call. */
export interface RequestSettings {
  sending: Sending;
  outputs: OutputPlan;
  sinks: SinkOptions;
  identity: IdentityOptions;
  dialer: Pick<Dialer, "dial">;
  transfer: Pick<
    TransferPlan,
    "range" | "resume" | "sha256" | "maxRedirects" | "retries" | "timeout" | "fail"
  >;
  showHeaders: boolean;
  limitRate?: number;
  /** The folder in which it is noted which uploads are under way; undefined for nowhere. */
  uploadsFolder: () => Promise<string | undefined>;
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

/** One line of `--json`. */
export interface Outcome {
  url: string;
  method: string;
  status?: number;
  bytes: number;
  ms: number;
  path?: string;
  sha256?: string;
  resumed?: boolean;
  retries: number;
  /** Only of a URL that failed. */
  error?: { code: string; message: string; exit: number };
}

/** The requests of one call. */
export class RequestRun implements Disposable {
  readonly #wire: Http1Client;
  readonly #clients = new Map<string, RequestClient>();
  /** The files of this call, so that none replaces another one. */
  #written = new Set<string>();
  /** Those that take uploads by `PUT` alone. */
  #plainOrigins = new Set<string>();
  readonly #trace: ((line: string) => void) | undefined;

  constructor(readonly settings: RequestSettings, readonly io: Io) {
    this.#wire = new Http1Client(settings.dialer);
    this.#trace = settings.verbose ? (line) => io.err(line + "\n") : undefined;
  }

  /** Does `targets` in order; one that fails is told and the next one follows. Gives the exit status of the first failure. */
  async all(targets: readonly string[]): Promise<number> {
    let exit = 0;
    for (const [index, target] of targets.entries()) {
      const outcome = await this.one(target, index);
      const { error } = outcome;
      if (error !== undefined) {
        // With several URLs it must show which one it was.
        const named = targets.length === 1 || error.message.includes(outcome.url);
        this.io.err(`ferry: ${named ? "" : quote(outcome.url) + ": "}${terminalText(error.message)}\n`);
        exit ||= error.exit;
      }
      if (!this.settings.json) continue;
      const line = JSON.stringify(outcome) + "\n";
      if (outcome.path !== undefined) this.io.out(line);
      else this.io.err(line);
    }
    return exit;
  }

  /** Does the URL `target`, the one at `index`. Throws only when the program is to stop. */
  async one(target: string, index: number): Promise<Outcome> {
    const { method } = this.settings.sending;
    const outcome: Outcome = { url: hideUserinfo(target), method, bytes: 0, ms: 0, retries: 0 };
    const start = performance.now();
    try {
      await this.#transfer(target, index, outcome);
    } catch (error) {
      if (this.io.stop.aborted) throw this.io.stop.reason;
      if (!(error instanceof FerryError)) throw error;
      outcome.error = { code: error.code, message: error.message, exit: exitStatus(error) };
    }
    outcome.ms = Math.round(performance.now() - start);
    return outcome;
  }

  async #transfer(target: string, index: number, outcome: Outcome): Promise<void> {
    const { settings, io } = this;
    const parsed = parseTarget(target);
    const url = uploadUrl(parsed.url, settings.sending);
    outcome.url = url.href;
    const head = settings.sending.method === "HEAD";
    const path = head ? null : settings.outputs(url, index);
    const sink = await openSink(path, io, settings.sinks);
    const named = path !== null && !isFolder(path) && settings.sinks.overwrite !== false;
    if (named) outcome.path = path;
    if (sink instanceof PartFile && sink.replaces && this.#written.has(sink.path)) {
      throw new FerryError(
        "write_failed",
        `cannot write ${quote(path!)}: an earlier URL of this call went there`,
      );
    }
    if (settings.transfer.resume && settings.sending.method === "GET" && !(sink instanceof PartFile)) {
      throw new FerryError(
        "usage",
        "--continue needs a file: --output FILE, --remote-name or --output-dir DIR",
      );
    }
    const { sending, transfer: common, limitRate, quiet } = settings;
    const wantsDigest = !head && (common.sha256 !== undefined || (settings.json && path !== null));
    const digest = wantsDigest ? new (await import("./digest.ts")).Digest() : undefined;
    const { method, body } = sending;
    const tools = {
      client: this.#clientFor(url, parsed.user),
      sink,
      stop: io.stop,
      digest,
      pace: limitRate === undefined ? undefined : new Pace(limitRate),
      trace: this.#trace,
      onRetry: quiet ? undefined : (why: string) => io.err(`ferry: ${why}\n`),
      onHead: head || settings.showHeaders ? (text: string) => io.out(text) : undefined,
      onErrorBody: quiet ? undefined : (bytes: Uint8Array) => this.#showErrorBody(bytes),
    };
    const plan = { ...common, url, method, headers: await this.#headers(), body };
    const transfer = await this.#upload(plan, tools) ?? new Transfer(plan, tools);
    try {
      await transfer.run();
      if (sink instanceof PartFile) this.#written.add(sink.path);
      if (digest) outcome.sha256 = digest.hex();
    } finally {
      if (!named && sink.path !== undefined && !isFolder(sink.path)) outcome.path = sink.path;
      outcome.status = transfer.status;
      outcome.bytes = transfer.bytes;
      outcome.retries = transfer.retries;
      if (transfer.resumed) outcome.resumed = true;
    }
  }

  /** Those of the request; an upload that fits into memory says what it has to be (RFC 9530). */
  async #headers(): Promise<Headers> {
    const { headers, body, anyWay } = this.settings.sending;
    const known = ["content-digest", "repr-digest", "content-encoding"].some((name) => headers.has(name));
    if (!anyWay || known || body.kind !== "file" || body.size >= RESUMABLE_BYTES) return headers;
    const digest = await crypto.subtle.digest("SHA-256", readWhole(body.path));
    const told = new Headers(headers);
    told.set("content-digest", formatSha256(btoa(String.fromCharCode(...new Uint8Array(digest)))));
    return told;
  }

  /** The upload of a large file that can be gone on with; null where there is none, or the server has no such thing. */
  async #upload(plan: TransferPlan, tools: TransferTools): Promise<ResumableUpload | null> {
    const { url, body, fail, sha256 } = plan;
    const { sending } = this.settings;
    if (!sending.anyWay || body.kind !== "file" || body.size < RESUMABLE_BYTES) return null;
    // What is about the body of the answer needs one.
    if (!fail || sha256 !== undefined || tools.sink instanceof PartFile) return null;
    if (this.#plainOrigins.has(url.origin)) return null;
    const { ResumableUpload } = await import("./resumable_upload.ts");
    const { UploadRecords } = await import("./upload_records.ts");
    const folder = await this.settings.uploadsFolder();
    const records = folder === undefined ? undefined : new UploadRecords(folder);
    const upload = new ResumableUpload({ ...plan, body }, { ...tools, records });
    if (!upload.isNamed) return null;
    const possible = await upload.isPossible();
    if (possible === false) this.#plainOrigins.add(url.origin);
    return possible ? upload : null;
  }

  /** One client an origin and user. */
  #clientFor(url: URL, user: string | undefined): RequestClient {
    const key = `${url.origin} ${user ?? ""}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      const { identity } = this.settings;
      // What stands in the URL is meant for it alone, and wins over a token of the environment.
      client = new RequestClient(
        url,
        this.#wire,
        user === undefined ? identity : { ...identity, user, token: undefined },
      );
      this.#clients.set(key, client);
    }
    return client;
  }

  #showErrorBody(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const text = new TextDecoder().decode(bytes);
    this.io.err(this.io.stderrIsTerminal ? terminalText(text) : text);
    if (!text.endsWith("\n")) this.io.err("\n");
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }
}
