/** A certificate and its key from files, checked before they are used. */
import * as crypto from "node:crypto";
import { FerryError, osReason, quote } from "../core/errors.ts";

/** A certificate chain and a key, in PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** Where they are. */
export interface KeyPairFiles {
  /** PEM: the certificate itself first, then those that lead to an authority. */
  cert: string;
  /** PEM, without a passphrase. */
  key: string;
}

/** How mistakes are told of. */
export interface KeyPairTold {
  /** The flags that named the files. */
  cert: string;
  key: string;
  /** Who will be shown the certificate. */
  judge: string;
  /** Is told, in one line, what is not wrong but unwise. */
  warn: (line: string) => void;
}

/** Certificates and keys are a few kilobytes. */
const MAX_BYTES = 1024 * 1024;

/** Reads and checks both files. Throws `usage` that names the file and what is the matter with it. */
export function readKeyPair(files: KeyPairFiles, told: KeyPairTold): KeyPair {
  const cert = readText(files.cert, `${told.cert} ${quote(files.cert)}`);
  const key = readText(files.key, `${told.key} ${quote(files.key)}`);
  if (othersMayRead(files.key)) {
    told.warn(`${told.key} ${quote(files.key)} can be read by other users of this machine; chmod 600 it`);
  }
  checkKeyPair({ cert, key }, files, told);
  return { cert, key };
}

/** The part of `readKeyPair` that needs no files. */
export function checkKeyPair({ cert, key }: KeyPair, files: KeyPairFiles, told: KeyPairTold): void {
  const wrong = (flag: "cert" | "key", why: string) =>
    new FerryError("usage", `${told[flag]} ${quote(files[flag])}: ${why}`);
  if (!cert.includes("-----BEGIN CERTIFICATE-----")) throw wrong("cert", "there is no PEM certificate in it");
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    throw wrong("key", "has a passphrase, which nobody is asked for; openssl pkey takes it off");
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
    told.warn(`${told.cert} ${quote(files.cert)} expired on ${day(validTo)}; ${told.judge} will refuse it`);
  } else if (now < validFrom) {
    told.warn(`${told.cert} ${quote(files.cert)} is not valid before ${day(validFrom)}`);
  }
}

/** From when to when the first certificate in `cert` holds. */
function datesOf(cert: string, wrong: (why: string) => FerryError): { validFrom: number; validTo: number } {
  try {
    const first = new crypto.X509Certificate(fromFirst(cert));
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
  return new crypto.X509Certificate(fromFirst(cert)).fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Without what stands before the first certificate, which may be the key. */
function fromFirst(cert: string): string {
  return cert.slice(cert.indexOf("-----BEGIN CERTIFICATE-----"));
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
