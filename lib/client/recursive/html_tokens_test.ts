import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { attributeOf, HtmlTokens } from "./html_tokens.ts";
import { NoListing } from "./listed.ts";

/** What is told of the pieces: `<tag attributes>`, `</tag>` and text. */
function told(...pieces: string[]): string {
  let all = "";
  const tokens = new HtmlTokens({
    open: (tag, attributes) => all += `<${tag}${attributes}>`,
    close: (tag) => all += `</${tag}>`,
    text: (text) => all += text,
  });
  for (const piece of pieces) tokens.write(piece);
  return all;
}

Deno.test("HtmlTokens tells tags and texts, and not what is meant for others", () => {
  const cases: [html: string, expected: string][] = [
    ["<A HREF=x>a</A>", "<a HREF=x>a</a>"],
    ["a<!-- <a href=x> -->b", "ab"],
    ["<!DOCTYPE html><?php x ?>y", "y"],
    ["<script>if (a<b) '<a href=x>'</script>z", "<script>z"],
    ["<style>a>b{}</style\n>z", "<style>z"],
    ["<a title='>' href=\"a>b\">", "<a title='>' href=\"a>b\">"],
    ["<a title=it's>x", "<a title=it's>x"],
    ["a &amp; b &lt;c&gt; &#43; &#x1F600; &copy; &#0; &#xd800;", "a & b <c> + 😀 &copy; \ufffd \ufffd"],
    ["1 < 2 <3", "1 < 2 <3"],
    ["<!---->x<!-- y -- -->z", "xz"],
  ];
  for (const [html, expected] of cases) assertEquals(told(html + "<b>"), expected + "<b>", html);
});

Deno.test("HtmlTokens tells the same however the page is cut into pieces", () => {
  const page =
    "<title>a &amp; b</title><!-- no --><a href=\"x&amp;y\" title='>'>x&amp;y</a><script>1<2</script>" +
    "a &lt; b < c <br/>\u00e9\u{1f600}<pre>end";
  const whole = told(page, "<b>");
  fc.assert(
    fc.property(fc.array(fc.nat(page.length), { maxLength: 20 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), page.length];
      assertEquals(told(...at.slice(1).map((end, index) => page.slice(at[index], end)), "<b>"), whole);
    }),
    { numRuns: 300 },
  );
});

Deno.test("HtmlTokens ends at a tag or reference without an end", () => {
  assertThrows(() => told("<a href=", "x".repeat(70_000)), NoListing);
  assertThrows(() => told('<a href="', ..."x".repeat(70).split("").map((c) => c.repeat(1000))), NoListing);
  assertEquals(told("<!--", "x".repeat(1e6)), "");
});

Deno.test("attributeOf() reads an attribute in all its spellings", () => {
  const cases: [attributes: string, value: string | null][] = [
    [' href="a"', "a"],
    [" href='a\"b'", 'a"b'],
    [" HREF = a", "a"],
    [' class="x" data-href="no" href="yes"', "yes"],
    [' title="href=no" href=yes', "yes"],
    [' href="a" href="b"', "a"],
    [" href", ""],
    [' href="?C=N&amp;O=D"', "?C=N&O=D"],
    [' name="x"', null],
  ];
  for (const [attributes, value] of cases) assertEquals(attributeOf(attributes, "href"), value, attributes);
});
