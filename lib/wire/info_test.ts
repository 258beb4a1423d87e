import { assertEquals } from "@std/assert";
import { parseInfo } from "./info.ts";
import { refusals } from "./refusals.ts";

const INFO = { ferry: "0.1.0", protocol: 1, kind: "dir", permissions: "rw" };

Deno.test("parseInfo() takes what a server says of itself, and nothing else", () => {
  assertEquals(parseInfo({ ...INFO, more: "of a later version" }), INFO as never);
  assertEquals(parseInfo({ ...INFO, protocol: 7 }).protocol, 7);
  refusals(parseInfo, [
    ["an unknown kind", { ...INFO, kind: "socket" }, '"kind"'],
    ["no kind", { ...INFO, kind: undefined }, '"kind"'],
    ["no version", { ...INFO, protocol: undefined }, '"protocol"'],
    ["half a version", { ...INFO, protocol: 1.5 }, '"protocol"'],
    ["a version as text", { ...INFO, protocol: "1" }, '"protocol"'],
    ["permissions as a list", { ...INFO, permissions: ["r"] }, '"permissions"'],
    ["long permissions", { ...INFO, permissions: "r".repeat(11) }, '"permissions"'],
    ["a long name", { ...INFO, ferry: "x".repeat(101) }, '"ferry"'],
  ]);
});
