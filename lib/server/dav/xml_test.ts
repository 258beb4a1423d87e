import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { parseXml, type XmlElement } from "./xml_read.ts";
import { escapeXml, writeElement } from "./xml_write.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("parseXml() refuses what is not XML, and what could be an attack", () => {
  const cases: [string, RegExp][] = [
    ["", /root element/],
    ["<a>", /unclosed tag/],
    ["<a/><b/>", /one root/],
    ["<p:a/>", /unbound namespace prefix/],
    ['<D:a xmlns:D="DAV:"><b:c xmlns:b=""/></D:a>', /undefine prefix/],
    ["<a>&nothing;</a>", /undefined entity/],
    ["<a>\u0001</a>", /disallowed character/],
    ["<!DOCTYPE a><a/>", /document type/],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /document type/],
    ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', /document type|undefined entity/],
    [`<!DOCTYPE a [<!ENTITY x "${"y".repeat(99)}">]><a>${"&x;".repeat(99)}</a>`, /document type|undefined/],
    ["<a>".repeat(65) + "</a>".repeat(65), /nested too deeply/],
    [`<a>${"<b/>".repeat(20_000)}</a>`, /too many parts/],
    [`<a xmlns="${"n".repeat(1025)}"/>`, /a namespace is longer than 1024/],
  ];
  for (const [text, why] of cases) {
    const error = assertThrows(() => parseXml(encode(text)), FerryError);
    assertEquals(error.code, "bad_request");
    assert(why.test(error.message), `${text.slice(0, 60)}: ${error.message}`);
  }
  assertThrows(() => parseXml(Uint8Array.of(0x3c, 0xff, 0x2f, 0x3e)), FerryError, "not valid UTF-8");
  const latin = assertThrows(
    () => parseXml(encode('<?xml version="1.0" encoding="latin1"?><a/>')),
    FerryError,
  );
  assertEquals(latin.code, "unsupported_media_type");
});

Deno.test("parseXml() reads UTF-8 with a mark and UTF-16 of either order", () => {
  const text = '<a xmlns="urn:x">ü𝄞</a>';
  const marked = "\ufeff" + text;
  const units = Uint16Array.from({ length: marked.length }, (_, i) => marked.charCodeAt(i));
  const little = new Uint8Array(units.buffer);
  const big = little.map((_, i) => little[i ^ 1]);
  for (const bytes of [encode(text), encode("\ufeff" + text), little, big]) {
    const { ns, local, children } = parseXml(bytes);
    assertEquals([ns, local, children.join("")], ["urn:x", "a", "ü𝄞"]);
  }
});

Deno.test("writeElement() declares what stands around an element, and its language", () => {
  const around = parseXml(encode(
    '<D:a xmlns:D="DAV:" xmlns="urn:d" xmlns:q="urn:q" xml:lang="de"><q:b z="&lt;&#10;"><c q:w="1"/> t &amp; <e xmlns=""/></q:b></D:a>',
  ));
  assertEquals(
    writeElement(around.children[0] as XmlElement, "de"),
    '<q:b xmlns:q="urn:q" z="&lt;&#10;" xml:lang="de"><c xmlns="urn:d" q:w="1"/> t &amp; <e/></q:b>',
  );
});

Deno.test("writeElement() ends where what is declared around an element makes it large", () => {
  const ns = "n".repeat(1024);
  const around = parseXml(encode(`<a xmlns:p="${ns}"><b>${"<p:c/>".repeat(600)}</b></a>`));
  const error = assertThrows(() => writeElement(around.children[0] as XmlElement), FerryError);
  assertEquals(error.code, "too_large");
});

/** What an element means, whatever its prefixes. */
function meaning({ ns, local, attributes, children }: XmlElement): unknown {
  const merged: unknown[] = [];
  for (const child of children) {
    const last = merged.length - 1;
    if (typeof child !== "string") merged.push(meaning(child));
    else if (typeof merged[last] === "string") merged[last] += child;
    else merged.push(child);
  }
  const named = attributes.map(({ ns, local, value }) => [ns, local, value].join(" ")).sort();
  return { ns, local, named, children: merged };
}

Deno.test("writeElement() keeps names, attributes and text of any element", () => {
  const name = fc.constantFrom("a", "b", "ü");
  const space = fc.constantFrom(["", ""], ["", "urn:1"], ["p", "urn:1"], ["p", "urn:2"], ["q", "urn:1"]);
  const text = fc.string({ unit: "binary" }).map((text) => escapeXml(text)).filter((text) => text !== "");
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.tuple(name, space, text, fc.array(fc.oneof(text, tie("tree")), { maxLength: 3 })).map(
      ([name, [prefix, ns], value, children]) => {
        const tag = prefix === "" ? name : `${prefix}:${name}`;
        const more = prefix === "" ? "" : ` ${prefix}:at="1"`;
        const declared = `xmlns${prefix === "" ? "" : ":" + prefix}="${ns}"`;
        const at = value.replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
        return `<${tag} ${declared} x="${at}"${more}>${children.join("")}</${tag}>`;
      },
    ),
  }));
  fc.assert(
    fc.property(tree, (text) => {
      const parsed = parseXml(encode(text));
      assertEquals(meaning(parseXml(encode(writeElement(parsed)))), meaning(parsed));
    }),
    { numRuns: 200 },
  );
});
