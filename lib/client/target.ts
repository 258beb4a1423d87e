/** URLs as arguments: what is a target, what is not and what was probably meant. Pure. */
import { FerryError, quote } from "../core/errors.ts";
import { type BareUrl, hideUserinfo, takeUserinfo } from "./credentials/credentials.ts";

/**
 * The URL that `text` is, and the userinfo it carried. Throws `bad_url`, with a hint, for what is not a URL or of a
 * scheme other than http and https; userinfo never shows in the message.
 */
export function parseTarget(text: string): BareUrl {
  const scheme = /^https?:\/\//i.test(text)
    ? "http"
    : /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1].toLowerCase();
  if (scheme === undefined) {
    const shown = quote(hideUserinfo(text));
    const [, meant = "http", rest] = /^(?:(https?):\/*)?(.*)$/i.exec(shown)!;
    // As in curl's `-C -`.
    const hint = text === "-"
      ? "; --continue takes no value, and --input - reads URLs from stdin"
      : /^[^/\s][^\s]*$/.test(text) && rest !== ""
      ? `; did you mean ${meant}://${rest}?`
      : "";
    throw new FerryError("bad_url", `not a URL: ${shown || "(nothing)"}${hint}`);
  }
  if (scheme !== "http" && scheme !== "https") {
    const shown = quote(hideUserinfo(text));
    throw new FerryError("bad_url", `${shown}: the scheme ${scheme} is not served, only http and https are`);
  }
  const url = URL.parse(text);
  if (url === null) {
    const shown = hideUserinfo(text);
    const hint = /^[^/]*\/\/[^/]*\[[^\]]*%/.test(text)
      ? "; addresses with a zone (%) are not served"
      : URL.canParse(shown)
      ? "; in its user or password / is written as %2F, ? as %3F, # as %23"
      : "";
    throw new FerryError("bad_url", `not a valid URL: ${quote(shown)}${hint}`);
  }
  // To set it takes longer than all the rest.
  if (url.href.includes("#")) url.hash = "";
  return takeUserinfo(url);
}

// Those that RFC 9110, RFC 5789, RFC 4918, RFC 3253, RFC 5323 and common caches define.
const METHODS = [
  ..."GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH"
    .split(" "),
  "QUERY",
  "PURGE",
];

/** What the arguments of `ferry request` are: a method, when the first one is meant as such, and URLs. */
export interface RequestArgs {
  method?: string;
  targets: string[];
}

/**
 * Tells a method from a URL. Throws `usage` for a word in capitals before a URL that is no known method, and where
 * there is no URL, unless others come from an `input`.
 */
export function splitArgs(args: readonly string[], options: { input?: boolean } = {}): RequestArgs {
  if (args.length === 0) {
    if (options.input) return { targets: [] };
    throw new FerryError("usage", "a URL is missing; usage: ferry request [METHOD] URL...");
  }
  const [first, ...others] = args;
  const upper = first.toUpperCase();
  if (METHODS.includes(upper) && (others.length > 0 || first === upper)) {
    if (others.length === 0 && !options.input) {
      throw new FerryError("usage", `a URL is missing after ${upper}`);
    }
    return { method: upper, targets: others };
  }
  if (others.length > 0 && /^[A-Z][A-Z-]*$/.test(first)) {
    throw new FerryError("usage", `unknown method ${first}; known are ${METHODS.join(", ")}`);
  }
  return { targets: [...args] };
}
