import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isWithin, parseUrlPath } from "../core/paths.ts";
import { findMount, type Mount, mountNames, Mounts } from "./mounts.ts";

const mount = (path: string, ...hosts: string[]): Mount => ({ hosts, path });
const shown = ({ path, hosts }: Mount) => `${hosts.join("+")}/${path}`;

Deno.test("Mounts.of() gives a named host its own shares and every other one the rest", () => {
  const mounts = new Mounts([
    mount(""),
    mount("docs/old"),
    mount("docs"),
    mount("", "a.example", "www.a.example"),
    mount("x", "a.example"),
  ]);
  const cases: [authority: string, found: string[]][] = [
    ["b.example", ["/docs/old", "/docs", "/"]],
    ["", ["/docs/old", "/docs", "/"]],
    ["a.example", ["a.example/x", "a.example+www.a.example/"]],
    ["A.Example:8420", ["a.example/x", "a.example+www.a.example/"]],
    ["a.example.", ["a.example/x", "a.example+www.a.example/"]],
    ["www.a.example", ["a.example+www.a.example/"]],
    ["x.a.example", ["/docs/old", "/docs", "/"]],
    ["[::1]:8420", ["/docs/old", "/docs", "/"]],
  ];
  for (const [authority, found] of cases) assertEquals(mounts.of(authority).map(shown), found, authority);
});

Deno.test("findMount() takes the longest path, by decoded names, and gives the rest as it stood", () => {
  const mounts = new Mounts([mount("docs"), mount("docs/old stuff"), mount("dé")]).of("");
  const cases: [raw: string, found: [mount: string, path: string] | null][] = [
    ["/", null],
    ["/doc", null],
    ["/docs2/x", null],
    ["/docs", ["/docs", ""]],
    ["/docs/", ["/docs", "/"]],
    ["/docs/a%20b/", ["/docs", "/a%20b/"]],
    ["/d%6Fcs/%61", ["/docs", "/%61"]],
    ["/docs/old", ["/docs", "/old"]],
    ["/docs/old%20stuff", ["/docs/old stuff", ""]],
    ["/docs/old%20stuff/x", ["/docs/old stuff", "/x"]],
    ["/d%C3%A9/x", ["/dé", "/x"]],
  ];
  for (const [raw, found] of cases) {
    const got = findMount(mounts, raw);
    assertEquals(got === undefined ? null : [shown(got.mount), got.path], found, raw);
  }
});

Deno.test("findMount() refuses what the file system's side refuses", () => {
  const mounts = [mount("docs"), mount("")];
  for (const raw of ["/docs/../x", "/docs//x", "/docs%2fx", "/docs\\x", "/%zz", "docs", "/docs/%00"]) {
    assertThrows(() => findMount(mounts, raw), Error, "refused");
  }
});

Deno.test("findMount() sees the same names as the share will, for every path that can be read", () => {
  const mounts = ["", "a", "a/b", "é", "a b/c"].map((path) => mount(path)).sort((a, b) =>
    b.path.length - a.path.length
  );
  const name = fc.constantFrom("a", "b", "é", "a b", "c", "x%y", "%61");
  const path = fc.array(name, { maxLength: 4 });
  // As clients may write it: any character encoded, or not where it need not be.
  const spelled = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
  fc.assert(fc.property(path, spelled, fc.boolean(), (names, choices, slash) => {
    let at = 0;
    const raw = names.map((name) =>
      [...new TextEncoder().encode(name)].map((byte) => {
        const plain = /[a-z]/.test(String.fromCharCode(byte)) && choices[at++ % 40];
        return plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`;
      }).join("")
    );
    const whole = `/${raw.join("/")}${slash && raw.length > 0 ? "/" : ""}`;
    const found = findMount(mounts, whole)!;
    const inner = parseUrlPath(found.path === "" ? "/" : found.path).path;
    const joined = [found.mount.path, inner].filter((part) => part !== "").join("/");
    assertEquals(joined, parseUrlPath(whole).path);
    assertEquals(mounts.find((one) => isWithin(joined, one.path)), found.mount);
  }));
});

Deno.test("mountNames() gives the names on the way to the mounts below a folder", () => {
  const mounts = [mount("a/b"), mount("a/c/d"), mount("e"), mount("ab"), mount("")];
  assertEquals(mountNames(mounts, ""), ["a", "ab", "e"]);
  assertEquals(mountNames(mounts, "a"), ["b", "c"]);
  assertEquals(mountNames(mounts, "a/c"), ["d"]);
  assertEquals(mountNames(mounts, "e"), []);
});
