/**
 * Uploads of large files by tus 1.0, which go on where they broke off, to servers that have it at `/.ferry/tus/`
 * (docs/uploads.md). Loaded where such a file is to be sent.
 */
import { FerryError, quote, readError } from "../core/errors.ts";
import { formatSha256 } from "../http/digest.ts";
import { headerLines, statusLine } from "./answer_text.ts";
import type { BodySource } from "./body_source.ts";
import { Deadline } from "./deadline.ts";
import { type Answer, exchange } from "./exchange.ts";
import { sha256OfFile } from "./file_digest.ts";
import type { WireAnswer } from "./http1/answer.ts";
import { isRetryStatus, mayRetry } from "./retry.ts";
import { readErrorBody, statusError } from "./status_answer.ts";
import { StatusError } from "./status_error.ts";
import type { TransferPlan, TransferTools } from "./transfer.ts";
import type { Amount } from "./transfers_meter.ts";
import { tryAgain } from "./try_again.ts";
import type { UploadRecord, UploadRecords } from "./upload_records.ts";

const TUS_PATH = "/.ferry/tus";
const TUS = { "tus-resumable": "1.0.0" };
const PIECE = "application/offset+octet-stream";

/** A file, and where it goes by `PUT` or its like; `resume` goes on with what an earlier run began. */
export interface UploadPlan extends Pick<TransferPlan, "url" | "headers" | "retries" | "timeout" | "resume"> {
  body: BodySource & { kind: "file" };
}

export interface UploadTools extends
  Pick<
    TransferTools,
    "client" | "stop" | "pace" | "trace" | "onRetry" | "onHead" | "onErrorBody"
  > {
  /** Where it is noted that an upload is under way; undefined for nowhere. */
  records?: UploadRecords;
}

/** What the requests that are not the first have of its headers: no conditions, nothing about the content. */
const FIRST_ALONE = /^(content-.*|if-.*|if|repr-digest|expect|transfer-encoding|upload-.*|tus-.*)$/;

/** The file that is sent, as it was when that began. */
type FileIdentity = Omit<UploadRecord, "upload" | "expires">;

export class ResumableUpload {
  /** The status of the last answer. */
  status: number | undefined;
  retries = 0;
  /** Whether a try, or this run, went on where one before it had stopped. */
  resumed = false;
  /** Bytes that the server has, and those that it had when this run came to it. */
  #have = 0;
  #had = 0;
  /** Bytes of the request under way. */
  #going = 0;
  #upload: URL | null = null;
  /** Whether `#upload` is of an earlier run, and the server has not been asked about it yet. */
  #earlier = false;
  /** Whether a later run can go on with it. */
  #recorded = false;
  /** How often it was begun. */
  #begun = 0;
  /** Whether only the server knows how far it is. */
  #unsure = false;

  constructor(readonly plan: UploadPlan, readonly tools: UploadTools) {}

  /** Bytes that this run has brought to the server. */
  get bytes(): number {
    return this.#have - this.#had;
  }

  /** How far it is, with what is on its way to the server. */
  get amount(): Amount {
    return {
      done: Math.min(this.#have + this.#going, this.plan.body.size),
      size: this.plan.body.size,
      moved: this.bytes + this.#going,
    };
  }

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
    const file = await this.#identify(signal);
    try {
      await tryAgain(() => this.#attempt(file, signal), {
        retries: this.plan.retries,
        signal,
        deadline,
        progress: () => this.#have,
        mayTryAgain: (error) => this.#mayTryAgain(error),
        onRetry: (why) => {
          this.retries++;
          this.tools.onRetry?.(why);
        },
      });
      this.#forget(file);
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      // What is not the file will not become it.
      if (error.code === "checksum_mismatch") this.#forget(file);
      else if (this.#recorded) error.message += "; --continue goes on with the upload";
      throw error;
    }
  }

  /** What is sent, with its digest; takes up the upload of an earlier run if that was of the same content. */
  async #identify(signal: AbortSignal): Promise<FileIdentity> {
    const { body, url, headers, resume } = this.plan;
    const path = realPath(body.path);
    const digest = headers.get("repr-digest") ?? headers.get("content-digest") ??
      formatSha256(await sha256OfFile(path, signal));
    const earlier = resume ? this.tools.records?.find(url.href, path) : undefined;
    if (earlier && earlier.digest === digest && earlier.size === body.size) {
      this.#upload = new URL(earlier.upload);
      this.#earlier = this.#unsure = true;
    }
    return { url: url.href, path, size: body.size, digest };
  }

  #record(file: FileIdentity, answer: Answer): void {
    const expires = Date.parse(answer.response.headers.get("upload-expires") ?? "");
    const record = { ...file, upload: this.#upload!.href };
    this.#recorded = this.tools.records?.keep(record, Number.isNaN(expires) ? null : expires) ?? false;
  }

  #forget({ url, path }: FileIdentity): void {
    this.tools.records?.forget(url, path);
    this.#recorded = false;
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

  async #attempt(file: FileIdentity, signal: AbortSignal): Promise<void> {
    const { size } = file;
    if (this.#upload !== null && this.#unsure) {
      const answer = await this.#send(this.#upload, { method: "HEAD", headers: {}, signal });
      if (this.#earlier && !isOf(answer.response, size)) {
        await answer.response.body?.cancel();
        this.#forget(file);
        this.#upload = null;
      } else {
        await this.#check(answer, signal);
        this.#have = this.#offset(answer);
        if (this.#earlier) {
          this.#had = this.#have;
          this.#record(file, answer);
        }
        this.resumed ||= this.#have > 0;
        this.#unsure = false;
        if (this.#have === size) return this.#showHead(answer.response);
      }
      this.#earlier = false;
    }
    if (this.#upload === null) {
      this.#begun++;
      const { upload, answer } = await this.#create(file.digest, signal);
      this.#upload = upload;
      this.#have = this.#had = 0;
      this.#unsure = false;
      this.#record(file, answer);
    }
    const url = this.#upload;
    while (this.#have < size) {
      const start = this.#have;
      const answer = await this.#send(url, {
        method: "PATCH",
        headers: { "content-type": PIECE, "upload-offset": String(start) },
        body: { ...this.plan.body, start, size: size - start },
        signal,
      });
      await this.#check(answer, signal);
      this.#have = this.#offset(answer);
      this.#going = 0;
      if (this.#have <= start) throw this.#odd(answer, "took nothing of the file");
      if (this.#have === size) this.#showHead(answer.response);
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

  async #create(digest: string, signal: AbortSignal): Promise<{ upload: URL; answer: Answer }> {
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
    if (upload?.origin === url.origin) return { upload, answer };
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
    this.#going = 0;
    const answer = await exchange(client, { url, method, headers, withBody: body.kind !== "none" }, {
      body,
      meter: (bytes) => {
        this.#going += bytes;
        return pace?.take(bytes, signal);
      },
      largestPiece: pace?.pieceSize(Infinity),
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
    const error = statusError(answer, new TextDecoder().decode(body));
    if (!isRetryStatus(response.status) && error.code !== "checksum_mismatch") this.tools.onErrorBody?.(body);
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

  #showHead(response: WireAnswer): void {
    this.tools.onHead?.([statusLine(response), ...headerLines(response.headers)].join("\n") + "\n\n");
  }
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    throw readError(error, path);
  }
}

/** Whether the answer to a HEAD speaks of an upload of `size` bytes that is still there, or cannot tell now. */
function isOf({ status, headers }: WireAnswer, size: number): boolean {
  if (status === 403 || status === 404 || status === 410) return false;
  const length = headers.get("upload-length");
  return status >= 300 || length === null || length === String(size);
}
