/** What scripts of other origins may do (the HTTP-CORS protocol of the Fetch standard, sections 3.3.2 to 3.3.6). */
import { addVary } from "./vary.ts";

/** Whose scripts may read answers: anybody's, or those of some origins. */
export type CorsPolicy =
  | { kind: "any" }
  | { kind: "listed"; origins: ReadonlySet<string> };

/** What a script may see of an answer beside the few headers that the standard allows. */
const EXPOSED = [
  "Accept-Ranges",
  "Allow",
  "Content-Digest",
  "Content-Disposition",
  "Content-Encoding",
  "Content-Range",
  "Date",
  "ETag",
  "Ferry-Digest",
  "Location",
  "Repr-Digest",
  "Tus-Checksum-Algorithm",
  "Tus-Extension",
  "Tus-Max-Size",
  "Tus-Resumable",
  "Tus-Version",
  "Upload-Concat",
  "Upload-Defer-Length",
  "Upload-Expires",
  "Upload-Length",
  "Upload-Metadata",
  "Upload-Offset",
  "Vary",
  "WWW-Authenticate",
].join(", ");

/** A browser need not ask again for so long, in seconds; none of them believes more than two hours. */
const MAX_AGE = 600;

/** More header names than this in one preflight are no page's. */
const MAX_NAMES = 100;

/**
 * An origin as `--cors` takes it: `*`, or a scheme, a host, and the port where it is not the scheme's own. Null for
 * anything else, such as a URL with a path, which no browser would send.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseOrigin("HTTPS://App.example:443"), "https://app.example");
 * assertEquals(parseOrigin("https://app.example/"), null);
 * ```
 */
export function parseOrigin(text: string): string | null {
  if (text === "*") return "*";
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s?#@,*]+$/i.test(text)) return null;
  if (!/^https?:/i.test(text)) return text.toLowerCase();
  try {
    return new URL(text).origin;
  } catch {
    return null;
  }
}

/** The policy of `origins`, each as `parseOrigin` gives it; undefined for none. */
export function corsPolicy(origins: readonly string[]): CorsPolicy | undefined {
  if (origins.length === 0) return undefined;
  if (origins.includes("*")) return { kind: "any" };
  return { kind: "listed", origins: new Set(origins) };
}

/**
 * What every answer to a request with this `Origin` (null for none) carries. Never `Allow-Credentials`: a login comes
 * in an `Authorization` header that the script itself has set, or not at all.
 */
export function corsHeaders(policy: CorsPolicy, origin: string | null): Record<string, string> {
  if (policy.kind === "any") {
    return { "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED };
  }
  // Also where nothing is granted: a cache must not give this answer to another origin.
  if (origin === null || !policy.origins.has(origin)) return { vary: "Origin" };
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": EXPOSED,
    "vary": "Origin",
  };
}

/**
 * What the answer to a preflight carries beside `corsHeaders`; null when the request is none, or nothing is granted
 * to its origin. `methods` is a list as `Allow` has it. All headers that are asked for are allowed: permissions decide
 * what a request may do, and a wildcard would leave out `Authorization`.
 */
export function preflightHeaders(
  policy: CorsPolicy,
  headers: Pick<Headers, "get">,
  methods: string,
): Record<string, string> | null {
  const origin = headers.get("origin");
  if (origin === null || headers.get("access-control-request-method") === null) return null;
  if (policy.kind === "listed" && !policy.origins.has(origin)) return null;
  const granted: Record<string, string> = {
    "access-control-allow-methods": methods,
    "access-control-max-age": String(MAX_AGE),
    "vary": "Access-Control-Request-Headers",
  };
  const asked = headers.get("access-control-request-headers");
  const names = asked === null
    ? []
    : asked.split(",").map((name) => name.trim()).filter((name) => name !== "");
  if (names.length > 0 && names.length <= MAX_NAMES && names.every(isToken)) {
    granted["access-control-allow-headers"] = names.join(", ");
  }
  return granted;
}

/** `headers` with `grants` added; what both vary by is kept. */
export function withGrants(
  headers: Readonly<Record<string, string>>,
  grants: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...headers, ...grants };
  if (headers.vary !== undefined && grants.vary !== undefined) all.vary = addVary(headers.vary, grants.vary);
  return all;
}

function isToken(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(name);
}
