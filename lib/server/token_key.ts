/** The file of the key that tokens are signed with: one line, `ferry-key1.` and 32 bytes in base64url. */
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { FerryError, osReason, quote, writeError } from "../core/errors.ts";

const PREFIX = "ferry-key1.";

/** The key in the file at `path`. Throws `usage` for one that is not there, that others may read, or that is no key. */
export function readTokenKey(path: string): Uint8Array {
  const wrong = (why: string) => new FerryError("usage", `--token-key ${quote(path)}: ${why}`);
  let text: string;
  try {
    const { mode, isFile, size } = Deno.statSync(path);
    if (!isFile || size > 1024) throw wrong("is no key; make one with ferry token key FILE");
    if (mode !== null && (mode & 0o077) !== 0) {
      throw wrong(`others may use it (mode ${(mode & 0o777).toString(8)}); chmod 600 it, or make a new one`);
    }
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof FerryError) throw error;
    throw wrong(`${osReason(error)}; make a key with ferry token key FILE`);
  }
  const match = /^ferry-key1\.([A-Za-z0-9_-]{43})\n?$/.exec(text);
  if (match === null) throw wrong("is no key; make one with ferry token key FILE");
  return new Uint8Array(Buffer.from(match[1], "base64url"));
}

/** Makes a key in a new file at `path` that its owner alone may read. Throws `usage` where something is. */
export function makeTokenKey(path: string): void {
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    file.writeSync(new TextEncoder().encode(`${PREFIX}${randomBytes(32).toString("base64url")}\n`));
    file.syncSync();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new FerryError("usage", `${quote(path)} is there already; a key is never overwritten`);
    }
    throw writeError(error, path);
  }
}

/** What names `key` and tells nothing about it. */
export function keyId(key: Uint8Array): string {
  return createHash("sha256").update("ferry key id\0").update(key).digest("hex").slice(0, 16);
}
