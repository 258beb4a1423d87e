/** XML of answers, and of properties that are kept. */
import { FerryError } from "../../core/errors.ts";
import type { XmlElement, XmlName } from "./xml_read.ts";

const SPECIAL: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\r": "&#13;",
};

/**
 * `text` between tags. Characters that XML 1.0 has no way to write, which file names may hold, become U+FFFD.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(escapeXml("a<b"), "a&lt;b");
 * ```
 */
export function escapeXml(text: string): string {
  if (!NEEDS_CARE.test(text)) return text;
  return text.replace(/[&<>\r]/g, (c) => SPECIAL[c]).replace(NOT_IN_XML, "\ufffd");
}

function escapeAttribute(text: string): string {
  return escapeXml(text).replace(/["\t\n]/g, (c) => `&#${c.charCodeAt(0)};`);
}

// deno-lint-ignore no-control-regex -- control characters are what this is about
const NEEDS_CARE = /[&<>\u0000-\u001f\ud800-\udfff\ufffe\uffff]/;
const NOT_IN_XML =
  // deno-lint-ignore no-control-regex -- the same
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** An empty element of that name, which needs nothing from what is around it but `D` for DAV's namespace. */
export function emptyElement({ ns, local }: XmlName): string {
  if (ns === "DAV:") return `<D:${local}/>`;
  return ns === "" ? `<${local}/>` : `<x:${local} xmlns:x="${escapeAttribute(ns)}"/>`;
}

/** Characters of an element that is written: short declarations around it may be repeated often in it. */
const MAX_WRITTEN = 512 * 1024;

/**
 * `element` as XML that can stand anywhere: prefixes are kept, and each is declared in it. `lang` is the `xml:lang` that
 * holds around it, which belongs to it (RFC 4918 section 4.3). Throws `too_large` beyond 512 KiB.
 */
export function writeElement(element: XmlElement, lang: string | null = null): string {
  const text: Text = { all: "" };
  write(element, { "": "", xml: XML }, { lang, text });
  return text.all;
}

interface Text {
  all: string;
}

const XML = "http://www.w3.org/XML/1998/namespace";

function write(
  element: XmlElement,
  scope: Readonly<Record<string, string>>,
  { lang, text }: { lang: string | null; text: Text },
): void {
  const inner: Record<string, string> = { ...scope };
  let head = "";
  const declare = (prefix: string, ns: string) => {
    if (inner[prefix] === ns) return;
    inner[prefix] = ns;
    head += ` xmlns${prefix === "" ? "" : `:${prefix}`}="${escapeAttribute(ns)}"`;
  };
  for (const [prefix, ns] of Object.entries(element.declared)) declare(prefix, ns);
  declare(element.prefix, element.ns);
  for (const { prefix, ns, local, value } of element.attributes) {
    if (prefix !== "") declare(prefix, ns);
    head += ` ${prefix === "" ? "" : `${prefix}:`}${local}="${escapeAttribute(value)}"`;
  }
  if (lang !== null && langOf(element) === null) head += ` xml:lang="${escapeAttribute(lang)}"`;
  const name = element.prefix === "" ? element.local : `${element.prefix}:${element.local}`;
  const empty = element.children.length === 0;
  text.all += `<${name}${head}${empty ? "/" : ""}>`;
  if (text.all.length > MAX_WRITTEN) throw new FerryError("too_large", "a property is too large");
  for (const child of element.children) {
    if (typeof child === "string") text.all += escapeXml(child);
    else write(child, inner, { lang: null, text });
  }
  if (!empty) text.all += `</${name}>`;
}

/** The `xml:lang` of `element` itself. */
export function langOf(element: XmlElement): string | null {
  return element.attributes.find(({ ns, local }) => ns === XML && local === "lang")?.value ?? null;
}
