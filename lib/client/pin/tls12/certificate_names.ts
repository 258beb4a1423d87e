/** Whom a certificate is for (RFC 5280 section 4.2.1.6, RFC 9525 section 6). Pure. */
import { addressBytes } from "../../../http/address.ts";
import { beforeKey } from "./certificate_key.ts";
import { BOOLEAN, Der, OCTET_STRING, SEQUENCE } from "./der.ts";

const EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = "2.5.29.17";
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

export interface CertificateNames {
  /** In lower case, perhaps with `*.` before them. */
  hosts: string[];
  addresses: Uint8Array[];
}

/** The names in the certificate `der`; null where it has no such list, and for what is no certificate. */
export function certificateNames(der: Uint8Array<ArrayBuffer>): CertificateNames | null {
  try {
    const signed = beforeKey(der);
    signed.skip(SEQUENCE);
    while (!signed.isAtEnd && signed.tag !== EXTENSIONS) signed.skip();
    if (signed.isAtEnd) return null;
    const extensions = signed.enter(EXTENSIONS).enter(SEQUENCE);
    while (!extensions.isAtEnd) {
      const extension = extensions.enter(SEQUENCE);
      if (extension.objectIdentifier() !== SUBJECT_ALT_NAME) continue;
      if (extension.tag === BOOLEAN) extension.skip();
      return readNames(new Der(extension.content(OCTET_STRING)).enter(SEQUENCE));
    }
    return null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readNames(list: Der): CertificateNames {
  const names: CertificateNames = { hosts: [], addresses: [] };
  while (!list.isAtEnd) {
    if (list.tag === DNS_NAME) {
      names.hosts.push(new TextDecoder("latin1").decode(list.content(DNS_NAME)).toLowerCase());
    } else if (list.tag === IP_ADDRESS) names.addresses.push(list.content(IP_ADDRESS));
    else list.skip();
  }
  return names;
}

/** Whether `hostname`, a name or an address without brackets, is one of `names`. */
export function isNamed(hostname: string, { hosts, addresses }: CertificateNames): boolean {
  const address = addressBytes(hostname);
  if (address !== null) {
    return addresses.some((one) =>
      one.length === address.length && one.every((byte, at) => byte === address[at])
    );
  }
  const host = hostname.toLowerCase();
  // A star stands for one whole label, the first one, of three or more.
  const dot = host.indexOf(".");
  const starred = dot > 0 && host.indexOf(".", dot + 1) > 0 ? `*${host.slice(dot)}` : null;
  return hosts.some((name) => name === host || name === starred);
}
