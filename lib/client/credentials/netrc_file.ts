/** The file `.netrc` of whoever runs the command. */
import { FerryError, quote, readError } from "../../core/errors.ts";
import { type Netrc, parseNetrc } from "./netrc.ts";

/** Longer ones are something else. */
const MAX_BYTES = 1 << 20;

/**
 * Reads the file that the variable NETRC names, else `.netrc` in the home folder. Throws `read_failed`, and `usage` when
 * somebody else can read it or owns it, or it is no such file; no message has a word of its content.
 */
export function readNetrc(env: (name: string) => string | undefined): Netrc {
  const home = env("HOME");
  const path = env("NETRC") || (home ? `${home}/.netrc` : undefined);
  if (path === undefined) {
    throw new FerryError("usage", "--netrc: neither NETRC nor HOME says where the file is");
  }
  const wrong = (why: string) => new FerryError("usage", `--netrc: ${quote(path)} ${why}`);
  const bytes = readPrivate(path, wrong);
  try {
    return parseNetrc(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof FerryError) throw wrong(`cannot be used: ${error.message}`);
    throw wrong("is not UTF-8");
  }
}

/** The content of a file that nobody else can have read or written. */
function readPrivate(path: string, wrong: (why: string) => FerryError): Uint8Array {
  try {
    using file = Deno.openSync(path);
    const { mode, uid, isDirectory } = file.statSync();
    if (isDirectory) throw wrong("is a folder");
    // Of the file that is open: another one may take its name in between.
    if (uid !== null && uid !== Deno.uid()) throw wrong("belongs to another user");
    if (mode !== null && (mode & 0o077) !== 0) throw wrong("is open to others; chmod 600 it");
    const buffer = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    for (let count: number | null; (count = file.readSync(buffer.subarray(length))) !== null && count > 0;) {
      length += count;
    }
    if (length > MAX_BYTES) throw wrong("is too long");
    return buffer.subarray(0, length);
  } catch (error) {
    throw readError(error, path);
  }
}
