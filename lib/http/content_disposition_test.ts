import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { attachment, dispositionName } from "./content_disposition.ts";

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

Deno.test("dispositionName() reads what servers send", () => {
  const cases: [value: string, name: string | null][] = [
    ["attachment", null],
    ["", null],
    ["inline; filename=plain.txt", "plain.txt"],
    ['attachment; filename="a b.txt"', "a b.txt"],
    ['attachment;filename="semi;colon, comma.txt";x=y', "semi;colon, comma.txt"],
    ['attachment; filename="say \\"hi\\" \\\\o.txt"', 'say "hi" \\o.txt'],
    ['ATTACHMENT ; FileName = "x" ', "x"],
    ['filename="no-type.txt"', "no-type.txt"],
    ["attachment; filename=first; filename=second", "first"],
    ["attachment; filename*=UTF-8''%e2%82%ac%20rates; filename=\"EURO rates\"", "€ rates"],
    ["attachment; filename=\"EURO rates\"; filename*=utf-8'en'%e2%82%ac%20rates", "€ rates"],
    ["attachment; filename*=iso-8859-1''%A3%20rates", "£ rates"],
    ["attachment; filename*=koi8-r''%c1; filename=old", "old"],
    ["attachment; filename*=UTF-8''%ff%fe; filename=old", "old"],
    ["attachment; filename*=UTF-8''50%; filename=old", "old"],
    ["attachment; filename*=UTF-8''; filename=old", "old"],
    ["attachment; filename*=nonsense", null],
    ['attachment; filename="\xc3\xa9.txt"', "é.txt"],
    ['attachment; filename="\xe9.txt"', "\xe9.txt"],
    ['attachment; filename=""', null],
    ["attachment; filename=a%20b", "a%20b"],
    ['attachment; filename="../../etc/passwd"', "../../etc/passwd"],
    ['attachment; filename="unclosed', null],
    ["attachment;; filename=x", "x"],
    ['attachment; foo="filename=wrong"; filename=right', "right"],
  ];
  for (const [value, name] of cases) assertEquals([value, dispositionName(value)], [value, name]);
});

Deno.test("dispositionName() reads back what attachment() writes", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
    assertEquals(dispositionName(attachment(name)), name);
  }));
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (value) => {
    const name = dispositionName(value);
    assert(name === null || name.length <= value.length);
  }));
});
