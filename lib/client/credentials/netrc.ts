/** Logins by host: the format of `.netrc`, as ftp(1), curl and git read it. Pure. */
import { FerryError } from "../../core/errors.ts";

/** One `machine`, or the `default`. */
export interface NetrcEntry {
  /** As `URL.hostname` has it, without the brackets of an IPv6 address; null for `default`. */
  host: string | null;
  login: string;
  password: string;
}

/** The logins of a file, in its order. Those without a login or a password are of no use and left out. */
export class Netrc {
  constructor(readonly entries: readonly NetrcEntry[]) {}

  /** The first entry for `hostname`, and for `login` when that is given; never the default. */
  machine(hostname: string, login?: string): NetrcEntry | null {
    const host = bare(hostname);
    return this.entries.find((entry) => entry.host === host && (login ?? entry.login) === entry.login) ??
      null;
  }

  /** What holds for hosts that no `machine` names. */
  get default(): NetrcEntry | null {
    return this.entries.find(({ host }) => host === null) ?? null;
  }
}

/** Its words that another word belongs to. */
const FIELDS = ["login", "password", "account"] as const;

interface Draft {
  host: string | null;
  login?: string;
  password?: string;
}

/**
 * Reads the text of a file. Words are parted by white space; one may stand in double quotes, with `\"`, `\\`, `\n`, `\r` and
 * `\t` in it; lines that begin with `#` are comments; macros (`macdef`, up to an empty line) are passed over, and so are
 * words that nobody knows. Throws `usage` with the number of the line for a word that lacks the one that belongs to it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const netrc = parseNetrc('machine host.example login ann password "a b"');
 * assertEquals(netrc.machine("host.example")?.password, "a b");
 * ```
 */
export function parseNetrc(text: string): Netrc {
  const drafts: Draft[] = [];
  const words = readWords(text);
  let draft: Draft | undefined;
  for (let at = 0; at < words.length; at++) {
    const { word, line, quoted } = words[at];
    const value = () => {
      if (++at < words.length) return words[at].word;
      throw new FerryError("usage", `line ${line}: nothing follows ${word}`);
    };
    if (quoted) continue;
    if (word === "machine") drafts.push(draft = { host: hostOf(value()) });
    else if (word === "default") drafts.push(draft = { host: null });
    else {
      const field = FIELDS.find((name) => name === word);
      if (field === undefined) continue;
      const given = value();
      if (field !== "account" && draft !== undefined) draft[field] ??= given;
    }
  }
  return new Netrc(
    drafts.filter((one): one is NetrcEntry => one.login !== undefined && one.password !== undefined),
  );
}

interface Word {
  word: string;
  /** From 1 on. */
  line: number;
  quoted: boolean;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function readWords(text: string): Word[] {
  const words: Word[] = [];
  let isMacro = false;
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (isMacro) {
      isMacro = content.trim() !== "";
      continue;
    }
    if (/^\s*#/.test(content)) continue;
    for (const [, inside, plain] of content.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
      if (plain === "macdef") {
        isMacro = true;
        break;
      }
      if (plain?.startsWith('"')) throw new FerryError("usage", `line ${line}: a quote is not closed`);
      const word = plain ?? inside.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
      words.push({ word, line, quoted: plain === undefined });
    }
  }
  return words;
}

/** A host as URLs write it. */
function hostOf(text: string): string {
  const host = text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
  return bare(URL.parse(`http://${host}/`)?.hostname ?? text.toLowerCase());
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
