/** A certificate and its key from files, checked before anybody listens with them. */
import * as crypto from "node:crypto";
import { FerryError, osReason, quote } from "../../core/errors.ts";
import type { KeyPair } from "./self_signed.ts";

/** Where they are. */
export interface KeyPairFiles {
  /** PEM: the server's certificate first, then those that lead to an authority. */
  cert: string;
  /** PEM, without a passphrase. */
  key: string;
}

/** Names a mistake by the flag that brought it. */
interface Names {
  cert: string;
  key: string;
}

const FLAGS: Names = { cert: "--tls-cert", key: "--tls-key" };

/** Certificates and keys are a few kilobytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads and checks both files; `warn` is told, in one line, what is not wrong but unwise. Throws `usage` that names the
 * file and what is the matter with it.
 */
export function readKeyPair(files: KeyPairFiles, warn: (line: string) => void): KeyPair {
  const cert = readText(files.cert, `${FLAGS.cert} ${quote(files.cert)}`);
  const key = readText(files.key, `${FLAGS.key} ${quote(files.key)}`);
  if (othersMayRead(files.key)) {
    warn(`${FLAGS.key} ${quote(files.key)} can be read by other users of this machine; chmod 600 it`);
  }
  checkKeyPair({ cert, key }, files, warn);
  return { cert, key };
}

/** The part of `readKeyPair` that needs no files. */
export function checkKeyPair(
  { cert, key }: KeyPair,
  files: KeyPairFiles,
  warn: (line: string) => void,
): void {
  const wrong = (flag: keyof Names, why: string) =>
    new FerryError("usage", `${FLAGS[flag]} ${quote(files[flag])}: ${why}`);
  if (!cert.includes("-----BEGIN CERTIFICATE-----")) throw wrong("cert", "there is no PEM certificate in it");
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    throw wrong("key", "has a passphrase, which nobody could type at a start; openssl pkey takes it off");
  }
  if (!/-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/.test(key)) {
    throw wrong("key", "there is no PEM private key in it");
  }
  const { validFrom, validTo } = datesOf(cert, (why) => wrong("cert", why));
  try {
    // The runtime itself has the last word, before anything that counts is opened.
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/KeyMismatch/.test(text)) {
      throw wrong("key", `is not the key of the first certificate in ${quote(files.cert)}`);
    }
    if (/private key|No keys/i.test(text)) {
      throw wrong("key", `is not a key that can be used: ${osReason(error)}`);
    }
    throw wrong("cert", `is not a certificate that can be used: ${osReason(error)}`);
  }
  const now = Date.now();
  if (now > validTo) {
    warn(`${FLAGS.cert} ${quote(files.cert)} expired on ${day(validTo)}; clients will refuse it`);
  } else if (now < validFrom) {
    warn(`${FLAGS.cert} ${quote(files.cert)} is not valid before ${day(validFrom)}`);
  }
}

/** From when to when the first certificate in `cert` holds. */
function datesOf(cert: string, wrong: (why: string) => FerryError): { validFrom: number; validTo: number } {
  try {
    const first = new crypto.X509Certificate(cert);
    return { validFrom: parseTime(first.validFrom), validTo: parseTime(first.validTo) };
  } catch {
    throw wrong("its first certificate cannot be read");
  }
}

/** `Nov 20 07:00:54 2036 GMT`, or the same with `+00:00`, as Deno before 2.9 has it. */
export function parseTime(text: string): number {
  return Date.parse(text.replace(/ \+00:00$/, " GMT"));
}

/** The SHA-256 of the first certificate in `cert`, as lower-case hex: what `--pin` takes. */
export function pinOf(cert: string): string {
  return new crypto.X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function readText(path: string, name: string): string {
  let size: number;
  try {
    const info = Deno.statSync(path);
    size = info.size;
    if (info.isDirectory) throw new FerryError("usage", `${name}: is a folder`);
    if (size <= MAX_BYTES) return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof FerryError) throw error;
    throw new FerryError("usage", `${name}: cannot be read: ${osReason(error)}`);
  }
  throw new FerryError("usage", `${name}: is ${size} bytes long, which no certificate and no key is`);
}

function othersMayRead(path: string): boolean {
  const mode = Deno.statSync(path).mode;
  return mode !== null && (mode & 0o004) !== 0;
}
