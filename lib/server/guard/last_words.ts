/** What a connection is told before it is ended by somebody who has no request to answer. */
import { problemContent, problemHeaders } from "../../http/problem.ts";
import { statusTitle } from "../../http/status.ts";

/** After so many seconds somebody who was turned away may try again. */
export const RETRY_AFTER = 5;

const encoder = new TextEncoder();

function words(status: number, detail: string, code: string): Uint8Array<ArrayBuffer> {
  const { type, body } = problemContent({ status, detail, code }, null);
  const headers = {
    ...problemHeaders(type),
    "content-length": String(encoder.encode(body).length),
    "connection": "close",
    ...(status === 408 ? {} : { "retry-after": String(RETRY_AFTER) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return encoder.encode(`HTTP/1.1 ${status} ${statusTitle(status)}\r\n${lines.join("")}\r\n${body}`);
}

export const TOO_SLOW = words(408, "the head of the request took too long", "timeout");
export const SERVER_FULL = words(503, "the server has all the connections that it takes", "too_many");
export const CLIENT_FULL = words(
  429,
  "this client has all the connections that it may have",
  "too_many_requests",
);
