/** Answers of 400 and more, made into errors that say what the server said. */
import { quote } from "../core/errors.ts";
import { describeStatus } from "./answer_text.ts";
import type { Answer } from "./exchange.ts";
import { pump } from "./pump.ts";
import { parseRetryAfter } from "./retry.ts";
import { StatusError } from "./status_error.ts";

const MAX_BODY = 1 << 20;

/** The body of an error, at most 1 MiB of it. A body that breaks off is as good as it is: no second error. */
export async function readErrorBody({ response, hop }: Answer, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let left = MAX_BODY;
  const enough = new RangeError("enough");
  try {
    const take = (bytes: Uint8Array) => {
      pieces.push(bytes.slice(0, left));
      left -= bytes.length;
      if (left <= 0) throw enough;
    };
    if (hop.method === "HEAD") await response.body?.cancel();
    else await pump(response.body, take, { url: hop.url, signal });
  } catch {
    if (signal.aborted) throw signal.reason;
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/**
 * The error that `answer` is: `URL: 404 Not Found`, with the detail of a problem document when `body` is one. A server
 * that got something else than the digest of the request says is `checksum_mismatch`.
 */
export function statusError({ response, hop }: Answer, body: string): StatusError {
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  const hint = response.status === 401 ? loginHint(response.headers.get("www-authenticate")) : "";
  const message = `${quote(hop.url.href)}: ${describeStatus(response, body)}${hint}`;
  if (response.status !== 400 || !isMismatch(body)) {
    return new StatusError(response.status, message, retryAfter);
  }
  return new StatusError(
    response.status,
    `${message}; it may have changed while it was sent`,
    retryAfter,
    "checksum_mismatch",
  );
}

/** How to say who asks, if a server with this challenge (RFC 9110 section 11.6.1) takes what can be said. */
function loginHint(challenge: string | null): string {
  const scheme = /^[\s,]*([!#$%&'*+.^_`|~0-9a-z-]+)/i.exec(challenge ?? "")?.[1];
  if (scheme === undefined || /(?:^|,)\s*(?:basic|bearer)\b/i.test(challenge!)) {
    return "; --user USER:PASSWORD or --token TOKEN says who asks";
  }
  return `; the server wants a login by ${quote(scheme)}, and ferry knows Basic and Bearer alone`;
}

/** Whether a problem document says that the server got something else than was announced. */
function isMismatch(body: string): boolean {
  try {
    return JSON.parse(body)?.code === "checksum_mismatch";
  } catch {
    return false;
  }
}
