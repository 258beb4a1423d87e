/** The digests of an answer that its request wants (RFC 9530). */
import { createHash } from "node:crypto";
import { formatSha256, sha256Weight } from "../http/digest.ts";
import { FileBody } from "./file_body.ts";
import type { FileDigests } from "./file_digests.ts";
import { KeptBody } from "./kept_body.ts";
import type { Reply } from "./reply.ts";
import { ArchiveBody } from "./archive/archive_body.ts";
import { TextBody } from "./text_body.ts";

/** Larger parts of a file have no digest of their own: anybody could ask for ever new ones. */
const LARGEST_PART = 64 * 1024 * 1024;

/** A larger file is not read for its digest before the first byte goes out, for those who ask with the least weight. */
const LARGEST_AT_ONCE = 64 * 1024 * 1024;

/** Says to those that the digest can be had by a HEAD once all of the file has been sent. */
const LATER = { "ferry-digest": "later" };

/** Which digests a request wants. */
export interface Wanted {
  repr: boolean;
  content: boolean;
  /** Whether the digest of the whole is wanted only where it costs little. */
  modest: boolean;
}

/** What the headers of a request want; null for nothing. */
export function wantedDigests(headers: Pick<Headers, "get">): Wanted | null {
  const repr = sha256Weight(headers.get("want-repr-digest"));
  const content = sha256Weight(headers.get("want-content-digest"));
  return repr + content > 0 ? { repr: repr > 0, content: content > 0, modest: repr === 1 } : null;
}

/**
 * `reply`, the answer to GET or HEAD, with what `wanted` asks for. `Repr-Digest` is that of the whole representation,
 * as it is coded, also where a part of it is sent, or nothing (HEAD). `Content-Digest` is that of what is sent: to HEAD
 * nothing (appendix B.2). An answer that is not 200 or 206 has neither.
 */
export async function addDigests(
  reply: Reply,
  wanted: Wanted,
  context: { method: string; digests: FileDigests },
): Promise<Reply> {
  const { status, body } = reply;
  if ((status !== 200 && status !== 206) || body === null) return reply;
  // What is made while it is sent has no digest in front of it.
  if (body instanceof TextBody || body instanceof ArchiveBody) return reply;
  const { method, digests } = context;
  const headers = { ...reply.headers };
  const add = (name: string, digest: string | null) => {
    if (digest !== null) headers[name] = formatSha256(digest);
  };
  const contentOf = (digest: () => string | Promise<string | null> | null) =>
    method === "HEAD" ? ofBytes("") : digest();
  if (!(body instanceof FileBody)) {
    // What is in memory is always the whole.
    const digest = ofBytes(body instanceof KeptBody ? await body.bytes() : body);
    if (wanted.repr) add("repr-digest", digest);
    if (wanted.content) add("content-digest", await contentOf(() => digest));
    return { ...reply, headers };
  }
  try {
    if (wanted.modest && !wanted.content && method === "GET" && body.stat().size > LARGEST_AT_ONCE) {
      const known = digests.known(body);
      if (known !== undefined) {
        return { ...reply, headers: { ...headers, "repr-digest": formatSha256(known) } };
      }
      if (status === 200) digests.watch(body);
      return { ...reply, headers: { ...headers, ...LATER } };
    }
    const whole = wanted.repr || (wanted.content && status === 200 && method !== "HEAD")
      ? await digests.ofFile(body)
      : null;
    if (wanted.repr) add("repr-digest", whole);
    if (wanted.content) {
      const part = () => body.length <= LARGEST_PART ? digests.ofBody(body) : null;
      add("content-digest", await contentOf(() => status === 200 ? whole : part()));
    }
  } catch (error) {
    body.close();
    throw error;
  }
  return { ...reply, headers };
}

function ofBytes(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("base64");
}
