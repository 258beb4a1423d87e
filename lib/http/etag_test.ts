import { assertEquals, assertNotEquals } from "@std/assert";
import { type EtagList, fileEtag, parseEtagList, strongEqual, weakEqual } from "./etag.ts";

const LISTS: [string, EtagList][] = [
  ['"a"', ['"a"']],
  [' "a" ,W/"b","c d" ', ['"a"', 'W/"b"']],
  ["*", "*"],
  [" * ", "*"],
  ["", []],
  ["a", []],
  ['"a', []],
  ['"a" "b"', []],
  ['"a,b"', ['"a,b"']],
  [',,"a",', ['"a"']],
  ['w/"a"', []],
  ['"\u00e9"', ['"\u00e9"']],
];
for (const [header, wanted] of LISTS) {
  Deno.test(`parseEtagList() reads ${header}`, () => assertEquals(parseEtagList(header), wanted));
}

Deno.test("fileEtag() changes with each part of the state", () => {
  const state = { size: 1, mtime: 2, ino: 3, dev: 4 };
  const tag = fileEtag(state);
  for (const part of ["size", "mtime", "ino", "dev"] as const) {
    assertNotEquals(fileEtag({ ...state, [part]: 9 }), tag, part);
  }
  assertEquals(parseEtagList(tag), [tag]);
});

Deno.test("strongEqual() refuses weak tags, weakEqual() looks past them", () => {
  assertEquals(strongEqual('"a"', '"a"'), true);
  assertEquals(strongEqual('W/"a"', 'W/"a"'), false);
  assertEquals(weakEqual('W/"a"', '"a"'), true);
  assertEquals(weakEqual('W/"a"', '"b"'), false);
});
