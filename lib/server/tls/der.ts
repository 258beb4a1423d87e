/** DER (ITU-T X.690), as far as a certificate needs it to be written; nothing here reads. Pure. */

/** The encoding of a value of the universal class whose tag is `tag`, with `parts` one after the other as its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const encoded = new Uint8Array([tag, ...lengthOf(length), ...new Array(length).fill(0)]);
  let at = encoded.length - length;
  for (const part of parts) {
    encoded.set(part, at);
    at += part.length;
  }
  return encoded;
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(0x30, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(0x31, ...parts);
}

/** The constructed context-specific tag `number`. */
export function explicit(number: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(0xa0 | number, content);
}

/** The primitive context-specific tag `number`. */
export function implicit(number: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(0x80 | number, content);
}

export function boolean(value: boolean): Uint8Array<ArrayBuffer> {
  return der(1, Uint8Array.of(value ? 0xff : 0));
}

/** A whole number that is not negative, from its bytes, the highest first. */
export function unsigned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.length === 0 ? Uint8Array.of(0) : bytes.subarray(start);
  // A leading one would be a sign.
  return der(2, digits[0] >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), digits);
}

/** Whole bytes of bits, but for the last `unused` ones. */
export function bits(bytes: Uint8Array, unused = 0): Uint8Array<ArrayBuffer> {
  return der(3, Uint8Array.of(unused), bytes);
}

export function octets(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(4, bytes);
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return der(12, new TextEncoder().encode(text));
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let high = arc >> 7; high > 0; high >>= 7) groups.unshift(0x80 | (high & 0x7f));
    return groups;
  });
  return der(6, Uint8Array.from(bytes));
}

/** A time to the second: UTCTime until 2049, then GeneralizedTime, as RFC 5280 section 4.1.2.5 wants it. */
export function time(ms: number): Uint8Array<ArrayBuffer> {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  const general = Number(text.slice(0, 4)) >= 2050;
  return der(general ? 24 : 23, new TextEncoder().encode(general ? text : text.slice(2)));
}
