/** The parts of a handshake message. Pure. */
import { timingSafeEqual } from "node:crypto";
import type { Bytes } from "./key_schedule.ts";
import { BrokenTls } from "./records.ts";

/** Reads numbers and bytes. Throws BrokenTls where there are too few, or too many. */
export class Input {
  #at = 0;

  constructor(readonly all: Bytes) {}

  get isAtEnd(): boolean {
    return this.#at === this.all.length;
  }

  number(width: number): number {
    return this.bytes(width).reduce((value, byte) => value * 256 + byte, 0);
  }

  bytes(count: number): Bytes {
    const bytes = this.all.slice(this.#at, this.#at += count);
    if (bytes.length < count) throw new BrokenTls("its handshake is cut off");
    return bytes;
  }

  end(): void {
    if (!this.isAtEnd) throw new BrokenTls("its handshake has more than belongs there");
  }
}

/** Whether both are the same, in a time that does not tell where they differ. */
export function isEqual(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The other side chose something that this one did not say it can do. */
export function notOffered(): BrokenTls {
  return new BrokenTls("it chose what was not offered");
}
