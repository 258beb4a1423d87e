import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { padText, shortenMiddle, textWidth } from "./text_width.ts";

Deno.test("textWidth() counts the columns of a terminal", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["plain text.txt", 14],
    ["résumé", 6],
    ["re\u0301sume\u0301", 6],
    ["日本語.txt", 10],
    ["한국어", 6],
    ["ｆｕｌｌ", 8],
    ["ﾊﾝｶｸ", 4],
    ["🚢⛵", 4],
    ["❤\ufe0f", 2],
    ["🇯🇵", 4],
    ["a\u200bb", 2],
    ["кириллица", 9],
    ["…─│", 3],
    ["𠀀", 2],
    ["न\u093f", 2],
  ];
  for (const [text, width] of cases) assertEquals([text, textWidth(text)], [text, width]);
});

Deno.test("shortenMiddle() keeps beginning and end, and cuts no character in two", () => {
  const cases: [string, number, string][] = [
    ["short.txt", 9, "short.txt"],
    ["a-rather-long-name.tar.gz", 13, "a-rathe…ar.gz"],
    ["日本語の長い名前.txt", 12, "日本語….txt"],
    ["e\u0301".repeat(9), 5, "e\u0301e\u0301e\u0301…e\u0301"],
    ["name", 1, "…"],
    ["name", 0, ""],
    ["name", -3, ""],
  ];
  for (const [text, width, short] of cases) assertEquals(shortenMiddle(text, width), short);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.nat(30), (text, width) => {
    const short = shortenMiddle(text, width);
    assert(textWidth(short) <= width || short === text && textWidth(text) <= width);
    assert(short.isWellFormed());
    const [start, end] = short.split("…");
    assert(text.includes("…") || text.startsWith(start) && text.endsWith(end ?? start));
  }));
});

Deno.test("padText() fills up columns, not characters", () => {
  assertEquals(padText("日本", 6) + "|", "日本  |");
  assertEquals(padText("ab", 4, "right"), "  ab");
  assertEquals(padText("abc", 2), "abc");
});
