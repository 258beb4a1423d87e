/** What a certificate may be used for (RFC 5280 sections 4.2.1.3 and 4.2.1.12). Pure. */
import { certificateExtensions } from "./certificate_extensions.ts";
import { SUBJECT_ALT_NAME } from "./certificate_names.ts";
import { Der, SEQUENCE } from "./der.ts";

const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const BASIC_CONSTRAINTS = "2.5.29.19";
/** Of names and policies further down, which do not bind a server's own certificate. */
const FOR_AUTHORITIES = ["2.5.29.30", "2.5.29.32", "2.5.29.36", "2.5.29.54"];
const KNOWN = [KEY_USAGE, EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS, SUBJECT_ALT_NAME, ...FOR_AUTHORITIES];

const BIT_STRING = 0x03;
const DIGITAL_SIGNATURE = 0x80;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

/** What speaks against a server with the certificate `der` that signs its share of a key; null when nothing does. */
export function usageObjection(der: Uint8Array<ArrayBuffer>): string | null {
  try {
    const extensions = certificateExtensions(der);
    for (const [name, { isCritical }] of extensions) {
      if (isCritical && !KNOWN.includes(name)) return `its certificate wants ${name} to be understood`;
    }
    const usage = extensions.get(KEY_USAGE);
    // The number of bits that are not used comes first.
    if (usage !== undefined && !(new Der(usage.value).content(BIT_STRING)[1] & DIGITAL_SIGNATURE)) {
      return "the key usage of its certificate has no digitalSignature, which a server needs";
    }
    const purposes = extensions.get(EXTENDED_KEY_USAGE);
    if (purposes !== undefined && !identifiers(purposes.value).includes(SERVER_AUTH)) {
      return "the extended key usage of its certificate has no serverAuth";
    }
    return null;
  } catch (error) {
    if (error instanceof RangeError) return "its certificate is damaged";
    throw error;
  }
}

function identifiers(der: Uint8Array<ArrayBuffer>): string[] {
  const list = new Der(der).enter(SEQUENCE);
  const found: string[] = [];
  while (!list.isAtEnd) found.push(list.objectIdentifier());
  return found;
}
