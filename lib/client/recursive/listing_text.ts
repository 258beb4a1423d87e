/** The parser that fits an answer: by its media type, or by how it begins where that says nothing. Pure. */
import { HtmlListingParser } from "./listing_html.ts";
import { JsonListingParser } from "./listing_json.ts";
import type { ListingParser } from "./listed.ts";

/** For an answer to GET of the folder at `base`, which begins with `start`; null for what can be no listing. */
export function parserFor(type: string | null, start: string, base: URL): ListingParser | null {
  const essence = (type ?? "").split(";", 1)[0].trim().toLowerCase();
  if (essence === "application/json" || essence.endsWith("+json")) return new JsonListingParser();
  if (essence === "text/html" || essence === "application/xhtml+xml") return new HtmlListingParser(base);
  if (essence !== "" && essence !== "text/plain" && essence !== "application/octet-stream") return null;
  if (/^\s*[[{]/.test(start)) return new JsonListingParser();
  return /^\s*<(?:!doctype html|html|head|title|pre|a )/i.test(start) ? new HtmlListingParser(base) : null;
}
