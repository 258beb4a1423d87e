import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { attachment } from "./content_disposition.ts";

const CASES: [name: string, wanted: string][] = [
  ["report.pdf", 'attachment; filename="report.pdf"'],
  ["a;b, c=d.txt", 'attachment; filename="a;b, c=d.txt"'],
  ['say "hi".txt', "attachment; filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"],
  ["50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"],
  ["🚢 (1).txt", "attachment; filename=\"_ (1).txt\"; filename*=UTF-8''%F0%9F%9A%A2%20%281%29.txt"],
  [
    "a\r\nSet-Cookie: x",
    "attachment; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x",
  ],
];
for (const [name, wanted] of CASES) {
  Deno.test(`attachment() spells ${JSON.stringify(name)}`, () => assertEquals(attachment(name), wanted));
}

Deno.test("attachment() is a valid field value for any name, and says it without loss", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
    const value = attachment(name);
    assertEquals(new Headers({ "content-disposition": value }).get("content-disposition"), value);
    const match = /^attachment; filename="([^"\\%]*)"(?:; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]*))?$/
      .exec(value);
    assert(match !== null, value);
    assertEquals(match[2] === undefined ? match[1] : decodeURIComponent(match[2]), name);
  }));
});
