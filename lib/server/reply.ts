/** What a request is answered with, as data, and how that becomes a Response. */
import type { ArchiveBody } from "./archive/archive_body.ts";
import type { FileBody } from "./file_body.ts";
import { KeptBody } from "./kept_body.ts";
import { OLD_RUNTIME } from "../core/runtime.ts";
import type { TextBody } from "./text_body.ts";

/** The answer to one request. `HEAD` is `GET` without the body: whoever makes a Reply need not know which it is. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | string | KeptBody | FileBody | TextBody | ArchiveBody | null;
}

const encoder = new TextEncoder();

/** A stream that ends at once. */
function nothing(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** Adds to `headers` what tells of a content of `length` bytes. */
export function describe(headers: Record<string, string>, length: number): Record<string, string> {
  // Else it would compress the body, weaken the ETag and drop the Content-Length.
  if (OLD_RUNTIME) headers["cache-control"] = addNoTransform(headers["cache-control"]);
  headers["content-length"] = String(length);
  return headers;
}

function addNoTransform(control: string | undefined): string {
  if (control === undefined) return "no-transform";
  return control.includes("no-transform") ? control : `${control}, no-transform`;
}

/**
 * `reply` as the Response to `method`. `sent` is told, once, how many bytes of the body went out: at once where the
 * body is in memory, else when its stream ends, is cancelled or breaks.
 */
export function toResponse(reply: Reply, method: string, sent: (bytes: number) => void): Response {
  const { status, headers, body } = reply;
  if (body === null) {
    // Deno before 2.9 says so for GET only.
    if (method === "HEAD" && status !== 304) headers["content-length"] = "0";
    sent(0);
    return new Response(null, { status, headers });
  }
  if (body instanceof KeptBody) {
    const head = method === "HEAD";
    sent(head ? 0 : body.length);
    return head ? new Response(null, { status, headers }) : body.response(headers);
  }
  if (typeof body === "object" && "stream" in body) {
    if (body.length !== null) describe(headers, body.length);
    else if (OLD_RUNTIME) headers["cache-control"] = addNoTransform(headers["cache-control"]);
    if (method === "HEAD") {
      body.close();
      sent(0);
      // Of nothing, the runtime would say that its length is 0.
      return new Response(body.length === null ? nothing() : null, { status, headers });
    }
    return new Response(body.stream(sent), { status, headers });
  }
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  describe(headers, bytes.length);
  const head = method === "HEAD";
  sent(head ? 0 : bytes.length);
  return new Response(head ? null : bytes, { status, headers });
}
