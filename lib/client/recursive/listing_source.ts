/**
 * Reads the listings of a server's folders: by GET where it shows them, else by PROPFIND. Nothing but the very folder
 * that was asked for is taken for its listing, wherever redirects lead.
 */
import { FerryError, quote } from "../../core/errors.ts";
import type { BodySource } from "../body_source.ts";
import { Deadline } from "../deadline.ts";
import { type Answer, exchange } from "../exchange.ts";
import type { Pace } from "../pace.ts";
import { isRedirect, nextHop } from "../redirect.ts";
import type { RequestTools } from "../request_settings.ts";
import { mayRetry } from "../retry.ts";
import { readErrorBody, statusError } from "../status_answer.ts";
import { StatusError } from "../status_error.ts";
import { tryAgain } from "../try_again.ts";
import { samePlace } from "./child_name.ts";
import { type Listing, type ListingParser, NoListing } from "./listed.ts";
import { parserFor } from "./listing_text.ts";

/** A listing of the most entries that are taken, with long names and all that pages say about them. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Redirects of a folder to itself, to a longer query say. */
const MAX_REDIRECTS = 5;

/** What servers say that show no listing of a folder, or do not know PROPFIND. */
const NOT_SHOWN: readonly number[] = [400, 403, 404, 405, 406, 501];

type Way = "get" | "propfind";

/** The listings of one server. */
export class ListingSource {
  #way: Way = "get";
  #davRefused = false;

  constructor(readonly tools: RequestTools) {}

  /** The listing of the folder at `url`, whose path ends in a slash. Throws a FerryError that names it. */
  async read(url: URL): Promise<Listing> {
    if (this.#way === "propfind") return await this.#ask(url, "propfind");
    try {
      return await this.#ask(url, "get");
    } catch (error) {
      if (this.#davRefused || !isNotShown(error)) throw error;
      try {
        const listing = await this.#ask(url, "propfind");
        this.#way = "propfind";
        return listing;
      } catch (second) {
        if (!isNotShown(second)) throw second;
        this.#davRefused = second instanceof StatusError && (second.status === 405 || second.status === 501);
        // What the ordinary request said is what a person can look at.
        throw error;
      }
    }
  }

  async #ask(url: URL, way: Way): Promise<Listing> {
    const { retries, timeout, stop, onRetry } = this.tools;
    using deadline = new Deadline(timeout, url);
    const signal = timeout === undefined ? stop : AbortSignal.any([stop, deadline.signal]);
    let listing: Listing | undefined;
    const attempt = async () => {
      listing = await this.#once(url, { way, signal });
    };
    const mayTryAgain = (error: unknown) => mayRetry(error, { method: "GET", rereadable: true });
    await tryAgain(attempt, {
      retries,
      signal,
      deadline,
      progress: () => 0,
      mayTryAgain,
      onRetry: (why) => onRetry?.(why),
    });
    return listing!;
  }

  async #once(url: URL, { way, signal }: { way: Way; signal: AbortSignal }): Promise<Listing> {
    const answer = await this.#answer(url, { way, signal });
    const { response } = answer;
    const expected = way === "get" ? 200 : 207;
    if (response.status >= 400) {
      const body = await readErrorBody(answer, signal);
      throw statusError(answer, new TextDecoder().decode(body));
    }
    if (response.status !== expected) {
      await response.body?.cancel();
      throw noListing(url);
    }
    const type = response.headers.get("content-type");
    const open = way === "propfind" ? (await import("./listing_dav.ts")).DavListingParser : null;
    const parse = (start: string) => open === null ? parserFor(type, start, url) : new open(url);
    return await readText(answer, { url, parse, signal, pace: this.tools.pace });
  }

  /** The answer of the folder itself: redirects elsewhere are refused. */
  async #answer(url: URL, { way, signal }: { way: Way; signal: AbortSignal }): Promise<Answer> {
    const { client, trace } = this.tools;
    const headers = new Headers(this.tools.headers);
    let body: BodySource = { kind: "none" };
    if (way === "propfind") {
      const { PROPFIND_BODY } = await import("./listing_dav.ts");
      headers.set("depth", "1");
      headers.set("content-type", 'application/xml; charset="utf-8"');
      body = { kind: "bytes", bytes: new TextEncoder().encode(PROPFIND_BODY) };
    } else if (!headers.has("accept")) {
      headers.set("accept", "application/json, text/html;q=0.9, */*;q=0.1");
    }
    const method = way === "get" ? "GET" : "PROPFIND";
    let hop = { url, method, headers, withBody: body.kind !== "none" };
    for (let followed = 0;; followed++) {
      const answer = await exchange(client, hop, {
        body,
        meter: () => {},
        signal,
        maxRedirects: null,
        trace,
      });
      const { status } = answer.response;
      const location = answer.response.headers.get("location");
      if (!isRedirect(status, location)) return answer;
      await answer.response.body?.cancel();
      const next = nextHop(hop, { status, location });
      if (next.url.origin !== url.origin || !samePlace(next.url, url) || followed >= MAX_REDIRECTS) {
        throw new FerryError(
          "too_many_redirects",
          `${quote(url.href)} redirects to ${
            quote(next.url.href)
          }, which is not followed with --recursive; ` +
            "if that is the folder, request that URL",
        );
      }
      hop = { ...hop, url: next.url };
    }
  }
}

interface ReadOptions {
  url: URL;
  /** The parser for a text that begins so. */
  parse: (start: string) => ListingParser | null;
  signal: AbortSignal;
  pace?: Pace;
}

const BUFFER = 64 * 1024;

/** Buffers that no listing is read into: most listings are small, and come by the thousand. */
const spare: Uint8Array<ArrayBuffer>[] = [];

async function readText({ response }: Answer, { url, parse, signal, pace }: ReadOptions): Promise<Listing> {
  const { body } = response;
  const buffer = spare.pop() ?? new Uint8Array(BUFFER);
  const decoder = decoderFor(response.headers.get("content-type"));
  let parser: ListingParser | undefined;
  let bytes = 0;
  const take = (text: string) => {
    if (parser === undefined && text.trim() === "") return;
    parser ??= parse(text) ?? undefined;
    if (parser === undefined) throw new NoListing();
    parser.write(text);
  };
  try {
    for (let count; body !== null && (count = await body.read(buffer)) !== null;) {
      signal.throwIfAborted();
      bytes += count;
      if (bytes > MAX_BYTES) {
        throw new FerryError("too_large", `the listing is longer than ${MAX_BYTES / 2 ** 20} MiB`);
      }
      take(decoder.decode(buffer.subarray(0, count), { stream: true }));
      await pace?.take(count, signal);
    }
    take(decoder.decode());
    const listing = parser?.end();
    if (listing) return listing;
  } catch (error) {
    if (error instanceof FerryError && error.code === "too_large") {
      throw new FerryError("too_large", `${quote(url.href)}: ${error.message}`);
    }
    if (!(error instanceof NoListing)) throw error;
  } finally {
    // What is too long, or no listing, is not read to its end.
    await body?.cancel();
    spare.push(buffer);
  }
  throw noListing(url);
}

/** What is an answer, and no listing. */
class NotListed extends FerryError {}

function noListing(url: URL): NotListed {
  return new NotListed("protocol", `${quote(url.href)}: the server shows no listing of this folder`);
}

function isNotShown(error: unknown): boolean {
  return error instanceof NotListed || (error instanceof StatusError && NOT_SHOWN.includes(error.status));
}

/** UTF-8 unless the media type says otherwise. */
function decoderFor(type: string | null): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?([A-Za-z0-9_-]+)/i.exec(type ?? "")?.[1];
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}
