/** The certificate that a server made for itself once, and keeps. */
import { X509Certificate } from "node:crypto";
import { FerryError, osReason, quote } from "../../core/errors.ts";
import { writeFully } from "../../core/file_bytes.ts";
import { checkKeyPair, type KeyPair, parseTime, pinOf } from "../../client/key_pair.ts";
import { makeSelfSigned } from "./self_signed.ts";
import { serverTold } from "./told.ts";

/** As long as somebody who pinned it may want to use it. */
const DAYS = 3650;

/** A server that starts so shortly before the end makes a new one. */
const RENEW_MS = 30 * 24 * 3600 * 1000;

/** What `lastingKeyPair` gives. */
export interface Lasting extends KeyPair {
  /** See `pinOf`. */
  pin: string;
}

/**
 * The certificate kept in `dir` (`tls/self-signed.pem`, key and certificate in one file of mode 0600), made for `names`
 * when there is none yet, and anew when it ends within a month, which `warn` is told. Throws `usage` when it cannot be
 * read or kept.
 */
export async function lastingKeyPair(
  dir: string,
  options: { names: () => string[]; warn: (line: string) => void; now?: number },
): Promise<Lasting> {
  const path = `${dir}/tls/self-signed.pem`;
  const now = options.now ?? Date.now();
  const kept = readKept(path);
  if (kept !== null) {
    try {
      checkKeyPair(kept, { cert: path, key: path }, serverTold(() => {}));
    } catch (error) {
      throw new FerryError(
        "usage",
        `the certificate of --tls-self-signed is damaged: ${(error as Error).message}; remove ${
          quote(path)
        } to have ` +
          "a new one made, which clients have to pin anew",
      );
    }
    const end = parseTime(new X509Certificate(kept.cert).validTo);
    if (end - now > RENEW_MS) return { ...kept, pin: pinOf(kept.cert) };
    const day = new Date(end).toISOString().slice(0, 10);
    options.warn(
      `the certificate of --tls-self-signed ends on ${day}; a new one is made, which clients have to pin anew`,
    );
  }
  const made = await makeSelfSigned(options.names(), { days: DAYS, now });
  keep(path, made.key + made.cert);
  // Another server may have made one at the same time; the last one lasts.
  const pair = readKept(path) ?? made;
  return { ...pair, pin: pinOf(pair.cert) };
}

function readKept(path: string): KeyPair | null {
  try {
    const text = Deno.readTextFileSync(path);
    const at = Math.max(0, text.indexOf("-----BEGIN CERTIFICATE-----"));
    return { key: text.slice(0, at), cert: text.slice(at) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw cannot("read", path, error);
  }
}

/** Puts `text` at `path` in one step, for this user alone. */
function keep(path: string, text: string): void {
  const own = `${path}.${crypto.randomUUID()}`;
  try {
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const file = Deno.openSync(own, { write: true, createNew: true, mode: 0o600 });
    try {
      const bytes = new TextEncoder().encode(text);
      writeFully(file, bytes);
      file.syncSync();
    } finally {
      file.close();
    }
    Deno.renameSync(own, path);
  } catch (error) {
    try {
      Deno.removeSync(own);
    } catch {
      // Not made.
    }
    throw cannot("keep", path, error);
  }
}

function cannot(what: string, path: string, error: unknown): FerryError {
  return new FerryError(
    "usage",
    `--tls-self-signed: cannot ${what} ${quote(path)}: ${
      osReason(error)
    }; name another place with --state-dir`,
  );
}
