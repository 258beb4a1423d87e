/** Names for single requests, by which a log line, an answer and a client's own records find each other. */

/** What a client or a proxy may call its request: it ends up in logs, so nothing but letters, digits and `-._~+/=:@`. */
const SANE = /^[A-Za-z0-9._~+/=:@-]{1,128}$/;

/** What the `X-Request-Id` of a request says if it is sane, else a name of our own. */
export function requestId(given: string | null): string {
  return given !== null && SANE.test(given) ? given : crypto.randomUUID();
}
