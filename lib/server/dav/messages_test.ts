import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { parseLockInfo, parsePropfind, parseProppatch } from "./messages.ts";
import { parseXml } from "./xml_read.ts";

const dav = (inner: string) =>
  parseXml(new TextEncoder().encode(inner.replace(">", ' xmlns="DAV:" xmlns:x="urn:x">')));

Deno.test("parsePropfind() tells all, names and some apart", () => {
  assertEquals(parsePropfind(null), { kind: "all", include: [] });
  assertEquals(parsePropfind(dav("<propfind><allprop/></propfind>")), { kind: "all", include: [] });
  assertEquals(parsePropfind(dav("<propfind><allprop/><include><x:a/></include></propfind>")), {
    kind: "all",
    include: [{ ns: "urn:x", local: "a" }],
  });
  assertEquals(parsePropfind(dav("<propfind><x:new/><propname/></propfind>")), { kind: "names" });
  assertEquals(parsePropfind(dav("<propfind><prop><x:a/><x:a/><getetag/></prop></propfind>")), {
    kind: "some",
    names: [{ ns: "urn:x", local: "a" }, { ns: "DAV:", local: "getetag" }],
  });
  const many = Array.from({ length: 257 }, (_, i) => `<x:a${i}/>`).join("");
  const bad = [
    "<prop></prop>",
    "<propfind></propfind>",
    "<propfind><allprop/><propname/></propfind>",
    "<propfind><prop/><prop/></propfind>",
    `<propfind><prop>${many}</prop></propfind>`,
  ];
  for (const text of bad) assertThrows(() => parsePropfind(dav(text)), FerryError);
});

Deno.test("parseProppatch() keeps the order of its instructions, and the language around", () => {
  const text =
    '<propertyupdate><set><prop xml:lang="fr"><x:a>1</x:a><x:b xml:lang="de"/></prop></set><remove><prop>' +
    "<x:a/></prop></remove></propertyupdate>";
  assertEquals(parseProppatch(dav(text)), [
    { kind: "set", name: { ns: "urn:x", local: "a" }, xml: '<x:a xmlns:x="urn:x" xml:lang="fr">1</x:a>' },
    { kind: "set", name: { ns: "urn:x", local: "b" }, xml: '<x:b xmlns:x="urn:x" xml:lang="de"/>' },
    { kind: "remove", name: { ns: "urn:x", local: "a" } },
  ]);
  for (const bad of ["<propfind></propfind>", "<propertyupdate></propertyupdate>"]) {
    assertThrows(() => parseProppatch(dav(bad)), FerryError);
  }
  assertThrows(() => parseProppatch(null), FerryError);
  const removing = (count: number) =>
    dav(`<propertyupdate><remove><prop>${"<x:a/>".repeat(count)}</prop></remove></propertyupdate>`);
  assertEquals(parseProppatch(removing(1000)).length, 1000);
  const lang = `<propertyupdate><set><prop xml:lang="${"x".repeat(100_000)}">${
    "<x:a/>".repeat(20)
  }</prop></set>`;
  for (const much of [removing(1001), dav(`${lang}</propertyupdate>`)]) {
    assertEquals(assertThrows(() => parseProppatch(much), FerryError).code, "too_large");
  }
});

Deno.test("parseLockInfo() knows write locks, exclusive and shared", () => {
  const info = (scope: string, type = "<write/>", owner = "") =>
    dav(`<lockinfo><lockscope>${scope}</lockscope><locktype>${type}</locktype>${owner}</lockinfo>`);
  assertEquals(parseLockInfo(info("<exclusive/>")), { shared: false, owner: "" });
  assertEquals(parseLockInfo(info("<shared/>", "<write/>", "<owner><href>me</href></owner>")), {
    shared: true,
    owner: '<owner xmlns="DAV:"><href>me</href></owner>',
  });
  const bad = [info(""), info("<exclusive/><shared/>"), info("<x:exclusive/>"), info("<shared/>", "<read/>")];
  for (const root of [...bad, info("<shared/>", "<write/>", `<owner>${"x".repeat(9000)}</owner>`)]) {
    assertThrows(() => parseLockInfo(root), FerryError);
  }
});
