/** A listing as HTML, JSON or text: pure. */
import { escape } from "@std/html/entities";
import { formatBytes } from "../cli/units.ts";
import { assertNever, quote } from "../core/errors.ts";
import { encodeSegment } from "../core/paths.ts";
import type { Listing, ListingEntry } from "./listing.ts";

/** The formats that a folder is shown in. */
export type ListingFormat = "html" | "json" | "text";

/** `listing` in `format`, with its media type; as HTML with a way to the folder as an archive, where there are any. */
export function renderListing(
  listing: Listing,
  format: ListingFormat,
  options: { archives: boolean; name?: string } = { archives: false },
): { type: string; body: string } {
  switch (format) {
    case "json":
      return { type: JSON_TYPE, body: [...jsonParts(listing)].join("") };
    case "text":
      return { type: "text/plain; charset=utf-8", body: text(listing) };
    case "html":
      return { type: "text/html; charset=utf-8", body: html(listing, options) };
    default:
      return assertNever(format);
  }
}

/** The media type of a listing as JSON. */
export const JSON_TYPE = "application/json; charset=utf-8";

/** A listing as JSON, in parts: what comes before the entries, each of them, and the end. */
export function* jsonParts(
  { path, entries }: { path: string; entries: Iterable<ListingEntry> },
): Generator<string> {
  yield `{"path":${JSON.stringify(path === "" ? "/" : `/${path}/`)},"entries":[`;
  let comma = "";
  for (const { name, kind, size, mtime, etag } of entries) {
    const time = new Date(mtime).toISOString();
    yield `${comma}{"name":${JSON.stringify(name)},"kind":"${kind}","size":${size},"mtime":"${time}","etag":${
      JSON.stringify(etag)
    }}`;
    comma = ",";
  }
  yield "]}\n";
}

/** A name a line; one with a line break in it is shown escaped, JSON has it exactly. */
function text({ entries }: Listing): string {
  return entries.map(({ name, slash }) => quote(name) + (slash ? "/\n" : "\n")).join("");
}

const STYLE = "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;" +
  "color-scheme:light dark}table{border-collapse:collapse;width:100%}th{text-align:left}" +
  "td,th{padding:.15rem .75rem .15rem 0;overflow-wrap:anywhere}td+td,th+th{white-space:nowrap}" +
  ".size{text-align:right;font-variant-numeric:tabular-nums}h1{font-size:1.25rem;overflow-wrap:anywhere}" +
  "tbody tr:hover{background:color-mix(in srgb,currentColor 8%,transparent)}";

/** A form and not links: what follows all links of a page, to copy a site, say, does not send forms. */
const ARCHIVE_FORM = `<form action="./">Download the folder as
<button name="archive" value="zip">zip</button>
<button name="archive" value="tar.gz">tar.gz</button></form>
`;

function html(
  { path, up, entries }: Listing,
  { archives, name }: { archives: boolean; name?: string },
): string {
  const folders = entries.filter((entry) => entry.slash);
  const files = entries.filter((entry) => !entry.slash);
  const place = path === "" ? "/" : `/${quote(path)}/`;
  const title = escape(name === undefined ? place : `${place} - ${name}`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${breadcrumbs(path, up)}</h1>
<table>
<thead><tr><th scope="col">Name</th><th scope="col" class="size">Size</th><th scope="col">Modified</th></tr></thead>
<tbody>
${up === 0 ? "" : '<tr><td><a href="../">../</a></td><td class="size"></td><td></td></tr>\n'}${
    [...folders, ...files].map(row).join("")
  }</tbody>
</table>
<p>${count(folders.length, "folder")}, ${count(files.length, "file")}</p>
${archives ? ARCHIVE_FORM : ""}</main>
</body>
</html>
`;
}

/** The names of the path as links, relative so that they hold wherever the folder is shown, as far as one may go up. */
function breadcrumbs(path: string, up: number): string {
  const names = path === "" ? [] : path.split("/");
  const way = (steps: number) => "../".repeat(steps) || "./";
  const links = names.map((name, i) => {
    const steps = names.length - 1 - i;
    const shown = escape(quote(name));
    if (steps === 0) return `<span aria-current="page">${shown}</span>/`;
    return steps > up ? `${shown}/` : `<a href="${way(steps)}">${shown}</a>/`;
  });
  const top = names.length > up ? "/" : `<a href="${way(up)}" aria-label="top folder">/</a>`;
  return top + links.join("");
}

function row({ name, slash, size, mtime }: ListingEntry): string {
  const href = `./${encodeSegment(name)}${slash ? "/" : ""}`;
  const iso = new Date(mtime).toISOString();
  return `<tr><td><a href="${href}">${escape(quote(name))}${slash ? "/" : ""}</a></td>` +
    `<td class="size">${
      size === null ? "" : `<span title="${size} bytes">${formatBytes(size)}</span>`
    }</td>` +
    `<td><time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time></td></tr>\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
