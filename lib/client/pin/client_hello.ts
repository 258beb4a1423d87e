/** The first message of a TLS 1.2 client (RFC 5246 section 7.4.1.2), to be shown a server's certificate. Pure. */

// ECDHE with AES-GCM or ChaCha20, for both kinds of certificates, and the sign that renegotiation is understood.
const SUITES = [0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc030, 0xcca8, 0x00ff];

// ECDSA with P-256, P-384, P-521; Ed25519; RSA-PSS and PKCS #1, each with SHA-256, 384, 512.
const SIGNATURES = [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

// X25519, P-256, P-384.
const GROUPS = [0x001d, 0x0017, 0x0018];

/** What a client says that it can do, by the numbers of the registries of TLS. */
export interface Offer {
  suites: readonly number[];
  signatures: readonly number[];
  groups: readonly number[];
}

const ALL: Offer = { suites: SUITES, signatures: SIGNATURES, groups: GROUPS };

/** The bytes to send: `random` is 32 bytes, `name` the host's, or null for an address. */
export function clientHello(
  random: Uint8Array,
  name: string | null,
  { suites, signatures, groups }: Offer = ALL,
): Uint8Array<ArrayBuffer> {
  const extensions = [
    // RFC 6066: one name, of the type host_name, without the dot that it may end in.
    ...(name === null ? [] : extension(0, counted(2, [0, ...counted(2, ascii(name.replace(/\.$/, "")))]))),
    ...extension(10, counted(2, pairs(groups))),
    ...extension(11, counted(1, [0])),
    ...extension(13, counted(2, pairs(signatures))),
    // RFC 7301.
    ...extension(16, counted(2, counted(1, ascii("http/1.1")))),
    // RFC 7627, which some servers insist on.
    ...extension(23, []),
  ];
  const body = [
    0x03,
    0x03,
    ...random,
    0,
    ...counted(2, pairs(suites)),
    ...counted(1, [0]),
    ...counted(2, extensions),
  ];
  return Uint8Array.from([22, 0x03, 0x01, ...counted(2, [1, ...counted(3, body)])]);
}

function extension(type: number, data: number[]): number[] {
  return [...pairs([type]), ...counted(2, data)];
}

/** `data` with its length in `width` bytes before it. */
function counted(width: number, data: number[]): number[] {
  const length = Array.from({ length: width }, (_, i) => (data.length >> (8 * (width - 1 - i))) & 0xff);
  return [...length, ...data];
}

function pairs(numbers: readonly number[]): number[] {
  return numbers.flatMap((number) => [number >> 8, number & 0xff]);
}

function ascii(text: string): number[] {
  return Array.from(text, (c) => c.charCodeAt(0));
}
