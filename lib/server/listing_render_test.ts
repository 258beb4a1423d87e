import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Listing } from "./listing.ts";
import { renderListing } from "./listing_render.ts";

const LISTING: Listing = {
  path: "a/<b>",
  up: 2,
  entries: [
    { name: 'file & "x".txt', kind: "file", size: 1536, mtime: 1_700_000_000_123, etag: '"e"', slash: false },
    { name: "new\nline", kind: "file", size: 0, mtime: 0, etag: '"f"', slash: false },
    { name: "sub", kind: "dir", size: null, mtime: -1, etag: null, slash: true },
    { name: "to-dir", kind: "symlink", size: null, mtime: 0, etag: null, slash: true },
  ],
};

Deno.test("renderListing() as JSON has the promised members and no others", () => {
  const { body } = renderListing(LISTING, "json");
  const { path, entries } = JSON.parse(body);
  assertEquals(path, "/a/<b>/");
  assertEquals(entries[0], {
    name: 'file & "x".txt',
    kind: "file",
    size: 1536,
    mtime: "2023-11-14T22:13:20.123Z",
    etag: '"e"',
  });
  assertEquals(entries[2], {
    name: "sub",
    kind: "dir",
    size: null,
    mtime: "1969-12-31T23:59:59.999Z",
    etag: null,
  });
});

Deno.test("renderListing() as text has a line an entry, whatever a name holds", () => {
  assertEquals(renderListing(LISTING, "text").body, 'file & "x".txt\nnew\\nline\nsub/\nto-dir/\n');
});

Deno.test("renderListing() as HTML escapes names, links to them, and shows folders first", () => {
  const { body } = renderListing(LISTING, "html");
  assert(!body.includes("<b>") && !body.includes("new\nline"));
  assertStringIncludes(body, '<a href="./file%20%26%20%22x%22.txt">file &amp; &quot;x&quot;.txt</a>');
  assertStringIncludes(body, '<a href="../../" aria-label="top folder">/</a><a href="../">a</a>/');
  assert(body.indexOf(">sub/<") < body.indexOf(">file "));
  assertStringIncludes(body, "2 folders, 2 files");
  assert(
    !renderListing({ path: "", up: 0, entries: [] }, "html").body.includes("../"),
    "no way up from the root",
  );
});

Deno.test("renderListing() as HTML leads no further up than one may go", () => {
  const at = (up: number) => renderListing({ ...LISTING, path: "a/b/c", up }, "html").body;
  assertStringIncludes(at(1), '<h1>/a/<a href="../">b</a>/<span aria-current="page">c</span>/</h1>');
  assertStringIncludes(at(1), '<a href="../">../</a>');
  assert(!at(0).includes("../"));
});
