/** A server of one resource by ranges, which misbehaves on order; for downloads in segments. */
import { type Hostile, hostile, type Visit } from "./hostile_server.ts";

export interface RangedOptions {
  body: Uint8Array;
  /** The ETag by the number of the GET; null for none. `"v1"` unless told. */
  etag?: (index: number) => string | null;
  /** The body by the number of the GET, where it changes. */
  bodyAt?: (index: number) => Uint8Array;
  /** What `Repr-Digest` says. */
  digest?: string;
  /** Answers every GET with the whole. */
  deaf?: boolean;
  /** Adds so much to where a range begins. */
  shift?: number;
  /** Breaks off each answer after so many bytes. */
  cut?: number;
  /** Answers 416 to ranges that begin later than this. */
  refuses?: number;
  /** Sends 1 KB at a time, and waits so many milliseconds after each. */
  drip?: number;
  /** GETs at a time; more are answered 503. */
  most?: number;
  /** What Content-Range claims as the size. */
  claims?: number;
  /** Awaited before a GET is answered; what it gives is answered instead. */
  before?: (index: number, visit: Visit) => Promise<string | void>;
}

export interface Ranged extends Hostile {
  /** The value of `Range` of each GET. */
  ranges(): string[];
  /** GETs that were answered at a time, at most. */
  peak(): number;
  /** Bytes of bodies that were sent. */
  sent(): number;
}

export function ranged(options: RangedOptions): Ranged {
  let gets = 0, open = 0, peak = 0, sent = 0, gone = false;
  const server = hostile(async (visit) => {
    const index = visit.method === "GET" ? gets++ : 0;
    const content = options.bodyAt?.(index) ?? options.body;
    const tag = (options.etag ?? (() => '"v1"'))(index);
    const lines = [
      ...(tag === null ? [] : [`ETag: ${tag}`]),
      ...(options.digest === undefined ? [] : [`Repr-Digest: ${options.digest}`]),
      "Connection: close",
    ];
    if (visit.method === "HEAD") {
      return await visit.head("HTTP/1.1 200 OK", `Content-Length: ${content.length}`, ...lines);
    }
    const other = await options.before?.(index, visit);
    if (other !== undefined && other !== null) return await visit.answer(other as string, "no");
    if (open >= (options.most ?? Infinity)) return await visit.answer("503 Service Unavailable", "busy");
    const range = /^bytes=(\d+)-(\d*)$/.exec(visit.headers.get("range") ?? "");
    if (Number(range?.[1] ?? 0) > (options.refuses ?? Infinity)) {
      const size = `Content-Range: bytes */${content.length}`;
      return await visit.answer("416 Range Not Satisfiable", "no", size, ...lines);
    }
    peak = Math.max(peak, ++open);
    try {
      const condition = visit.headers.get("if-range");
      let [start, end] = [0, content.length];
      const partial = range !== null && !options.deaf && (condition === null || condition === tag);
      if (partial) {
        start = Number(range[1]) + (options.shift ?? 0);
        end = range[2] === "" ? end : Math.min(end, Number(range[2]) + 1);
        lines.push(`Content-Range: bytes ${start}-${end - 1}/${options.claims ?? content.length}`);
      }
      const status = partial ? "206 Partial Content" : "200 OK";
      await visit.head(`HTTP/1.1 ${status}`, `Content-Length: ${end - start}`, ...lines);
      const last = Math.min(end, start + (options.cut ?? Infinity));
      const size = options.drip === undefined ? PIECE : 1024;
      for (let at = start; at < last && !gone; at += size) {
        const piece = content.subarray(at, Math.min(at + size, last));
        await visit.send(piece);
        sent += piece.length;
        if (options.drip !== undefined) await new Promise((resolve) => setTimeout(resolve, options.drip));
      }
    } finally {
      open--;
    }
  });
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      gone = true;
      await server[Symbol.asyncDispose]();
    },
    ranges: () =>
      server.visits.filter(({ method }) => method === "GET").map(({ headers }) => headers.get("range") ?? ""),
    peak: () => peak,
    sent: () => sent,
  };
}

const PIECE = 64 * 1024;

/** `Repr-Digest` of `bytes`. */
export async function reprDigest(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return `sha-256=:${btoa(String.fromCharCode(...hash))}:`;
}

/** Bytes that differ from place to place; another `seed` gives others. */
export function pattern(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
