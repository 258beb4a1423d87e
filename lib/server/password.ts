/** Checking a password against what the configuration holds: plain text, or a scrypt hash (RFC 7914). */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** What a password is checked against. */
export type Secret = { kind: "plain"; digest: Uint8Array } | ScryptSecret;

/** The parts of `$scrypt$ln=15,r=8,p=1$SALT$HASH`, salt and hash in base64 without padding. */
export interface ScryptSecret {
  kind: "scrypt";
  /** The binary logarithm of the cost. */
  ln: number;
  r: number;
  p: number;
  salt: Uint8Array;
  hash: Uint8Array;
}

/** No hash may ask for more memory than this to be checked. */
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;

/** Reads a PASSWORD: null when it starts as a scrypt hash and is not a whole one. */
export function parseSecret(text: string): Secret | null {
  if (!text.startsWith("$scrypt$")) return { kind: "plain", digest: sha256(text) };
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{10,128})\$([A-Za-z0-9+/]{22,128})$/.exec(
      text,
    );
  if (match === null) return null;
  const [ln, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (ln < 1 || r < 1 || p < 1 || p > 16 || 128 * 2 ** ln * r > MAX_SCRYPT_BYTES) return null;
  const salt = base64(match[4]);
  const hash = base64(match[5]);
  return salt === null || hash === null ? null : { kind: "scrypt", ln, r, p, salt, hash };
}

/** Whether `password` is the plain secret's; the comparison takes the same time wherever they differ. */
export function matchesPlain(password: string, digest: Uint8Array): boolean {
  return timingSafeEqual(sha256(password), digest);
}

/** Whether `password` gives the hash. Runs off the main thread. */
export async function matchesScrypt(password: string, secret: ScryptSecret): Promise<boolean> {
  const { hash } = secret;
  return timingSafeEqual(await derive(password, secret, hash.length), hash);
}

/** The hash of `password` with the parameters of new ones: 64 MiB, a fifth of a second. */
export async function hashPassword(password: string): Promise<string> {
  const [ln, r, p] = [16, 8, 1];
  const salt = new Uint8Array(randomBytes(16));
  const key = await derive(password, { ln, r, p, salt }, 32);
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
}

function derive(
  password: string,
  { ln, r, p, salt }: Omit<ScryptSecret, "kind" | "hash">,
  length: number,
): Promise<Uint8Array> {
  const options = { N: 2 ** ln, r, p, maxmem: 128 * 2 ** ln * r * 2 + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => {
      if (error) reject(error);
      else resolve(new Uint8Array(key));
    });
  });
}

function unpadded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}

function sha256(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text, "utf8").digest());
}

function base64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}
