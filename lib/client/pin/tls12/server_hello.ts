/** What a server answers to the first message (RFC 5246 section 7.4.1.3). Pure. */
import { Input, isEqual, notOffered } from "./input.ts";
import type { Bytes, Hash } from "./key_schedule.ts";
import { BrokenTls } from "./records.ts";

export interface Suite {
  hash: Hash;
  keyBytes: number;
  isRsa: boolean;
}

/** Both with ECDSA and with RSA certificates. */
export const SUITES: Readonly<Record<number, Suite>> = {
  0xc02b: { hash: "SHA-256", keyBytes: 16, isRsa: false },
  0xc02f: { hash: "SHA-256", keyBytes: 16, isRsa: true },
  0xc02c: { hash: "SHA-384", keyBytes: 32, isRsa: false },
  0xc030: { hash: "SHA-384", keyBytes: 32, isRsa: true },
};
const EXTENDED_MASTER_SECRET = 23;
const ALPN = 16;
const RENEGOTIATION_INFO = 0xff01;
/** What a server may answer with, as it was asked: these, the name that was asked for, and the formats of points. */
const EXTENSIONS: readonly number[] = [0, 11, ALPN, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO];
/** `http/1.1` as the only one of a list. */
const HTTP_1_1 = [0, 9, 8, ...new TextEncoder().encode("http/1.1")];

export interface ServerHello {
  random: Bytes;
  suite: Suite;
  /** Whether the master secret is bound to the whole handshake (RFC 7627). */
  extended: boolean;
}

/** Reads its `body`. Throws BrokenTls. */
export function readServerHello(body: Bytes): ServerHello {
  const input = new Input(body);
  if (input.number(2) !== 0x0303) throw new BrokenTls("it does not speak TLS 1.2");
  const random = input.bytes(32);
  if (input.bytes(input.number(1)).length > 32) {
    throw new BrokenTls("its handshake has more than belongs there");
  }
  const suite = SUITES[input.number(2)];
  if (suite === undefined || input.number(1) !== 0) throw notOffered();
  const extensions = input.isAtEnd ? new Map<number, Bytes>() : readExtensions(input);
  input.end();
  const protocol = extensions.get(ALPN);
  if (protocol !== undefined && !isEqual(protocol, Uint8Array.from(HTTP_1_1))) throw notOffered();
  // RFC 5746 section 3.4. Without it somebody may have begun the connection, and speak first on it: OpenSSL refuses too.
  const renegotiation = extensions.get(RENEGOTIATION_INFO);
  if (renegotiation === undefined) throw new BrokenTls("it knows no secure renegotiation (RFC 5746)");
  if (!isEqual(renegotiation, Uint8Array.of(0))) {
    throw new BrokenTls("it takes the handshake for a second one");
  }
  return { random, suite, extended: extensions.has(EXTENDED_MASTER_SECRET) };
}

/** RFC 5246 section 7.4.1.4: each once, and none that was not asked for. */
function readExtensions(input: Input): Map<number, Bytes> {
  const list = new Input(input.bytes(input.number(2)));
  const extensions = new Map<number, Bytes>();
  while (!list.isAtEnd) {
    const type = list.number(2);
    if (!EXTENSIONS.includes(type) || extensions.has(type)) throw notOffered();
    extensions.set(type, list.bytes(list.number(2)));
  }
  return extensions;
}
