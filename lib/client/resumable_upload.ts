/**
 * Uploads of large files by tus 1.0, which go on where they broke off, to servers that have it at `/.ferry/tus/`
 * (docs/uploads.md). Loaded where such a file is to be sent.
 */
import { FerryError, quote } from "../core/errors.ts";
import { formatSha256 } from "../http/digest.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import type { BodySource } from "./body_source.ts";
import { Deadline } from "./deadline.ts";
import { type Answer, exchange } from "./exchange.ts";
import { sha256OfFile } from "./file_digest.ts";
import { isRetryStatus, mayRetry } from "./retry.ts";
import { readErrorBody, statusError } from "./status_answer.ts";
import { StatusError } from "./status_error.ts";
import type { TransferPlan, TransferTools } from "./transfer.ts";
import { tryAgain } from "./try_again.ts";

const TUS_PATH = "/.ferry/tus";
const TUS = { "tus-resumable": "1.0.0" };
const PIECE = "application/offset+octet-stream";

/** A file, and where it goes by `PUT` or its like. */
export interface UploadPlan extends Pick<TransferPlan, "url" | "headers" | "retries" | "timeout"> {
  body: BodySource & { kind: "file" };
}

export type UploadTools = Pick<
  TransferTools,
  "client" | "stop" | "pace" | "trace" | "onRetry" | "onHead" | "onErrorBody"
>;

/** What the requests that are not the first have of its headers: no conditions, nothing about the content. */
const FIRST_ALONE = /^(content-.*|if-.*|if|repr-digest|expect|transfer-encoding|upload-.*|tus-.*)$/;

export class ResumableUpload {
  /** The status of the last answer. */
  status: number | undefined;
  /** Bytes that the server has. */
  bytes = 0;
  retries = 0;
  /** Whether a try went on where one before it had stopped. */
  resumed = false;
  #upload: URL | null = null;
  /** How often it was begun. */
  #begun = 0;
  /** Whether only the server knows how far it is. */
  #unsure = false;

  constructor(readonly plan: UploadPlan, readonly tools: UploadTools) {}

  /** Whether the URL names a file as it has to. */
  get isNamed(): boolean {
    return this.#target() !== null;
  }

  /** Whether the server has tus; null where that could not be found out. Nothing is changed by it. */
  async isPossible(): Promise<boolean | null> {
    try {
      using deadline = new Deadline(this.plan.timeout, this.plan.url);
      const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
      const url = new URL(`${TUS_PATH}/`, this.plan.url);
      const { response } = await this.#send(url, { method: "OPTIONS", headers: {}, signal });
      await response.body?.cancel();
      const list = (name: string) => response.headers.get(name)?.split(/ *, */) ?? [];
      return response.ok && list("tus-version").includes(TUS["tus-resumable"]) &&
        list("tus-extension").includes("creation");
    } catch (error) {
      if (this.tools.stop.aborted) throw this.tools.stop.reason;
      // Whoever sends the file finds out what is wrong, and has retries for it.
      if (error instanceof FerryError) return null;
      throw error;
    }
  }

  /** Sends the file. Throws a FerryError, or the reason of `tools.stop`. */
  async run(): Promise<void> {
    using deadline = new Deadline(this.plan.timeout, this.plan.url);
    const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
    const digest = this.plan.headers.get("repr-digest") ?? this.plan.headers.get("content-digest") ??
      formatSha256(await sha256OfFile(this.plan.body.path, signal));
    await tryAgain(() => this.#attempt(digest, signal), {
      retries: this.plan.retries,
      signal,
      deadline,
      progress: () => this.bytes,
      mayTryAgain: (error) => this.#mayTryAgain(error),
      onRetry: (why) => {
        this.retries++;
        this.tools.onRetry?.(why);
      },
    });
  }

  #mayTryAgain(error: unknown): boolean {
    this.#unsure = true;
    if (!(error instanceof StatusError)) return mayRetry(error, { method: "PUT", rereadable: true });
    // The upload is gone: from the beginning. 409 and 423: the server has more or less than it was thought to have.
    if (this.#upload !== null && (error.status === 404 || error.status === 410)) {
      this.#upload = null;
      return this.#begun <= this.plan.retries;
    }
    return isRetryStatus(error.status) || (this.#upload !== null && [409, 423].includes(error.status));
  }

  async #attempt(digest: string, signal: AbortSignal): Promise<void> {
    const { size } = this.plan.body;
    if (this.#upload === null) {
      this.#begun++;
      this.#upload = await this.#create(digest, signal);
      this.bytes = 0;
      this.#unsure = false;
    }
    const url = this.#upload;
    if (this.#unsure) {
      const answer = await this.#send(url, { method: "HEAD", headers: {}, signal });
      await this.#check(answer, signal);
      this.bytes = this.#offset(answer);
      this.resumed ||= this.bytes > 0;
      this.#unsure = false;
      if (this.bytes === size) return this.#showHead(answer.response);
    }
    while (this.bytes < size) {
      const start = this.bytes;
      const answer = await this.#send(url, {
        method: "PATCH",
        headers: { "content-type": PIECE, "upload-offset": String(start) },
        body: { ...this.plan.body, start, size: size - start },
        signal,
      });
      await this.#check(answer, signal);
      this.bytes = this.#offset(answer);
      if (this.bytes <= start) throw this.#odd(answer, "took nothing of the file");
      if (this.bytes === size) this.#showHead(answer.response);
    }
  }

  /** The folder and the name of the file, as the server's URL of uploads wants them; null where the URL has none. */
  #target(): { folder: string; name: string } | null {
    const { pathname, search } = this.plan.url;
    const slash = pathname.lastIndexOf("/");
    if (search !== "" || slash === pathname.length - 1) return null;
    try {
      return { folder: pathname.slice(0, slash + 1), name: decodeURIComponent(pathname.slice(slash + 1)) };
    } catch {
      return null;
    }
  }

  async #create(digest: string, signal: AbortSignal): Promise<URL> {
    const { folder, name } = this.#target()!;
    const { headers: given, body, url } = this.plan;
    const headers = Object.fromEntries([...given].filter(([name]) => !name.startsWith("content-")));
    const bytes = new TextEncoder().encode(name);
    const answer = await this.#send(new URL(TUS_PATH + folder, url), {
      method: "POST",
      headers: {
        ...headers,
        "repr-digest": digest,
        "upload-length": String(body.size),
        "upload-metadata": `filename ${btoa(String.fromCharCode(...bytes))}`,
      },
      signal,
    });
    await this.#check(answer, signal);
    const location = answer.response.headers.get("location");
    const upload = location === null ? null : URL.parse(location, answer.hop.url);
    if (upload?.origin === url.origin) return upload;
    throw this.#odd(answer, "does not say where the upload is");
  }

  /** Sends one request of tus; redirects are answers like any other. */
  async #send(
    url: URL,
    { method, headers: own, body = { kind: "none" }, signal }: {
      method: string;
      headers: Record<string, string>;
      body?: BodySource;
      signal: AbortSignal;
    },
  ): Promise<Answer> {
    const { client, pace, trace } = this.tools;
    const kept = [...this.plan.headers].filter(([name]) => !FIRST_ALONE.test(name));
    const headers = new Headers({ ...Object.fromEntries(kept), ...TUS, ...own });
    const answer = await exchange(client, { url, method, headers, withBody: body.kind !== "none" }, {
      body,
      meter: (bytes) => pace?.take(bytes, signal),
      signal,
      maxRedirects: null,
      trace,
    });
    this.status = answer.response.status;
    return answer;
  }

  /** Throws unless the answer says that it was done; its body has gone then. */
  async #check(answer: Answer, signal: AbortSignal): Promise<void> {
    const { response } = answer;
    if (response.ok) return await response.body?.cancel();
    const body = await readErrorBody(answer, signal);
    if (response.status < 400) throw this.#odd(answer, `answers ${response.status}`);
    const text = new TextDecoder().decode(body);
    const error = statusError(answer, text);
    if (response.status === 400 && isMismatch(text)) {
      throw new FerryError(
        "checksum_mismatch",
        `${error.message}; the file may have changed while it was sent`,
      );
    }
    if (!isRetryStatus(response.status)) this.tools.onErrorBody?.(body);
    throw error;
  }

  #offset(answer: Answer): number {
    const text = answer.response.headers.get("upload-offset") ?? "";
    const offset = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    if (offset >= 0 && offset <= this.plan.body.size) return offset;
    throw this.#odd(answer, "does not say how much it has");
  }

  #odd({ hop }: Answer, what: string): FerryError {
    return new FerryError("protocol", `${quote(hop.url.href)}: the server ${what}`);
  }

  #showHead({ status, statusText, headers }: Response): void {
    this.tools.onHead?.([statusLine(status, statusText), ...headerLines(headers)].join("\n") + "\n\n");
  }
}

/** Whether a problem document says that the server got something else than was announced. */
function isMismatch(body: string): boolean {
  try {
    return JSON.parse(body)?.code === "checksum_mismatch";
  } catch {
    return false;
  }
}
