import { latin1, parseHead } from "../http1/head.ts";
import { type PlainHead, readPlainHead, valueText } from "./plain_head.ts";
import type { Delivered } from "./wanted.ts";

const NOTHING = new Uint8Array(0);

/** Answers with plain heads, one after the other in one and the same object: many of them are garbage to be collected. */
export class PlainAnswer implements Delivered {
  body: Uint8Array<ArrayBuffer> = NOTHING;
  readonly head: PlainHead = { status: 0, end: 0, length: 0, modified: 0, modifiedEnd: 0 };
  #bytes: Uint8Array = NOTHING;
  #from = 0;

  /** Reads the head that begins at `from`; false where it is no plain one, or is not whole. */
  read(bytes: Uint8Array, from: number): boolean {
    this.#bytes = bytes;
    this.#from = from;
    return readPlainHead(bytes, from, this.head);
  }

  get status(): number {
    return this.head.status;
  }

  field(name: "last-modified" | "etag"): string | null {
    const { modified, modifiedEnd, end } = this.head;
    if (name === "last-modified") {
      return modified === 0 ? null : valueText(this.#bytes, modified, modifiedEnd);
    }
    return parseHead(latin1(this.#bytes.subarray(this.#from, end))).fields.get(name);
  }
}
