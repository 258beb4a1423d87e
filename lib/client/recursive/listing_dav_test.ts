import { assertEquals, assertThrows } from "@std/assert";
import { type Listing, NoListing } from "./listed.ts";
import { DavListingParser } from "./listing_dav.ts";

function parse(...pieces: string[]): Listing | null {
  const parser = new DavListingParser(new URL("http://host/dav/"));
  for (const piece of pieces) parser.write(piece);
  return parser.end();
}

const stat = (props: string, status = "HTTP/1.1 200 OK") =>
  `<propstat><prop>${props}</prop><status>${status}</status></propstat>`;
const response = (href: string, ...stats: string[]) =>
  `<response><href>${href}</href>${stats.join("")}</response>`;
const all = (...responses: string[]) => `<multistatus xmlns="DAV:">${responses.join("")}</multistatus>`;
const FACTS =
  "<getcontentlength>5</getcontentlength><getlastmodified>Tue, 14 Nov 2023 22:13:20 GMT</getlastmodified>";
const FOLDER = "<resourcetype><collection/></resourcetype>";

Deno.test("DavListingParser takes what the server found, each for itself", () => {
  const cases: [response: string, expected: Listing["entries"][number] | null][] = [
    [response("/dav/", stat(FOLDER)), null],
    [response("/dav/a", stat(FACTS)), { name: "a", kind: "file", size: 5, mtime: 1_700_000_000_000 }],
    [response("http://host/dav/a%20b", stat(FACTS)), {
      name: "a b",
      kind: "file",
      size: 5,
      mtime: 1_700_000_000_000,
    }],
    [response("/dav/d", stat(FOLDER)), { name: "d", kind: "dir" }],
    [response("/dav/d/", stat("<resourcetype/>")), { name: "d", kind: "dir" }],
    [response("/dav/a", stat(FACTS, "HTTP/1.1 404 Not Found")), { name: "a", kind: "file" }],
    [response("/dav/a", stat(FACTS), stat("<getcontentlength>9</getcontentlength>", "HTTP/1.1 403 No")), {
      name: "a",
      kind: "file",
      size: 5,
      mtime: 1_700_000_000_000,
    }],
    [response("/dav/a", stat("<getcontentlength>x</getcontentlength>")), { name: "a", kind: "file" }],
    [response("/dav/deep/a", stat(FACTS)), null],
    [response("/other/a", stat(FACTS)), null],
    [response("http://evil/dav/a", stat(FACTS)), null],
    [`<response><propstat/></response>`, null],
    [`<response xmlns="other"><href>/dav/a</href></response>`, null],
  ];
  for (const [text, expected] of cases) {
    assertEquals(parse(all(text))!.entries, expected === null ? [] : [expected], text);
  }
  // A property may have an href of its own.
  const owner = `<response><href>/dav/a</href>${stat("<owner><href>/dav/me</href></owner>")}</response>`;
  assertEquals(parse(all(owner))!.entries.map(({ name }) => name), ["a"]);
});

Deno.test("DavListingParser takes no other document, and no bomb", () => {
  const bad = [
    "not XML",
    "<multistatus/>",
    '<html xmlns="DAV:"></html>',
    '<!DOCTYPE x [<!ENTITY a "b">]><multistatus xmlns="DAV:">&a;</multistatus>',
    '<multistatus xmlns="DAV:">&undefined;</multistatus>',
    all("<response>".repeat(100)),
    all(response("/dav/a", "<x/>".repeat(10_000))),
    all(response("x".repeat(70_000))),
    all("<a>").replace("</multistatus>", ""),
  ];
  for (const text of bad) assertThrows(() => parse(text), NoListing);
});

Deno.test("DavListingParser keeps no attribute, comment or other part that has no end", () => {
  const start = '<multistatus xmlns="DAV:">';
  for (const opened of ['<response a="', "<!-- ", "<response><href>", "<", "<?x ", "<![CDATA["]) {
    const parser = new DavListingParser(new URL("http://host/dav/"));
    parser.write(start + opened);
    assertThrows(() => {
      for (let count = 0; count < 5; count++) parser.write("a".repeat(64 * 1024));
    }, NoListing);
  }
});
