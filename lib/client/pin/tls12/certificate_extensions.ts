/** What a certificate says of itself beside its names and its key (RFC 5280 section 4.2). Pure. */
import { beforeKey } from "./certificate_key.ts";
import { BOOLEAN, OCTET_STRING, SEQUENCE } from "./der.ts";

const EXTENSIONS = 0xa3;

export interface Extension {
  isCritical: boolean;
  /** DER. */
  value: Uint8Array<ArrayBuffer>;
}

/** The extensions of the certificate `der` by their identifiers. Throws RangeError for what is none, and for one twice. */
export function certificateExtensions(der: Uint8Array<ArrayBuffer>): Map<string, Extension> {
  const found = new Map<string, Extension>();
  const signed = beforeKey(der);
  signed.skip(SEQUENCE);
  while (!signed.isAtEnd && signed.tag !== EXTENSIONS) signed.skip();
  if (signed.isAtEnd) return found;
  const list = signed.enter(EXTENSIONS).enter(SEQUENCE);
  while (!list.isAtEnd) {
    const extension = list.enter(SEQUENCE);
    const name = extension.objectIdentifier();
    if (found.has(name)) throw new RangeError("an extension comes twice");
    const isCritical = extension.tag === BOOLEAN && extension.content(BOOLEAN)[0] !== 0;
    found.set(name, { isCritical, value: extension.content(OCTET_STRING) });
  }
  return found;
}
