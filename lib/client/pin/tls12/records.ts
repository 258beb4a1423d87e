/** The records of a TLS 1.2 connection (RFC 5246 section 6.2), and what protects them: AES-GCM (RFC 5288). */
import { joined } from "../../../core/joined.ts";
import type { Connection } from "../../dial/connection.ts";
import type { Bytes } from "./key_schedule.ts";

export const CHANGE_CIPHER_SPEC = 20;
export const ALERT = 21;
export const HANDSHAKE = 22;
export const APPLICATION_DATA = 23;

/** Bytes of content that a record holds at most. */
export const MAX_CONTENT = 16 * 1024;
const MAX_FRAGMENT = MAX_CONTENT + 2048;
const HEADER = 5;
/** Of a protected record: its number before, the tag behind. */
const EXPLICIT = 8;
const TAG = 16;

export interface Record12 {
  type: number;
  fragment: Bytes;
}

/** What is wrong with what the other side sent. */
export class BrokenTls extends Error {}

/** The connection ended in the middle of a record. */
export class CutOff extends BrokenTls {}

/** A record that is not protected. */
export function plainRecord(type: number, fragment: Uint8Array): Bytes {
  return joined([header(type, fragment.length), fragment]);
}

function header(type: number, length: number): Bytes {
  return Uint8Array.of(type, 3, 3, length >> 8, length & 0xff);
}

/** The records that come over a connection. */
export class RecordReader {
  readonly #buffer = new Uint8Array(2 * (HEADER + MAX_FRAGMENT));
  #start = 0;
  #end = 0;

  constructor(readonly connection: Pick<Connection, "read">) {}

  /** The next one; null at the end. Throws BrokenTls for what is none, and at an end in the middle of one. */
  async next(): Promise<Record12 | null> {
    if (!await this.#have(HEADER)) return null;
    const head = this.#buffer.subarray(this.#start, this.#start + HEADER);
    const length = head[3] * 256 + head[4];
    // An alert may come before both know which version they speak.
    const isKnown = head[1] === 3 && (head[2] === 3 || head[0] === ALERT);
    if (!isKnown || length > MAX_FRAGMENT) throw new BrokenTls("it does not speak TLS 1.2");
    const type = head[0];
    if (!await this.#have(HEADER + length)) throw new CutOff("it broke off");
    const start = this.#start + HEADER;
    this.#start = start + length;
    return { type, fragment: this.#buffer.slice(start, this.#start) };
  }

  async #have(count: number): Promise<boolean> {
    while (this.#end - this.#start < count) {
      if (this.#start > 0) {
        this.#buffer.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      const came = await this.connection.read(this.#buffer.subarray(this.#end));
      if (came === null) {
        if (this.#end > this.#start) throw new CutOff("it broke off");
        return false;
      }
      this.#end += came;
    }
    return true;
  }
}

/** One direction of a connection, protected. */
export class Protection {
  #number = 0;

  private constructor(readonly key: CryptoKey, readonly salt: Bytes) {}

  /** `salt` is the four bytes of the nonce that are not sent. */
  static async of(secret: Bytes, salt: Bytes): Promise<Protection> {
    const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new Protection(key, salt);
  }

  /** The record that holds `content`. */
  async seal(type: number, content: Bytes): Promise<Bytes> {
    const number = this.#count();
    const algorithm = this.#algorithm(number, { number, type, length: content.length });
    const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, this.key, content));
    return joined([header(type, EXPLICIT + sealed.length), number, sealed]);
  }

  /** What `record` holds. Throws BrokenTls when it is not what the other side sent at this place. */
  async open({ type, fragment }: Record12): Promise<Bytes> {
    const length = fragment.length - EXPLICIT - TAG;
    if (length < 0 || length > MAX_CONTENT) throw new BrokenTls("it sends records of a wrong length");
    const algorithm = this.#algorithm(fragment.subarray(0, EXPLICIT), {
      number: this.#count(),
      type,
      length,
    });
    try {
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, this.key, fragment.subarray(EXPLICIT)));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      throw new BrokenTls("what came was changed on its way");
    }
  }

  #algorithm(
    explicit: Uint8Array,
    { number, type, length }: { number: Uint8Array; type: number; length: number },
  ): AesGcmParams {
    const additionalData = joined([number, header(type, length)]);
    return { name: "AES-GCM", iv: joined([this.salt, explicit]), additionalData, tagLength: 8 * TAG };
  }

  /** The number of the record, counted on. */
  #count(): Bytes {
    const bytes = new Uint8Array(EXPLICIT);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(this.#number++));
    return bytes;
  }
}
