/** What the bodies of PROPFIND, PROPPATCH and LOCK say (RFC 4918 section 14). Pure. */
import { FerryError } from "../../core/errors.ts";
import { elementsOf, isDav, type XmlElement, type XmlName } from "./xml_read.ts";
import { langOf, writeElement } from "./xml_write.ts";

/** Which properties a PROPFIND asks for. */
export type PropertyRequest =
  | { kind: "all"; include: XmlName[] }
  | { kind: "names" }
  | { kind: "some"; names: XmlName[] };

/** One instruction of a PROPPATCH; `xml` is the whole property, as it is kept. */
export type PropertyChange = { kind: "set"; name: XmlName; xml: string } | { kind: "remove"; name: XmlName };

/** What a LOCK without a token asks for. `owner` is XML, for people to read. */
export interface LockRequest {
  shared: boolean;
  owner: string;
}

/** Each entry of a folder is answered with all names that are asked for, also those that it has not. */
const MAX_NAMES = 256;
const MAX_NAMES_LENGTH = 8192;

/** Instructions of a PROPPATCH, and characters of all properties in it. */
const MAX_CHANGES = 1000;
const MAX_CHANGES_LENGTH = 1024 * 1024;

/** Characters of a lock's owner. */
const MAX_OWNER = 1024;

/** Reads the body of a PROPFIND; null, for none, asks for all. Throws `bad_request`. */
export function parsePropfind(root: XmlElement | null): PropertyRequest {
  if (root === null) return { kind: "all", include: [] };
  if (!isDav(root, "propfind")) throw unexpected("propfind");
  const [prop] = elementsOf(root, "prop");
  const all = elementsOf(root, "allprop").length;
  const names = elementsOf(root, "propname").length;
  if (all + names + elementsOf(root, "prop").length !== 1) {
    throw new FerryError("bad_request", "a propfind has one of allprop, propname and prop");
  }
  if (names > 0) return { kind: "names" };
  if (prop !== undefined) return { kind: "some", names: namesIn(prop) };
  return { kind: "all", include: elementsOf(root, "include").flatMap(namesIn) };
}

function namesIn(element: XmlElement): XmlName[] {
  const names = new Map<string, XmlName>();
  let length = 0;
  for (const { ns, local } of elementsOf(element)) {
    const key = nameKey({ ns, local });
    if (names.has(key)) continue;
    names.set(key, { ns, local });
    length += key.length;
  }
  if (names.size > MAX_NAMES || length > MAX_NAMES_LENGTH) {
    throw new FerryError("too_large", `a propfind names at most ${MAX_NAMES} properties`);
  }
  return [...names.values()];
}

/** Reads the body of a PROPPATCH: its instructions in their order. Throws `bad_request`. */
export function parseProppatch(root: XmlElement | null): PropertyChange[] {
  if (root === null || !isDav(root, "propertyupdate")) throw unexpected("propertyupdate");
  const changes: PropertyChange[] = [];
  let length = 0;
  for (const instruction of elementsOf(root)) {
    const set = isDav(instruction, "set");
    if (!set && !isDav(instruction, "remove")) continue;
    for (const prop of elementsOf(instruction, "prop")) {
      const lang = [prop, instruction, root].map(langOf).find((lang) => lang !== null) ?? null;
      for (const property of elementsOf(prop)) {
        const name = { ns: property.ns, local: property.local };
        const xml = set ? writeElement(property, lang) : null;
        length += xml?.length ?? 0;
        if (changes.length === MAX_CHANGES || length > MAX_CHANGES_LENGTH) {
          throw new FerryError("too_large", "the propertyupdate changes too many properties at once");
        }
        changes.push(xml === null ? { kind: "remove", name } : { kind: "set", name, xml });
      }
    }
  }
  if (changes.length === 0) throw new FerryError("bad_request", "the propertyupdate changes no property");
  return changes;
}

/** Reads the body of a LOCK that is new. Throws `bad_request`. */
export function parseLockInfo(root: XmlElement): LockRequest {
  if (!isDav(root, "lockinfo")) throw unexpected("lockinfo");
  const scopes = elementsOf(root, "lockscope").flatMap((scope) => elementsOf(scope));
  const types = elementsOf(root, "locktype").flatMap((type) => elementsOf(type));
  if (types.length !== 1 || !isDav(types[0], "write")) {
    throw new FerryError("bad_request", "the lockinfo must ask for a write lock");
  }
  const shared = scopes.length === 1 && isDav(scopes[0], "shared");
  if (!shared && !(scopes.length === 1 && isDav(scopes[0], "exclusive"))) {
    throw new FerryError("bad_request", "the lockscope must be exclusive or shared");
  }
  const [owner] = elementsOf(root, "owner");
  const text = owner === undefined ? "" : writeElement(owner);
  if (text.length > MAX_OWNER) throw new FerryError("too_large", "the owner of a lock is too long");
  return { shared, owner: text };
}

/** A name as a text that no other name has. */
export function nameKey({ ns, local }: XmlName): string {
  return `${local} ${ns}`;
}

function unexpected(root: string): FerryError {
  return new FerryError("bad_request", `the body must be a DAV: ${root}`);
}
