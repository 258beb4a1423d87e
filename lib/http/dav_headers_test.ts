import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { LONGEST_LOCK, parseDepth, parseLockToken, parseTimeout } from "./dav_headers.ts";

Deno.test("parseDepth() gives the default, or what is allowed", () => {
  assertEquals(parseDepth(null, ["infinity", "0", "1"]), "infinity");
  assertEquals(parseDepth(" 1 ", ["infinity", "0", "1"]), "1");
  assertEquals(parseDepth("Infinity", ["infinity"]), "infinity");
  for (const bad of ["1", "", "2", "0,1"]) assertThrows(() => parseDepth(bad, ["infinity", "0"]), FerryError);
});

Deno.test("parseTimeout() takes the first wish that it can read, within bounds", () => {
  const cases: [string | null, number][] = [
    [null, LONGEST_LOCK],
    ["Second-60", 60],
    ["second-0", 1],
    ["Infinite, Second-60", LONGEST_LOCK],
    ["Extend-5, Second-5", 5],
    ["Second-4100000000", LONGEST_LOCK],
    ["Second-99999999999999999999", LONGEST_LOCK],
    ["nonsense", LONGEST_LOCK],
  ];
  for (const [header, seconds] of cases) assertEquals(parseTimeout(header), seconds, String(header));
});

Deno.test("parseLockToken() wants a token in brackets", () => {
  assertEquals(parseLockToken(" <urn:uuid:1> "), "urn:uuid:1");
  for (const bad of [null, "", "urn:uuid:1", "<>", "<a b>", "<a><b>"]) {
    assertThrows(() => parseLockToken(bad), FerryError);
  }
});
