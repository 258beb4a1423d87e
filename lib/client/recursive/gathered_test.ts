import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { Gathered } from "./gathered.ts";
import { MAX_ENTRIES } from "./listed.ts";

Deno.test("Gathered ends where more is listed than anybody keeps in a folder", () => {
  const gathered = new Gathered(1);
  for (let count = 0; count < MAX_ENTRIES; count++) gathered.keep({ name: String(count), kind: "dir" });
  // One that is known takes no room.
  gathered.keep({ name: "0", kind: "dir" });
  const error = assertThrows(() => gathered.keep({ name: "x", kind: "dir" }), FerryError);
  assertEquals([error.code, error.message], ["too_large", `more than ${MAX_ENTRIES} entries in one folder`]);
});

Deno.test("Gathered tells of a thousand refused names, and counts the others", () => {
  const gathered = new Gathered(1);
  for (let count = 0; count < 1500; count++) gathered.add({ name: `${count}\\`, kind: "file" });
  const { refused, entries } = gathered.listing();
  assertEquals([refused.length, entries.length], [1001, 0]);
  assertEquals(refused.at(-1), { name: "", why: "500 more names are refused" });
  const long = new Gathered(1);
  for (const length of [300, 60_000]) long.refuse({ name: "x".repeat(length), why: "" });
  assertEquals(long.listing().refused.map(({ name }) => name.length), [300, 303]);
});
