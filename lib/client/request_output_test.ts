import { assertEquals } from "@std/assert";
import { fillParts } from "./request_output.ts";

Deno.test("fillParts() puts in what is there and leaves the rest", () => {
  assertEquals(fillParts("#1_#2#3.txt", ["a", "b"]), "a_b#3.txt");
  assertEquals(fillParts("#10#1", Array.from({ length: 10 }, (_, at) => `${at}`)), "90");
  assertEquals(fillParts("#1#x#0"), "#1#x#0");
});
