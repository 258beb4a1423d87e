/** `--config FILE` of the commands whose file says what flags say, under the flags' own names. */
import type { Flag, FlagTable, Parsed } from "../flags.ts";
import { ConfigFile, isReadByOthers, readConfigText } from "./config_file.ts";
import type { Keys } from "./shape.ts";

/** Flags that are about one start of the program. */
const LINE_FLAGS: readonly string[] = ["help", "version", "config"];

/** Flags whose values nobody else may read. */
const SECRETS: readonly string[] = ["user", "token", "src-token", "dst-token"];

/** The keys of a file that are the flags `names` of `table`. */
export function flagKeys(table: FlagTable, names: readonly string[]): Keys {
  return Object.fromEntries(
    names.map((name) => [name, { shape: { kind: "flag", flag: table[name] }, about: aboutKey(table[name]) }]),
  );
}

/** What a flag's key says of itself. */
export function aboutKey(flag: Flag): string {
  // On a command line such a flag is given as --no-NAME, and that is what its words are about.
  if (flag.type === "boolean" && flag.default) return `When false: ${flag.about}`;
  return flag.about.slice(0, 1).toUpperCase() + flag.about.slice(1);
}

/**
 * `line`, read by `table`, with what its `--config` says where the line says nothing; of a flag that may be repeated,
 * the file's values come first. Throws `usage` with every mistake, line and column named.
 */
export function withFlagFile<T extends FlagTable>(line: Parsed<T>, table: T): Parsed<T> {
  const flags = line.flags as Record<string, unknown>;
  const path = flags.config as string | undefined;
  if (path === undefined) return line;
  const keys = flagKeys(table, Object.keys(table).filter((name) => !LINE_FLAGS.includes(name)));
  const file = new ConfigFile<Record<string, unknown>>(path, readConfigText(path), {
    kind: "object",
    keys: {
      ...keys,
      $schema: {
        shape: { kind: "text", what: "the URL of a schema" },
        about: "For editors; it means nothing here",
      },
    },
  });
  const isSecret = (name: string) => {
    const flag = table[name];
    if (flag.type !== "list" || flag.isSecret === undefined) return SECRETS.includes(name);
    return (file.value[name] as string[] | undefined)?.some(flag.isSecret);
  };
  for (const name of Object.keys(keys)) {
    if (file.says([name]) && isSecret(name) && isReadByOthers(path)) {
      file.say([name], `"${name}" can be read by other users of this machine: chmod 600 the file`);
    }
  }
  file.demandRight();
  const { $schema: _, ...said } = file.value;
  const merged: Record<string, unknown> = { ...flags };
  for (const [name, value] of Object.entries(said)) {
    if (table[name].type === "list") merged[name] = [...value as string[], ...flags[name] as string[]];
    else if (!line.given.has(name)) merged[name] = value;
  }
  return {
    ...line,
    flags: merged as Parsed<T>["flags"],
    given: new Set([...line.given, ...Object.keys(said)]),
  };
}
