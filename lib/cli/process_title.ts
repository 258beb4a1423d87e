/** The command line of this process, as `ps` and `/proc/PID/cmdline` show it to everybody on the machine. */

/** A part of an argument that others need not see. */
export interface SecretArgument {
  /** The argument, or the end of it: the value of a flag. */
  text: string;
  /** Which characters of it, from and up to. */
  from: number;
  to: number;
}

/** The passwords in those of `args` that are URLs. */
export function passwordsIn(args: readonly string[]): SecretArgument[] {
  return args.flatMap((text) => {
    // What follows the colon and is no port may be a password that should have been escaped.
    const match = /^((?:[a-z][a-z0-9+.-]*:[/\\]+)?[^/\\?#:@[]*:)([^/\\?#]*|(?!\d{0,5}(?:[/\\?#]|$))[^]*)@/i
      .exec(text);
    return match === null ? [] : [{ text, from: match[1].length, to: match[0].length - 1 }];
  });
}

/**
 * Puts stars in the place of `secrets`, where the system allows it (Linux); elsewhere they stay. What the program was given
 * is not changed by it. It should come early: until then everybody could read them.
 */
export function hideArguments(secrets: readonly SecretArgument[]): void {
  if (secrets.length === 0 || Deno.build.os !== "linux") return;
  try {
    const line = Deno.readFileSync("/proc/self/cmdline");
    const start = startOfArguments(Deno.readTextFileSync("/proc/self/stat"));
    using memory = Deno.openSync("/proc/self/mem", { write: true });
    for (const { at, length } of secretsIn(line, secrets)) {
      memory.seekSync(start + at, Deno.SeekMode.Start);
      memory.writeSync(new Uint8Array(length).fill("*".charCodeAt(0)));
    }
  } catch {
    // A system that does not have it, or forbids it.
  }
}

/** Where in `line`, arguments that each end in a zero, the secrets stand. Offsets and lengths in bytes. */
export function secretsIn(
  line: Uint8Array,
  secrets: readonly SecretArgument[],
): { at: number; length: number }[] {
  const encoder = new TextEncoder();
  const found: { at: number; length: number }[] = [];
  for (let start = 0; start < line.length;) {
    const zero = line.indexOf(0, start);
    const end = zero === -1 ? line.length : zero;
    for (const { text, from, to } of secrets) {
      const value = encoder.encode(text);
      const at = end - value.length;
      if (value.length === 0 || at < start || !value.every((byte, i) => line[at + i] === byte)) continue;
      const before = encoder.encode(text.slice(0, from)).length;
      found.push({ at: at + before, length: encoder.encode(text.slice(from, to)).length });
    }
    start = end + 1;
  }
  return found;
}

/** The address of the first argument: field 48 of proc_pid_stat(5). The second one may have spaces and parentheses. */
function startOfArguments(stat: string): number {
  const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[45]);
  if (!Number.isSafeInteger(start) || start <= 0) throw new RangeError("no arguments");
  return start;
}
