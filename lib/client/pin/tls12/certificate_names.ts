/** Whom a certificate is for (RFC 5280 section 4.2.1.6, RFC 9525 section 6). Pure. */
import { addressBytes } from "../../../http/address.ts";
import { certificateExtensions } from "./certificate_extensions.ts";
import { Der, SEQUENCE } from "./der.ts";

export const SUBJECT_ALT_NAME = "2.5.29.17";
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

export interface CertificateNames {
  /** In lower case, perhaps with `*.` before them. */
  hosts: string[];
  addresses: Uint8Array[];
}

/** The names in the certificate `der`; null where it has no such list, and none for what is no certificate. */
export function certificateNames(der: Uint8Array<ArrayBuffer>): CertificateNames | null {
  try {
    const list = certificateExtensions(der).get(SUBJECT_ALT_NAME);
    return list === undefined ? null : readNames(new Der(list.value).enter(SEQUENCE));
  } catch (error) {
    // For nobody: its common name does not count then.
    if (error instanceof RangeError) return { hosts: [], addresses: [] };
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
  // A dot at its end says that it is a whole name, and stands in no certificate.
  const host = hostname.toLowerCase().replace(/\.$/, "");
  // A star stands for one whole label, the first one, of three or more.
  const dot = host.indexOf(".");
  const starred = dot > 0 && host.indexOf(".", dot + 1) > 0 ? `*${host.slice(dot)}` : null;
  return hosts.some((name) => name === host || name === starred);
}
