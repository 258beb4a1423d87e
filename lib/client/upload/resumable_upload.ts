/**
 * Uploads of large files by tus 1.0, which go on where they broke off, to servers that have it at `/.ferry/tus/`
 * (docs/uploads.md). Loaded where such a file is to be sent.
 */
import { FerryError, readError } from "../../core/errors.ts";
import { formatSha256 } from "../../http/digest.ts";
import { headText } from "../answer_text.ts";
import { Deadline } from "../deadline.ts";
import type { Answer } from "../exchange.ts";
import { sha256OfFile } from "./file_digest.ts";
import type { WireAnswer } from "../http1/answer.ts";
import { isRetryStatus, mayRetry } from "../retry.ts";
import { StatusError } from "../status_error.ts";
import type { Amount } from "../transfers_meter.ts";
import { tryAgain } from "../try_again.ts";
import { TusRequests } from "./tus_requests.ts";
import type { UploadPlan, UploadTools } from "./upload_plan.ts";
import type { UploadRecord } from "./upload_records.ts";

/** The file that is sent, as it was when that began. */
type FileIdentity = Omit<UploadRecord, "upload" | "expires">;

export class ResumableUpload {
  retries = 0;
  /** Whether a try, or this run, went on where one before it had stopped. */
  resumed = false;
  /** Bytes that the server has, and those that it had when this run came to it. */
  #have = 0;
  #had = 0;
  readonly #tus: TusRequests;
  #upload: URL | null = null;
  /** Whether `#upload` is of an earlier run, and the server has not been asked about it yet. */
  #earlier = false;
  /** Whether a later run can go on with it. */
  #recorded = false;
  /** How often it was begun. */
  #begun = 0;
  /** Whether only the server knows how far it is. */
  #unsure = false;

  constructor(readonly plan: UploadPlan, readonly tools: UploadTools) {
    this.#tus = new TusRequests(plan, tools);
  }

  /** The status of the last answer. */
  get status(): number | undefined {
    return this.#tus.status;
  }

  /** Bytes that this run has brought to the server. */
  get bytes(): number {
    return this.#have - this.#had;
  }

  /** How far it is, with what is on its way to the server. */
  get amount(): Amount {
    return {
      done: Math.min(this.#have + this.#tus.going, this.plan.body.size),
      size: this.plan.body.size,
      moved: this.bytes + this.#tus.going,
    };
  }

  /** Whether the URL names a file as it has to. */
  get isNamed(): boolean {
    return this.#tus.target !== null;
  }

  /** Whether the server has tus; null where that could not be found out. Nothing is changed by it. */
  async isPossible(): Promise<boolean | null> {
    try {
      using deadline = new Deadline(this.plan.timeout, this.plan.url);
      const signal = AbortSignal.any([this.tools.stop, deadline.signal]);
      return await this.#tus.isServed(signal);
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
      const answer = await this.#tus.look(this.#upload, signal);
      if (this.#earlier && !isOf(answer.response, size)) {
        await answer.response.body?.cancel();
        this.#forget(file);
        this.#upload = null;
      } else {
        await this.#tus.check(answer, signal);
        this.#have = this.#tus.offset(answer);
        if (this.#earlier) {
          this.#had = this.#have;
          this.#record(file, answer);
        }
        this.resumed ||= this.#have > 0;
        this.#unsure = false;
        if (this.#have === size) return this.tools.onHead?.(headText(answer.response));
      }
      this.#earlier = false;
    }
    if (this.#upload === null) {
      this.#begun++;
      const { upload, answer } = await this.#tus.create(file.digest, signal);
      this.#upload = upload;
      this.#have = this.#had = 0;
      this.#unsure = false;
      this.#record(file, answer);
    }
    const url = this.#upload;
    while (this.#have < size) {
      const { offset, answer } = await this.#tus.append(url, this.#have, signal);
      this.#have = offset;
      if (this.#have === size) this.tools.onHead?.(headText(answer.response));
    }
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
