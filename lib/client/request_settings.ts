/** What one call of `ferry request` has been told, as far as it is about requests. */
import type { Dialer } from "./dial/dialer.ts";
import type { IdentityOptions } from "./credentials/identity.ts";
import type { FileWriter } from "./lane/file_batch.ts";
import type { Pace } from "./pace.ts";
import type { RequestClient } from "./request_client.ts";
import type { Sending } from "./request_input.ts";
import type { OutputPlan, SinkOptions } from "./request_output.ts";
import type { TransferPlan } from "./transfer/transfer_plan.ts";
import type { WriteOut } from "./write_out/write_out.ts";

/** What holds for all URLs of one call. */
export interface RequestSettings {
  sending: Sending;
  outputs: OutputPlan;
  sinks: SinkOptions;
  /** Whether the flags alone say that bodies go into files. */
  intoFiles: boolean;
  identity: IdentityOptions;
  dialer: Pick<Dialer, "dial">;
  transfer: Pick<
    TransferPlan,
    "range" | "ifNewer" | "resume" | "sha256" | "maxRedirects" | "retries" | "timeout" | "fail"
  >;
  /** Connections for one file. */
  segments: number;
  /** Other URLs of the only one. */
  mirrors: readonly string[];
  showHeaders: boolean;
  limitRate?: number;
  /** The folder in which it is noted which uploads are under way; undefined for nowhere. */
  uploadsFolder: () => Promise<string | undefined>;
  /** So many URLs at a time. */
  parallel: number;
  /** Whether messages have to say which URL they are about. */
  several: boolean;
  /** Makes what writes many small files. */
  fileWriter: () => Promise<FileWriter>;
  /** Takes the ETag of what has come whole, null for none. */
  saveEtag?: (etag: string | null) => void;
  /** Whether the first failure ends all of it. */
  failEarly?: boolean;
  json: boolean;
  /** Writes something about each URL. */
  writeOut?: WriteOut;
  quiet: boolean;
  verbose: boolean;
}

/** What requests go out with that are no jobs themselves. */
export interface RequestTools {
  client: RequestClient;
  /** Of each request. */
  headers: Headers;
  retries: number;
  /** Milliseconds for each of them. */
  timeout?: number;
  stop: AbortSignal;
  pace?: Pace;
  trace?: (line: string) => void;
  onRetry?: (why: string) => void;
}
