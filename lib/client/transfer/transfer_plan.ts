/** What one transfer has to do, and what it works with. */
import type { BodySource } from "../body_source.ts";
import type { Digest } from "../digest.ts";
import type { Pace } from "../pace.ts";
import type { RangeWish } from "../range_flag.ts";
import type { RequestClient } from "../request_client.ts";
import type { Sink } from "../sink.ts";
import type { Facts } from "../write_out/facts.ts";

/** What is to be done with one URL. */
export interface TransferPlan {
  url: URL;
  method: string;
  headers: Headers;
  body: BodySource;
  range?: RangeWish;
  /** Only what was changed after this is wanted, milliseconds since 1970. */
  ifNewer?: number;
  /** Go on with the part that an earlier run left. */
  resume: boolean;
  /** The SHA-256 that the body must have, lower-case hex. */
  sha256?: string;
  maxRedirects: number | null;
  retries: number;
  /** Milliseconds for all of it, tries and waits included. */
  timeout?: number;
  /** Whether a status of 400 or more is an error. */
  fail: boolean;
}

/** What a transfer works with and tells. */
export interface TransferTools {
  client: RequestClient;
  sink: Sink;
  stop: AbortSignal;
  /** Takes all of the body, for whoever wants its SHA-256. */
  digest?: Digest;
  pace?: Pace;
  trace?: (line: string) => void;
  /** Takes notes for `--write-out`. */
  facts?: Facts;
  /** A try has failed and another one follows. */
  onRetry?: (why: string) => void;
  /** Something that the user may want to know has happened, and the transfer goes on. */
  onNotice?: (text: string) => void;
  /** The head of the answer whose body follows, as text; once. */
  onHead?: (head: string) => void;
  /** The body of an answer that is an error; cut when it is long. */
  onErrorBody?: (body: Uint8Array) => void;
}
