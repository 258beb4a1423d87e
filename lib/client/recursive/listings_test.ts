/** The listings that real servers made of one and the same folder, in fixtures/listings. */
import { assertEquals } from "@std/assert";
import type { Listing, ListingParser } from "./listed.ts";
import { DavListingParser } from "./listing_dav.ts";
import { parserFor } from "./listing_text.ts";

const FOLDERS = ["empty dir", "folder", "linkdir", "é"];

/** Each holds its own name, and was changed at 2023-11-14T22:13:20.500Z; `link` leads to `a.txt`, `linkdir` to `folder`. */
const FILES = [
  " lead",
  "%E9",
  "&amp;",
  "--output=x",
  "-dash",
  "100%.txt",
  "C=N;O=D",
  "Parent Directory",
  "[br]",
  "`tick`",
  "a+b",
  "a.txt",
  "a=b@c,d$e!f*g'(h)",
  "b & <c>.txt",
  "co:lon",
  "emoji 😀",
  "esc\x1b[31mred",
  "hash#tag",
  "http:",
  "index%2ehtml",
  "link",
  "new\nline",
  "q\"uote's",
  "semi;colon",
  "tab\tx",
  "trail ",
  "what?x=1",
  "x".repeat(255),
  "{cu}",
  "~tilde",
  "é".repeat(100),
  "ünïcode",
  "\u202eevil",
];
const DOT_FILES = ["..x", ".dot", "..."];
const DOT_FOLDERS = [".hidden dir"];

interface Recorded {
  file: string;
  /** The folder's URL. */
  path: string;
  type: string;
  /** It shows names that begin with a dot. */
  dots: boolean;
  /** It leaves symbolic links out. */
  linkless?: boolean;
  /** What it makes of control characters. */
  shown?: (name: string) => string;
  /** The refused spelling of `back\slash`; null where the server leaves it out. */
  refused: string | null;
  /** Milliseconds, where it tells sizes and times exactly. */
  precision?: 1 | 1000;
}

const control = (name: string) =>
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  name.replace(/[\x00-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)));
const HTML = "text/html; charset=utf-8";
const JSON_TYPE = "application/json";

const RECORDED: readonly Recorded[] = [
  { file: "nginx.html", path: "/html/", type: "text/html", dots: false, refused: "back%5Cslash" },
  {
    file: "nginx.json",
    path: "/json/",
    type: JSON_TYPE,
    dots: false,
    refused: "back\\slash",
    precision: 1000,
  },
  { file: "nginx.xml", path: "/dav/", type: "", dots: false, refused: "back%5Cslash", precision: 1000 },
  {
    file: "caddy.json",
    path: "/",
    type: `${JSON_TYPE}; charset=utf-8`,
    dots: true,
    refused: "back\\slash",
    precision: 1,
  },
  { file: "caddy.html", path: "/", type: HTML, dots: true, refused: "back%5Cslash" },
  { file: "apache-plain.html", path: "/plain/", type: HTML, dots: true, refused: "back%5cslash" },
  { file: "apache-fancy.html", path: "/fancy/", type: HTML, dots: true, refused: "back%5cslash" },
  { file: "apache-table.html", path: "/table/", type: HTML, dots: true, refused: "back%5cslash" },
  {
    file: "apache.xml",
    path: "/dav/",
    type: "",
    dots: true,
    linkless: true,
    refused: "back%5cslash",
    precision: 1000,
  },
  { file: "python.html", path: "/", type: HTML, dots: true, refused: "back%5Cslash" },
  { file: "lighttpd.html", path: "/", type: "text/html", dots: true, refused: "back%5Cslash" },
  {
    file: "rclone.html",
    path: "/",
    type: HTML,
    dots: true,
    linkless: true,
    shown: control,
    refused: "back%5Cslash",
  },
  {
    file: "rclone.xml",
    path: "/",
    type: "",
    dots: true,
    linkless: true,
    shown: control,
    refused: "back%5Cslash",
    precision: 1000,
  },
  { file: "miniserve.html", path: "/", type: HTML, dots: true, refused: "back%5Cslash" },
  {
    file: "ferry.json",
    path: "/",
    type: `${JSON_TYPE}; charset=utf-8`,
    dots: true,
    refused: null,
    precision: 1,
  },
  { file: "ferry.html", path: "/", type: HTML, dots: true, refused: null },
  { file: "ferry.xml", path: "/", type: "", dots: true, refused: null, precision: 1000 },
];

function parse({ file, path, type }: Recorded, size: number): Listing | null {
  const text = Deno.readTextFileSync(new URL(`../../../fixtures/listings/${file}`, import.meta.url));
  const base = new URL(path, "http://127.0.0.1:8080/");
  const parser: ListingParser = type === "" ? new DavListingParser(base) : parserFor(type, text, base)!;
  for (let at = 0; at < text.length; at += size) parser.write(text.slice(at, at + size));
  return parser.end();
}

for (const recorded of RECORDED) {
  Deno.test(`the listing ${recorded.file} is read to its last entry, in pieces too`, () => {
    const { shown = (name) => name, dots, linkless, precision } = recorded;
    const files = [...FILES, ...(dots ? DOT_FILES : [])].filter((name) => !linkless || name !== "link").map(
      shown,
    );
    const folders = [...FOLDERS, ...(dots ? DOT_FOLDERS : [])].filter((name) =>
      !linkless || name !== "linkdir"
    );
    for (const size of [1 << 20, 61]) {
      const listing = parse(recorded, size)!;
      const names = (kind: string) =>
        listing.entries.filter((entry) => entry.kind === kind).map(({ name }) => name).sort();
      assertEquals(names("file"), files.sort());
      assertEquals(names("dir"), folders.sort());
      assertEquals(
        listing.refused.map(({ name }) => name),
        recorded.refused === null ? [] : [recorded.refused],
      );
      if (precision !== undefined) assertEquals(listing.precision, precision);
      for (const { name, kind, size, mtime } of listing.entries) {
        if (kind === "dir" || precision === undefined) assertEquals([size, mtime], [undefined, undefined]);
        else {
          const real = name === "link" ? "a.txt" : name.replace(/[\u2400-\u241f]/g, "?");
          const expected = precision === 1 ? 1_700_000_000_500 : 1_700_000_000_000;
          // Caddy tells of the link itself when it was made.
          const vague = name === "link" && recorded.file === "caddy.json";
          const exact = vague ? [undefined, undefined] : [new TextEncoder().encode(real).length, expected];
          assertEquals([size, mtime], exact, name);
        }
      }
    }
  });
}
