/**
 * The XML of requests. It is read as a stream of events, so that what is too deep or too much ends before it takes
 * memory. A document type is refused whatever it says: without one there are no entities to expand or to fetch.
 */
import { type SaxesAttributeNS, SaxesParser } from "saxes";
import { FerryError } from "../../core/errors.ts";

/** A name in a namespace; `ns` is empty for none. */
export interface XmlName {
  ns: string;
  local: string;
}

/** An element with all that is in it. Comments and processing instructions are left out. */
export interface XmlElement extends XmlName {
  prefix: string;
  /** Without declarations of namespaces. */
  attributes: XmlAttribute[];
  /** The prefixes that are declared here. */
  declared: Readonly<Record<string, string>>;
  children: (XmlElement | string)[];
}

export interface XmlAttribute extends XmlName {
  prefix: string;
  value: string;
}

const MAX_DEPTH = 64;
const MAX_NODES = 20_000;

/** Characters of a namespace: it is told again with each name in it. */
const MAX_NAMESPACE = 1024;

/** The root of the document in `bytes`, UTF-8 or UTF-16. Throws `bad_request` for what is not XML, or too much. */
export function parseXml(bytes: Uint8Array): XmlElement {
  const parser = new SaxesParser({ xmlns: true } as const);
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let nodes = 0;
  const count = () => {
    if (++nodes > MAX_NODES) throw refused("it has too many parts");
  };
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding !== undefined && !/^(?:utf-8|utf-16|us-ascii)$/i.test(encoding)) {
      throw new FerryError("unsupported_media_type", "XML comes as UTF-8 or UTF-16");
    }
  });
  parser.on("doctype", () => {
    throw refused("it has a document type");
  });
  parser.on("opentag", (tag) => {
    count();
    if (open.length >= MAX_DEPTH) throw refused("it is nested too deeply");
    const element: XmlElement = {
      ns: tag.uri,
      local: tag.local,
      prefix: tag.prefix,
      attributes: attributesOf(Object.values(tag.attributes)),
      declared: { ...tag.ns },
      children: [],
    };
    nodes += element.attributes.length;
    if (Object.values(element.declared).some((ns) => ns.length > MAX_NAMESPACE)) {
      throw refused(`a namespace is longer than ${MAX_NAMESPACE} characters`);
    }
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  const text = (text: string) => {
    count();
    open.at(-1)?.children.push(text);
  };
  parser.on("text", text);
  parser.on("cdata", text);
  try {
    parser.write(decode(bytes)).close();
  } catch (error) {
    if (error instanceof FerryError) throw error;
    throw refused(error instanceof Error ? error.message : "it is malformed");
  }
  if (root === undefined) throw refused("it has no root");
  return root;
}

/** The elements in `element`, or those of the name `local` in DAV's namespace. */
export function elementsOf(element: XmlElement, local?: string): XmlElement[] {
  const elements = element.children.filter((child) => typeof child !== "string");
  return local === undefined ? elements : elements.filter((child) => isDav(child, local));
}

/** Whether this is the name `local` in DAV's namespace. */
export function isDav(name: XmlName, local: string): boolean {
  return name.ns === "DAV:" && name.local === local;
}

function attributesOf(all: readonly SaxesAttributeNS[]): XmlAttribute[] {
  return all.filter(({ prefix, name }) => prefix !== "xmlns" && name !== "xmlns")
    .map(({ uri, local, prefix, value }) => ({ ns: uri, local, prefix, value }));
}

function decode(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xfe && bytes[1] === 0xff
    ? "utf-16be"
    : bytes[0] === 0xff && bytes[1] === 0xfe
    ? "utf-16le"
    : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw refused(`it is not valid ${encoding.toUpperCase()}`);
  }
}

function refused(why: string): FerryError {
  return new FerryError("bad_request", `the XML of the request is refused: ${why}`);
}
