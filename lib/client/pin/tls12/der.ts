/** DER (X.690), as certificates are written in it. */

export const INTEGER = 0x02;
export const BOOLEAN = 0x01;
export const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;

/** Reads one element of DER (X.690) after the other. Throws RangeError for what is none. */
export class Der {
  #at = 0;

  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  get tag(): number | undefined {
    return this.bytes[this.#at];
  }

  /** What is in the next element. */
  enter(tag: number): Der {
    return new Der(this.content(tag));
  }

  skip(tag?: number): void {
    this.#next(tag);
  }

  content(tag: number): Uint8Array<ArrayBuffer> {
    const { content, end } = this.#next(tag);
    return this.bytes.slice(content, end);
  }

  /** The next element, its tag and length included. */
  whole(tag: number): Uint8Array<ArrayBuffer> {
    const start = this.#at;
    return this.bytes.slice(start, this.#next(tag).end);
  }

  objectIdentifier(): string {
    const bytes = this.content(OBJECT_IDENTIFIER);
    const numbers: number[] = [];
    let number = 0;
    for (const byte of bytes) {
      number = number * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(number);
        number = 0;
      }
    }
    const [first = 0, ...others] = numbers;
    const top = Math.min(2, Math.floor(first / 40));
    return [top, first - 40 * top, ...others].join(".");
  }

  #next(tag: number | undefined): { content: number; end: number } {
    const { bytes } = this;
    if (tag !== undefined && bytes[this.#at] !== tag) throw new RangeError("another element");
    let length = bytes[this.#at + 1];
    let content = this.#at + 2;
    if (length > 0x80) {
      const width = length - 0x80;
      if (width > 3) throw new RangeError("too long");
      length = 0;
      for (let i = 0; i < width; i++) length = length * 256 + bytes[content++];
    } else if (length === 0x80) throw new RangeError("a length that is not told");
    const end = content + length;
    if (!(end <= bytes.length)) throw new RangeError("cut off");
    this.#at = end;
    return { content, end };
  }
}
