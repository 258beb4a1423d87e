/** Credentials: taken out of URLs, made into headers, kept out of everything that is shown. All pure. */
import { FerryError } from "../../core/errors.ts";

/** A URL without its userinfo, and that userinfo as `USER:PASSWORD`, percent-decoded. */
export interface BareUrl {
  url: URL;
  user?: string;
}

/**
 * Takes the userinfo out of `url` (RFC 3986 section 3.2.1). Throws `bad_url` when it is not valid percent-encoding.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(takeUserinfo(new URL("http://a%40b:c@host/")).user, "a@b:c");
 * ```
 */
export function takeUserinfo(url: URL): BareUrl {
  if (url.username === "" && url.password === "") return { url };
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  try {
    return { url: bare, user: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` };
  } catch {
    throw new FerryError(
      "bad_url",
      `${bare.href}: the user or password in the URL is not valid percent-encoding`,
    );
  }
}

/** Whether `text` can be sent as a bearer token. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** The value of `Authorization` for a bearer token (RFC 6750) or `USER:PASSWORD` (RFC 7617, in UTF-8), or null. Throws `usage`. */
export function authorization(user: string | undefined, token: string | undefined): string | null {
  if (token !== undefined) {
    if (isToken(token)) return `Bearer ${token}`;
    throw new FerryError("usage", "the token is empty or has characters that no token has");
  }
  if (user === undefined) return null;
  let binary = "";
  for (const byte of new TextEncoder().encode(user)) binary += String.fromCharCode(byte);
  return `Basic ${btoa(binary)}`;
}

/** Those whose value is a URL. */
const URL_HEADER = /^(?:content-)?location$|^referer$|^destination$/i;

/** `X-Auth-Key` and `Ocp-Apim-Subscription-Key` are such; what only makes a request one of its kind is not. */
const SECRET_HEADER =
  /authorization|^(?:set-)?cookie2?$|token|secret|passw|api-?key|(?<!idempotency)-key$|credential|session|jwt/i;

/** `headers` for another origin than the one that they were meant for: without what may be a secret, and its name. */
export function forAnotherOrigin(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => name !== "host" && !SECRET_HEADER.test(name)));
}

/** The value of the header `name` as a log may show it: what may be a secret is replaced. */
export function redactHeader(name: string, value: string): string {
  if (URL_HEADER.test(name)) return hideUserinfo(value);
  if (!SECRET_HEADER.test(name)) return value;
  const scheme = /^(basic|bearer|digest|negotiate) /i.exec(value);
  return scheme ? `${scheme[1]} [redacted]` : "[redacted]";
}

/** A user and a password with a `/`, `?` or `#` in it, which should have been escaped: what follows the colon is no port. */
const UNESCAPED = /^([a-z][a-z0-9+.-]*:[/\\]+|[/\\]{2,})?[^/\\?#:@[]*:(?!\d{0,5}(?:[/\\?#]|$))[^]*@/i;

/** Whether a value of `--header`, `Name: value`, may be a secret. */
export function isSecretLine(line: string): boolean {
  const colon = line.indexOf(":");
  const value = line.slice(colon + 1);
  return colon > 0 && redactHeader(line.slice(0, colon).trim(), value) !== value;
}

/** `text` without what stands between its slashes, whichever a URL may have there, and the last `@` of its authority. */
export function hideUserinfo(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:[/\\]+|[/\\]{2,})?[^/\\?#]*@/i, "$1").replace(UNESCAPED, "$1");
}
