/** What a server answers to a TLS 1.2 client hello, up to its certificate (RFC 5246 sections 6.2 and 7.4). Pure. */

/** What has been understood of it so far. */
export type Flight =
  | { kind: "more" }
  /** The certificate of the server itself, in DER. */
  | { kind: "certificate"; der: Uint8Array<ArrayBuffer> }
  /** The number of the alert that it ended the handshake with (RFC 8446 section 6). */
  | { kind: "alert"; description: number }
  | { kind: "not_tls" };

/** The most that is read for it; chains of certificates are a few kilobytes. */
export const MAX_FLIGHT = 128 * 1024;

const ALERT = 21;
const HANDSHAKE = 22;
const CERTIFICATE = 11;
/** A record holds at most 2^14 bytes, and 2048 more when it is protected. */
const MAX_RECORD = 16 * 1024 + 2048;

/** Reads `bytes`, all that has come so far. */
export function readFlight(bytes: Uint8Array): Flight {
  const messages: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at];
    if (type !== HANDSHAKE && type !== ALERT) return { kind: "not_tls" };
    if (bytes.length < at + 5) break;
    const length = number(bytes, at + 3, 2);
    if (bytes[at + 1] !== 3 || length > MAX_RECORD) return { kind: "not_tls" };
    const end = at + 5 + length;
    if (type === ALERT) {
      if (length !== 2) return { kind: "not_tls" };
      return bytes.length < end ? { kind: "more" } : { kind: "alert", description: bytes[at + 6] };
    }
    for (const byte of bytes.subarray(at + 5, end)) messages.push(byte);
    at = end;
  }
  return readMessages(Uint8Array.from(messages));
}

function readMessages(bytes: Uint8Array<ArrayBuffer>): Flight {
  for (let at = 0; bytes.length >= at + 4;) {
    const length = number(bytes, at + 1, 3);
    const end = at + 4 + length;
    if (bytes[at] === CERTIFICATE) {
      if (bytes.length < end) break;
      // The length of the list, then of its first entry.
      const size = length < 6 ? 0 : number(bytes, at + 7, 3);
      if (size === 0 || size > length - 6) return { kind: "not_tls" };
      return { kind: "certificate", der: bytes.slice(at + 10, at + 10 + size) };
    }
    at = end;
  }
  return { kind: "more" };
}

function number(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + bytes[at + i];
  return value;
}
