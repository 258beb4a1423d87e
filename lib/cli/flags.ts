/**
 * Flags as one declarative table a command: the same table parses, types, documents and suggests. Parsing itself is
 * `@std/cli`'s; this file turns the table into its options and its answer into checked values.
 */
import { parseArgs } from "@std/cli/parse-args";
import { closestString } from "@std/text/closest-string";
import { assertNever, FerryError, quote } from "../core/errors.ts";
import { parseDuration, parseSize } from "./units.ts";

/** Why a value will not do, as "must be ..." or the like; null when it will. */
export type FlagCheck = (text: string) => string | null;

interface FlagBase {
  /** What it does, for `--help`; one line without a full stop. */
  about: string;
  /** A one-letter form. */
  short?: string;
  /** What the value is called in `--help`, in capitals. */
  value?: string;
}

export interface BooleanFlag extends FlagBase {
  type: "boolean";
  /** With a true default the flag is given as `--no-NAME`; null makes it undefined unless it is given either way. */
  default?: boolean | null;
}
export interface StringFlag extends FlagBase {
  type: "string";
  default?: string;
  choices?: readonly string[];
  check?: FlagCheck;
  /** It is a path of the file system: in a configuration file it starts from the folder of that file. */
  path?: boolean;
}
export interface ListFlag extends FlagBase {
  /** May be given many times; the values keep their order. */
  type: "list";
  /** Of each value. */
  check?: FlagCheck;
  /** Each value is a path of the file system. */
  path?: boolean;
  /** Whether nobody else may read that value. */
  isSecret?: (text: string) => boolean;
}
export interface IntegerFlag extends FlagBase {
  type: "integer";
  default?: number;
  min: number;
  max: number;
}
export interface SizeFlag extends FlagBase {
  /** Bytes: `4096`, `64K`, `10M`, `2GiB` (binary), `1MB` (decimal). */
  type: "size";
  default?: number;
}
export interface DurationFlag extends FlagBase {
  /** Milliseconds: `500ms`, `30s`, `5m`, `2h`; a bare number is seconds. */
  type: "duration";
  default?: number;
}
/** One flag of a command. */
export type Flag = BooleanFlag | StringFlag | ListFlag | IntegerFlag | SizeFlag | DurationFlag;
/** The flags of a command, by their long names. */
export type FlagTable = Readonly<Record<string, Flag>>;

type Scalar<F extends Flag> = F extends { type: "string" } ? string : number;
type ValueOf<F extends Flag> = F extends { type: "boolean"; default: null } ? boolean | undefined
  : F extends { type: "boolean" } ? boolean
  : F extends { type: "list" } ? string[]
  : F extends { default: string | number } ? Scalar<F>
  : Scalar<F> | undefined;

/** What to say to flags that other programs have, by how they are written (`-X`, `--proxy`). */
export type ForeignFlags = Readonly<Record<string, string>>;

/** The values that a table parses to, each by the type of its flag. */
export type FlagValues<T extends FlagTable> = { [K in keyof T]: ValueOf<T[K]> };

/** A command line that was read. */
export interface Parsed<T extends FlagTable> {
  flags: FlagValues<T>;
  /** The names of the flags that were given, whatever their values. */
  given: ReadonlySet<string>;
  /** What is not a flag, in order. */
  args: string[];
}

/**
 * Reads `argv` by `table`. Throws `usage` with one line that names the flag, what is wrong, and for an unknown flag
 * the nearest right one, or what `foreign` says of it.
 */
export function parseFlags<T extends FlagTable>(
  argv: readonly string[],
  table: T,
  foreign: ForeignFlags = {},
): Parsed<T> {
  const names = Object.keys(table);
  const byShort = new Map(names.flatMap((name) => table[name].short ? [[table[name].short, name]] : []));
  const unknown = (flag: string) => unknownFlag(flag, { table, foreign });
  const { tokens, rest } = normalise(argv, { table, byShort, unknown });
  const booleans = names.filter((name) => table[name].type === "boolean");
  const parsed = parseArgs(tokens, {
    boolean: booleans,
    negatable: booleans,
    // Without this, one that is on by default would come back as false.
    default: Object.fromEntries(
      booleans.map((name) => [name, (table[name] as BooleanFlag).default ?? false]),
    ),
    string: [...names.filter((name) => table[name].type !== "boolean"), "_"],
    collect: names.filter((name) => table[name].type !== "boolean"),
    unknown: (arg, key) => {
      if (key !== undefined) throw unknown(arg);
      return true;
    },
  });
  const given = new Set(names.filter((name) => tokens.some((token) => gives(token, name))));
  const flags: Record<string, unknown> = {};
  for (const name of names) flags[name] = readValue(name, table[name], parsed[name]);
  for (const name of booleans) {
    if ((table[name] as BooleanFlag).default === null && !given.has(name)) flags[name] = undefined;
  }
  return { flags: flags as FlagValues<T>, given, args: [...parsed._.map(String), ...rest] };
}

/** Whether `token`, as `normalise` leaves it, gives the flag `name`. */
function gives(token: string, name: string): boolean {
  return token.startsWith(`--${name}=`) || token === `--no-${name}`;
}

/**
 * Brings `-x value`, `-xvalue`, `-abc` and `--flag value` into the form `--flag=value`, so that a value may start
 * with a dash; everything after `--` is left as it is.
 */
function normalise(
  argv: readonly string[],
  { table, byShort, unknown }: {
    table: FlagTable;
    byShort: ReadonlyMap<string | undefined, string>;
    unknown: (flag: string) => FerryError;
  },
) {
  const tokens: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i];
    if (arg === "--") return { tokens, rest: argv.slice(i + 1) };
    if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = equals === -1 ? arg.slice(2) : arg.slice(2, equals);
      const type = Object.hasOwn(table, name) ? table[name].type : undefined;
      if (type === undefined) {
        if (isNegation(name, table) && equals === -1) tokens.push(arg);
        else throw unknown(equals === -1 ? arg : arg.slice(0, equals));
      } else if (type === "boolean") {
        if (equals !== -1) throw new FerryError("usage", `--${name} takes no value`);
        // Spelled out: a bare one would swallow an argument that is called `true` or `false`.
        tokens.push(`--${name}=true`);
      } else if (equals !== -1) {
        tokens.push(arg);
      } else {
        tokens.push(`--${name}=${nextValue(argv, ++i, `--${name}`)}`);
      }
    } else if (arg.startsWith("-") && arg !== "-") {
      for (let j = 1; j < arg.length; j++) {
        const letter = arg[j];
        const name = byShort.get(letter);
        if (name === undefined) throw unknown("-" + letter);
        if (table[name].type === "boolean") {
          tokens.push(`--${name}=true`);
          continue;
        }
        const glued = arg.slice(j + 1).replace(/^=/, "");
        tokens.push(`--${name}=${arg.length > j + 1 ? glued : nextValue(argv, ++i, "-" + letter)}`);
        break;
      }
    } else {
      tokens.push(arg);
    }
  }
  return { tokens, rest: [] as string[] };
}

function isNegation(name: string, table: FlagTable): boolean {
  if (!name.startsWith("no-")) return false;
  const positive = name.slice(3);
  return Object.hasOwn(table, positive) && table[positive].type === "boolean";
}

function nextValue(argv: readonly string[], index: number, flag: string): string {
  if (index >= argv.length) throw new FerryError("usage", `${flag} needs a value`);
  return argv[index];
}

function unknownFlag(
  given: string,
  { table, foreign }: { table: FlagTable; foreign: ForeignFlags },
): FerryError {
  const nearest = nearestFlag(given.replace(/^-+/, ""), table);
  const hint = Object.hasOwn(foreign, given)
    ? foreign[given]
    : nearest === null
    ? "see --help"
    : `did you mean ${nearest}?`;
  return new FerryError("usage", `unknown flag ${quote(given)}; ${hint}`);
}

/** The flag whose name is most like `bare`; of one letter, the one in the other case. */
function nearestFlag(bare: string, table: FlagTable): string | null {
  const names = Object.keys(table);
  if (bare.length > 1) return names.length === 0 ? null : `--${closestString(bare, names)}`;
  const other = bare === bare.toLowerCase() ? bare.toUpperCase() : bare.toLowerCase();
  return names.some((name) => table[name].short === other) ? `-${other}` : null;
}

function readValue(name: string, flag: Flag, raw: unknown): unknown {
  if (flag.type === "boolean") return raw === true;
  const values = raw === undefined ? [] : (Array.isArray(raw) ? raw : [raw]).map(String);
  const checked = (text: string, check?: FlagCheck) => {
    const problem = check?.(text) ?? null;
    if (problem !== null) throw new FerryError("usage", `--${name} ${quote(text)}: ${problem}`);
    return text;
  };
  if (flag.type === "list") return values.map((text) => checked(text, flag.check));
  const text = values.at(-1);
  if (text === undefined) return flag.default;
  const wrong = (wanted: string) => new FerryError("usage", `--${name} ${quote(text)}: ${wanted}`);
  switch (flag.type) {
    case "string":
      if (flag.path && text === "") throw new FerryError("usage", `--${name} is empty`);
      if (flag.choices && !flag.choices.includes(text)) {
        throw wrong(`must be one of ${flag.choices.join(", ")}`);
      }
      return checked(text, flag.check);
    case "integer": {
      const number = /^-?\d+$/.test(text) ? Number(text) : NaN;
      if (!Number.isSafeInteger(number) || number < flag.min || number > flag.max) {
        throw wrong(`must be a whole number from ${flag.min} to ${flag.max}`);
      }
      return number;
    }
    case "size": {
      const bytes = parseSize(text);
      if (bytes === null) throw wrong("must be a size such as 4096, 64K, 10M or 2GiB");
      return bytes;
    }
    case "duration": {
      const ms = parseDuration(text);
      if (ms === null) throw wrong("must be a duration such as 500ms, 30s, 5m or 2h");
      return ms;
    }
    default:
      return assertNever(flag);
  }
}
