import { assertEquals, assertNotEquals } from "@std/assert";
import {
  codedEtag,
  type EtagList,
  fileEtag,
  parseEtagList,
  plainEtags,
  strongEqual,
  weakEqual,
} from "./etag.ts";

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

Deno.test("plainEtags() undoes codedEtag() in any list, and leaves other tags alone", () => {
  const tag = fileEtag({ size: 5, mtime: -1, ino: 7, dev: 3 });
  const other = fileEtag({ size: 9, mtime: 12, ino: 8, dev: 3 });
  const coded = codedEtag(tag, "gzip");
  const beside = codedEtag(tag, "br", other);
  assertEquals(plainEtags(`${coded}, W/${beside},${other}`), `${tag}, W/${tag},${other}`);
  assertEquals(new Set([tag, other, coded, beside, codedEtag(tag, "br")]).size, 5);
  for (const list of ["*", '"x:y z"', '"A:gzip"', '":"', "rubbish:x", '"a:"']) {
    assertEquals(plainEtags(list), list);
  }
});
