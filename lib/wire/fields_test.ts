import { assertEquals } from "@std/assert";
import { isTime, parseObject } from "./fields.ts";
import { refusals } from "./refusals.ts";

Deno.test("parseObject() reads text and bytes, and refuses all but an object", () => {
  assertEquals(parseObject('{"a":1}'), { a: 1 });
  assertEquals(parseObject(new TextEncoder().encode('{"é":null}')), { "é": null });
  refusals(parseObject, [
    ["empty", "", "not JSON"],
    ["HTML", "<!doctype html>", "not JSON"],
    ["cut off", '{"a":', "not JSON"],
    ["bytes that are not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "not JSON"],
    ["null", "null", "not an object"],
    ["a list", "[{}]", "not an object"],
    ["a number", "1", "not an object"],
    ["brackets without end", "[".repeat(1_000_000), "nested more than 8 deep"],
    ["brackets side by side", `{"a":[${"[],".repeat(300_000)}[]]}`, "more than 262144 values"],
  ]);
});

Deno.test("isTime() holds what a Date and a file system can hold", () => {
  assertEquals([0, -1, 2 ** 48 - 1, -(2 ** 48) + 1].map(isTime), [true, true, true, true]);
  assertEquals([2 ** 48, NaN, Infinity, 0.5, "0", null, undefined].map(isTime), Array(7).fill(false));
});
