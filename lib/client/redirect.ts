/** Where a redirect leads and what may go along, RFC 9110 section 15.4. Pure. */
import { FerryError, quote } from "../core/errors.ts";
import { asUtf8 } from "./answer_text.ts";
import { forAnotherOrigin, hideUserinfo } from "./credentials/credentials.ts";

/** One request on the way, before or after a redirect. */
export interface Hop {
  url: URL;
  method: string;
  headers: Headers;
  /** Whether the body is (still) to be sent. */
  withBody: boolean;
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Whether an answer sends the client somewhere else; an empty `location` names no place. */
export function isRedirect(status: number, location: string | null): location is string {
  return location !== null && location !== "" && REDIRECTS.includes(status);
}

/**
 * The request that follows `hop` after `status` and `location`. Credentials and cookies stay behind when the origin
 * changes; userinfo in `location` is dropped. Throws `bad_url` for any scheme but http and https.
 */
export function nextHop(hop: Hop, answer: { status: number; location: string }): Hop {
  const url = URL.parse(asUtf8(answer.location), hop.url);
  const shown = quote(hideUserinfo(answer.location));
  if (url === null) {
    throw new FerryError("bad_url", `${hop.url.href} redirects to what is not a URL: ${shown}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new FerryError(
      "bad_url",
      `${hop.url.href} redirects to ${shown}: only http and https are followed`,
    );
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  const headers = url.origin === hop.url.origin ? new Headers(hop.headers) : forAnotherOrigin(hop.headers);
  // 303 asks for a GET; 301 and 302 turn a POST into one, as all clients have always done.
  const toGet = answer.status === 303 ? hop.method !== "HEAD" : answer.status <= 302 && hop.method === "POST";
  if (!toGet) return { url, method: hop.method, headers, withBody: hop.withBody };
  for (const name of [...headers.keys()]) {
    if (/^(content-|transfer-encoding$|digest$|repr-digest$|last-modified$)/.test(name)) headers.delete(name);
  }
  return { url, method: "GET", headers, withBody: false };
}
