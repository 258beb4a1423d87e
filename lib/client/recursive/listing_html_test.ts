import { assertEquals } from "@std/assert";
import type { Listing } from "./listed.ts";
import { HtmlListingParser } from "./listing_html.ts";

const BASE = new URL("http://host/pub/my%20files/");

function parse(html: string): Listing | null {
  const parser = new HtmlListingParser(BASE);
  parser.write(html);
  return parser.end();
}

/** The names, folders with a slash; null for no listing. */
function names(html: string): string[] | null {
  return parse(html)?.entries.map(({ name, kind }) => kind === "dir" ? name + "/" : name) ?? null;
}

Deno.test("HtmlListingParser tells listings from other pages", () => {
  const cases: [html: string, expected: string[] | null][] = [
    // Go's file server, full and empty.
    ['<!doctype html>\n<pre>\n<a href="a.txt">a.txt</a>\n<a href="b/">b/</a>\n</pre>\n', ["a.txt", "b/"]],
    ["<!doctype html>\n<pre>\n</pre>\n", []],
    ["<html><head><title>Index of /pub/my files/</title></head><body></body></html>", []],
    ["<title>host - /pub/my files/</title><pre></pre>", []],
    ['<h1>Directory listing for /pub/</h1><a href="a">A file of mine</a>', ["a"]],
    ['<a href="../">../</a>', []],
    // Cut names, as nginx and Apache do it.
    ['<a href="a-very-long-name.txt">a-very-lo..&gt;</a>', ["a-very-long-name.txt"]],
    ['<a href="x/"><img src="i.png" alt="[DIR]"></a> <a href="x/">x/</a>', ["x/"]],
    // Pages by somebody's hand.
    [
      '<title>My cat</title><p>See <a href="cat.jpg">this picture</a> and <a href="old/">older ones</a>',
      null,
    ],
    ["<h1>403 Forbidden</h1>", null],
    ["<title>Sign in</title><form></form>", null],
    ["", null],
    ["just text", null],
  ];
  for (const [html, expected] of cases) assertEquals(names(html), expected, html);
});

Deno.test("HtmlListingParser takes what lies in the folder and nothing else, whatever the page says", () => {
  const html = `<title>Index of /pub</title><base href="http://evil/">
<a href="?C=N;O=D">Name</a><a href="../">up</a><a href="/">top</a><a href="/etc/passwd">passwd</a>
<a href="http://evil/x">x</a><a href="%2e%2e/%2e%2e/x">x</a><a href="%2e%2e%2fx">x</a><a href="a/b">b</a>
<!-- <a href="commented">commented</a> --><script>document.write('<a href="written">written</a>')</script>
<a href="one">one</a><a href=two>two</a><A HREF='three/'>three/</A><a name="anchor">anchor</a>
<a href="one">one</a><a href="one/">one/</a><a href="un&amp;ended">un&amp;ended`;
  assertEquals(names(html), ["one", "two", "three/", "un&ended"]);
  assertEquals(parse(html)!.refused, [
    { name: "%2e%2e%2fx", why: "an encoded slash, backslash or NUL byte" },
    { name: "one", why: "the server lists a file and a folder of this name" },
  ]);
});
