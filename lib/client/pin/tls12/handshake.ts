/**
 * A TLS 1.2 handshake (RFC 5246) with a server that has a pinned certificate, whoever signed that: ephemeral keys alone
 * (RFC 8422), AES-GCM alone, nothing resumed and nothing renegotiated.
 */
import { joined } from "../../../core/joined.ts";
import { type Connection, writeAll } from "../../dial/connection.ts";
import { clientHello } from "../client_hello.ts";
import { certificateKey, isSignedBy, SIGNATURE_SCHEMES } from "./certificate_key.ts";
import { agree, type Agreement, GROUPS } from "./key_agreement.ts";
import { Input, isEqual, notOffered } from "./input.ts";
import { type Bytes, digest, prf } from "./key_schedule.ts";
import {
  ALERT,
  BrokenTls,
  CHANGE_CIPHER_SPEC,
  HANDSHAKE,
  plainRecord,
  Protection,
  RecordReader,
} from "./records.ts";
import { readServerHello, type ServerHello, SUITES } from "./server_hello.ts";

/** RFC 5746: renegotiation is understood, which here means that it is refused. */
const NO_RENEGOTIATION = 0x00ff;

const SERVER_HELLO = 2;
const CERTIFICATE = 11;
const SERVER_KEY_EXCHANGE = 12;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;
const CLIENT_KEY_EXCHANGE = 16;
const FINISHED = 20;

const NAMED_CURVE = 3;
const SALT = 4;
const VERIFY_DATA = 12;

/** All handshake messages of a server together. */
const MOST_BYTES = 128 * 1024;

export interface HandshakeOptions {
  /** The host to ask for, null for an address. */
  name: string | null;
  /** What speaks against the certificate, in DER; null when it is the one that is wanted. */
  objection(der: Bytes): string | null;
}

/** It is not the server that is wanted. */
export class WrongServer extends BrokenTls {}

/** Both directions after a handshake. */
export interface Secured {
  records: RecordReader;
  read: Protection;
  write: Protection;
}

/**
 * Does the handshake over `connection`. Throws BrokenTls for all that a server, or somebody in its place, can do wrong:
 * then nothing but the handshake has been said.
 */
export async function handshake(
  connection: Connection,
  { name, objection }: HandshakeOptions,
): Promise<Secured> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const suites = [...Object.keys(SUITES).map(Number), NO_RENEGOTIATION];
  const hello = clientHello(random, name, { suites, signatures: SIGNATURE_SCHEMES, groups: GROUPS });
  await writeAll(connection, hello);
  const messages = new Messages(new RecordReader(connection));
  messages.add(hello.subarray(5));

  const server = readServerHello((await messages.next(SERVER_HELLO)).body);
  const der = firstCertificate(await messages.next(CERTIFICATE));
  const wrong = objection(der);
  if (wrong !== null) throw new WrongServer(wrong);
  const exchange = readKeyExchange(await messages.next(SERVER_KEY_EXCHANGE));
  const key = certificateKey(der);
  if (key === null) {
    throw new BrokenTls(
      "its certificate has a key that is neither RSA of 2048 to 8192 bits nor of P-256 or P-384",
    );
  }
  if (server.suite.isRsa !== (key.kind === "rsa")) throw notOffered();
  const signed = joined([random, server.random, exchange.params]);
  if (!await isSignedBy(key, { ...exchange, signed })) {
    throw new WrongServer("it does not have the key of its certificate");
  }
  const rest = await messages.next(CERTIFICATE_REQUEST, SERVER_HELLO_DONE);
  if (rest.type === CERTIFICATE_REQUEST) await messages.next(SERVER_HELLO_DONE);

  const agreement = await agree(exchange.group, exchange.point);
  if (agreement === null) throw new BrokenTls("its share of the key is none");
  const mine = [
    // None: it is the server that has to prove itself here.
    ...(rest.type === CERTIFICATE_REQUEST ? [message(CERTIFICATE, Uint8Array.of(0, 0, 0))] : []),
    message(CLIENT_KEY_EXCHANGE, joined([Uint8Array.of(agreement.point.length), agreement.point])),
  ];
  for (const bytes of mine) messages.add(bytes);

  const { hash, keyBytes } = server.suite;
  const master = await masterSecret(messages, { server, agreement, random });
  const keys = await prf(hash, master, {
    label: "key expansion",
    seed: joined([server.random, random]),
    length: 2 * keyBytes + 2 * SALT,
  });
  const part = (start: number, length: number) => keys.slice(start, start + length);
  const write = await Protection.of(part(0, keyBytes), part(2 * keyBytes, SALT));
  const read = await Protection.of(part(keyBytes, keyBytes), part(2 * keyBytes + SALT, SALT));
  const finished = async (label: string) =>
    message(
      FINISHED,
      await prf(hash, master, { label, seed: await digest(hash, messages.all), length: VERIFY_DATA }),
    );

  const end = await finished("client finished");
  messages.add(end);
  await writeAll(
    connection,
    joined([
      ...mine.map((bytes) => plainRecord(HANDSHAKE, bytes)),
      plainRecord(CHANGE_CIPHER_SPEC, Uint8Array.of(1)),
      await write.seal(HANDSHAKE, end),
    ]),
  );
  const expected = await finished("server finished");
  const came = await messages.last(read);
  if (!isEqual(came, expected)) throw new BrokenTls("the handshake was changed on its way");
  return { records: messages.records, read, write };
}

async function masterSecret(
  messages: Messages,
  { server, agreement, random }: { server: ServerHello; agreement: Agreement; random: Bytes },
): Promise<Bytes> {
  const { hash } = server.suite;
  return await prf(hash, agreement.secret, {
    ...(server.extended
      ? { label: "extended master secret", seed: await digest(hash, messages.all) }
      : { label: "master secret", seed: joined([random, server.random]) }),
    length: 48,
  });
}

function firstCertificate({ body }: Message): Bytes {
  const input = new Input(body);
  const list = new Input(input.bytes(input.number(3)));
  input.end();
  return list.bytes(list.number(3));
}

/** The share of the server in the key, and its signature over that. */
function readKeyExchange({ body }: Message) {
  const input = new Input(body);
  if (input.number(1) !== NAMED_CURVE) throw notOffered();
  const group = input.number(2);
  const point = input.bytes(input.number(1));
  const params = body.slice(0, 4 + point.length);
  const scheme = input.number(2);
  const signature = input.bytes(input.number(2));
  input.end();
  if (!GROUPS.includes(group) || !SIGNATURE_SCHEMES.includes(scheme)) throw notOffered();
  return { group, point, params, scheme, signature };
}

interface Message {
  type: number;
  body: Bytes;
}

function message(type: number, body: Uint8Array): Bytes {
  const { length } = body;
  return joined([Uint8Array.of(type, length >> 16, (length >> 8) & 0xff, length & 0xff), body]);
}

/** The messages of a handshake, both sides' in order. */
class Messages {
  #all: Bytes = new Uint8Array();
  /** Of the records that came, what was not read yet. */
  #rest: Bytes = new Uint8Array();

  constructor(readonly records: RecordReader) {}

  get all(): Bytes {
    return this.#all;
  }

  add(bytes: Uint8Array): void {
    this.#all = joined([this.#all, bytes]);
  }

  /** The server's next one, which has to be one of `types`. */
  async next(...types: number[]): Promise<Message> {
    let found: { message: Message; bytes: Bytes } | null;
    while ((found = this.#first()) === null) {
      const record = await this.records.next();
      if (record === null) throw new BrokenTls("it closed the connection");
      // RFC 5246 section 6.2.1: not empty.
      if (record.type !== HANDSHAKE || record.fragment.length === 0) {
        throw unexpected(record.type, record.fragment);
      }
      this.#rest = joined([this.#rest, record.fragment]);
      if (this.#all.length + this.#rest.length > MOST_BYTES) {
        throw new BrokenTls("its certificates are too long");
      }
    }
    if (!types.includes(found.message.type)) throw new BrokenTls("its handshake is out of order");
    this.add(found.bytes);
    return found.message;
  }

  /** The last one, protected: bytes that say that both have seen the same. */
  async last(read: Protection): Promise<Bytes> {
    const change = await this.records.next();
    if (change === null) throw new BrokenTls("it closed the connection");
    const isChange = change.type === CHANGE_CIPHER_SPEC && change.fragment.length === 1 &&
      change.fragment[0] === 1;
    if (!isChange || this.#rest.length > 0) throw unexpected(change.type, change.fragment);
    const record = await this.records.next();
    if (record === null) throw new BrokenTls("it closed the connection");
    if (record.type !== HANDSHAKE) throw new BrokenTls("its handshake is out of order");
    return await read.open(record);
  }

  #first(): { message: Message; bytes: Bytes } | null {
    const rest = this.#rest;
    if (rest.length < 4) return null;
    const end = 4 + rest[1] * 65536 + rest[2] * 256 + rest[3];
    if (rest.length < end) return null;
    this.#rest = rest.slice(end);
    return { message: { type: rest[0], body: rest.slice(4, end) }, bytes: rest.slice(0, end) };
  }
}

function unexpected(type: number, fragment: Bytes): BrokenTls {
  return new BrokenTls(
    type === ALERT && fragment.length === 2
      ? `it refuses (alert ${fragment[1]})`
      : "its handshake is out of order",
  );
}
