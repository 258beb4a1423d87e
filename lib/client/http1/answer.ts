/** Answers as the client gives them. */
import type { FieldReader, Fields } from "./fields.ts";

/** An answer whose head has come; its body follows. */
export interface WireAnswer {
  status: number;
  /** Bytes as Latin-1. */
  statusText: string;
  /** `1.1` or `1.0`. */
  version: string;
  /** 200 to 299. */
  ok: boolean;
  headers: FieldReader;
  /** Null where there can be none. It has to be read to its end, or cancelled. */
  body: WireBody | null;
  /** The connection that it came on. */
  connection: ConnectionFacts;
  /** How many answers came on it before this one. */
  answered: number;
  /** When its request went out, by `performance.now()`. */
  sentAt: number;
}

/** What is known of a connection. Times are those of `performance.now()`. */
export interface ConnectionFacts {
  /** The far end, be it a proxy, and this one; none of a socket. */
  remote?: { hostname: string; port: number };
  local?: { hostname: string; port: number };
  /** When its name had been looked up, where that was done by itself. */
  lookedUp?: number;
  /** When the first bytes could be sent, be they those of TLS. */
  connected: number;
  /** When a request could be sent. */
  ready: number;
}

/** The bytes of an answer, codings of the transfer taken off. */
export interface WireBody {
  /** Bytes that are to come, where that is known. */
  readonly left: number | undefined;
  /** The fields behind a chunked body, once it has ended. */
  readonly trailers: Fields | undefined;
  /**
   * Reads once into `buffer`, and gives how many bytes that were; null at the end. Throws FetchError, or the reason of
   * the signal that the request was sent with.
   */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** The whole body, if it has come already and nothing of it was read: a view that is good until the caller awaits. */
  whole(): Uint8Array<ArrayBuffer> | null;
  /** Lets go of the rest. */
  cancel(): Promise<void>;
}
