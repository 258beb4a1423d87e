/** The requests of tus 1.0 (https://tus.io/protocols/resumable-upload) that bring one file to a server. */
import { FerryError, quote } from "../../core/errors.ts";
import type { BodySource } from "../body_source.ts";
import { type Answer, exchange } from "../exchange.ts";
import { isRetryStatus } from "../retry.ts";
import { readErrorBody, statusError } from "../status_answer.ts";
import type { UploadPlan, UploadTools } from "./upload_plan.ts";

const TUS_PATH = "/.ferry/tus";
const TUS = { "tus-resumable": "1.0.0" };
const PIECE = "application/offset+octet-stream";

/** What the requests that are not the first have of its headers: no conditions, nothing about the content. */
const FIRST_ALONE = /^(content-.*|if-.*|if|repr-digest|expect|transfer-encoding|upload-.*|tus-.*)$/;

interface TusRequest {
  method: string;
  headers: Record<string, string>;
  body?: BodySource;
  signal: AbortSignal;
}

export class TusRequests {
  /** The status of the last answer. */
  status: number | undefined;
  /** Bytes of the request under way that have gone out. */
  going = 0;

  constructor(readonly plan: UploadPlan, readonly tools: UploadTools) {}

  /** The folder and the name of the file, as the server's URL of uploads wants them; null where the URL has none. */
  get target(): { folder: string; name: string } | null {
    const { pathname, search } = this.plan.url;
    const slash = pathname.lastIndexOf("/");
    if (search !== "" || slash === pathname.length - 1) return null;
    try {
      return { folder: pathname.slice(0, slash + 1), name: decodeURIComponent(pathname.slice(slash + 1)) };
    } catch {
      return null;
    }
  }

  /** Whether the server has tus as it is needed here. */
  async isServed(signal: AbortSignal): Promise<boolean> {
    const url = new URL(`${TUS_PATH}/`, this.plan.url);
    const { response } = await this.#send(url, { method: "OPTIONS", headers: {}, signal });
    await response.body?.cancel();
    const list = (name: string) => response.headers.get(name)?.split(/ *, */) ?? [];
    return response.ok && list("tus-version").includes(TUS["tus-resumable"]) &&
      list("tus-extension").includes("creation");
  }

  /** Begins an upload of what has `digest`, as `Repr-Digest` has it. */
  async create(digest: string, signal: AbortSignal): Promise<{ upload: URL; answer: Answer }> {
    const { folder, name } = this.target!;
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
    await this.check(answer, signal);
    const location = answer.response.headers.get("location");
    const upload = location === null ? null : URL.parse(location, answer.hop.url);
    if (upload?.origin === url.origin) return { upload, answer };
    throw odd(answer, "does not say where the upload is");
  }

  /** Asks how far `upload` is; the answer is not checked. */
  look(upload: URL, signal: AbortSignal): Promise<Answer> {
    return this.#send(upload, { method: "HEAD", headers: {}, signal });
  }

  /** Sends the file from `start` on; gives how much of it the server has then, which is more than before. */
  async append(upload: URL, start: number, signal: AbortSignal): Promise<{ offset: number; answer: Answer }> {
    const { body } = this.plan;
    const answer = await this.#send(upload, {
      method: "PATCH",
      headers: { "content-type": PIECE, "upload-offset": String(start) },
      body: { ...body, start, size: body.size - start },
      signal,
    });
    await this.check(answer, signal);
    const offset = this.offset(answer);
    this.going = 0;
    if (offset <= start) throw odd(answer, "took nothing of the file");
    return { offset, answer };
  }

  /** Sends one request; redirects are answers like any other. */
  async #send(
    url: URL,
    { method, headers: own, body = { kind: "none" }, signal }: TusRequest,
  ): Promise<Answer> {
    const { client, pace, trace, facts } = this.tools;
    const kept = [...this.plan.headers].filter(([name]) => !FIRST_ALONE.test(name));
    const headers = new Headers({ ...Object.fromEntries(kept), ...TUS, ...own });
    this.going = 0;
    const answer = await exchange(client, { url, method, headers, withBody: body.kind !== "none" }, {
      body,
      meter: (bytes) => {
        this.going += bytes;
        return pace?.take(bytes, signal);
      },
      largestPiece: pace?.pieceSize(Infinity),
      signal,
      maxRedirects: null,
      trace,
      facts,
      // To whoever asked for it all of them together are a PUT.
      as: method === "OPTIONS" ? null : { url: this.plan.url, method: "PUT" },
    });
    this.status = answer.response.status;
    return answer;
  }

  /** Throws unless the answer says that it was done; its body has gone then. */
  async check(answer: Answer, signal: AbortSignal): Promise<void> {
    const { response } = answer;
    if (response.ok) return await response.body?.cancel();
    const body = await readErrorBody(answer, signal);
    if (response.status < 400) throw odd(answer, `answers ${response.status}`);
    const error = statusError(answer, new TextDecoder().decode(body));
    if (!isRetryStatus(response.status) && error.code !== "checksum_mismatch") this.tools.onErrorBody?.(body);
    throw error;
  }

  /** How much the server has, as `answer` says. */
  offset(answer: Answer): number {
    const text = answer.response.headers.get("upload-offset") ?? "";
    const offset = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    if (offset >= 0 && offset <= this.plan.body.size) return offset;
    throw odd(answer, "does not say how much it has");
  }
}

function odd({ hop }: Answer, what: string): FerryError {
  return new FerryError("protocol", `${quote(hop.url.href)}: the server ${what}`);
}
