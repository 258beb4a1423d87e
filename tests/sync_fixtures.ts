/** What the black-box tests of `ferry sync` share: runs with their events, and the tree of odd names. */
import { assert, assertEquals } from "@std/assert";
import { ENV, ferry, ferryCommand, type RunOptions } from "./harness.ts";

/** One line of `--json`. */
export type Event = Record<string, unknown> & { event: string };

/** A run of `ferry sync --json`. */
export interface SyncRun {
  code: number;
  stderr: string;
  events: Event[];
  plan: Event | undefined;
  /** The lines of the changes, as `create path`. */
  changes: string[];
  /** The lines of the problems, as `code path`. */
  problems: string[];
  done: Event;
}

/** Runs `ferry sync --json ARGS`; its last event is `done`, whatever happened after the flags were read. */
export async function sync(args: readonly string[], options: RunOptions = {}): Promise<SyncRun> {
  const { code, stdout, stderr } = await ferry(["sync", "--json", ...args], options);
  const events = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Event);
  const named = (name: string) => events.filter(({ event }) => event === name);
  const [done] = named("done");
  assert(done !== undefined && events.at(-1) === done, `no done event, status ${code}: ${stderr}`);
  return {
    code,
    stderr,
    events,
    plan: named("plan")[0],
    changes: named("change").map(({ op, path }) => `${op} ${path}`),
    problems: named("problem").map(({ code, path }) => `${code} ${path}`),
    done,
  };
}

/** Asserts that `run` found nothing to do and did nothing. */
export function assertNothing(run: SyncRun): void {
  assertEquals([run.code, run.stderr, run.changes, run.problems], [0, "", [], []]);
  assertEquals(run.plan, { event: "plan", create: 0, update: 0, delete: 0, move: 0, bytes: 0 });
}

/** Every name that is likely to be mistreated, of files, folders and links; no two alike on any file system here. */
export const ODD_NAMES: readonly string[] = [
  "spaces in  it",
  " leading",
  "trailing ",
  "new\nline",
  "tab\tand\rreturn",
  "-rf",
  "--delete",
  "'single'",
  '"double"',
  "`back`$(touch x)",
  "back\\slash",
  "\\..\\up",
  "percent%2e%2e%2f",
  "hash#query?semi;",
  "colon:star*<pipe>|",
  "con",
  "NUL.txt",
  "caf\u00e9 NFC",
  "cafe\u0301 NFC",
  "\u00c5",
  "A\u030a",
  "\u212b",
  "\u{1f600}\u{1f468}\u200d\u{1f469}",
  "\u202eright to left",
  "\ufeffbom",
  "\u0001control\u007f",
  "...",
  "..two dots",
  ".hidden",
  ".ferryx",
  ".FERRY",
  "~",
  "~user",
  "name.ferry-part",
  "n".repeat(255),
  "\u00e9".repeat(127),
  "__proto__",
  "constructor",
];

/** Fills `dir` with odd names, kinds, modes and times. */
export function makeOddTree(dir: string): void {
  const at = (path: string) => `${dir}/${path}`;
  Deno.mkdirSync(at("files"));
  for (const [index, name] of ODD_NAMES.entries()) {
    Deno.writeTextFileSync(at(`files/${name}`), name);
    Deno.utimeSync(at(`files/${name}`), 1e9, new Date(1_600_000_000_000 + index * 1001));
  }
  for (const name of ODD_NAMES.slice(0, 12)) {
    Deno.mkdirSync(at(`folders/${name}/empty`), { recursive: true });
    Deno.writeTextFileSync(at(`folders/${name}/f`), name);
    Deno.mkdirSync(at("links"), { recursive: true });
    Deno.symlinkSync(name, at(`links/${name}`));
  }
  Deno.mkdirSync(at("deep/" + Array.from({ length: 60 }, (_, i) => `level ${i}`).join("/")), {
    recursive: true,
  });
  Deno.mkdirSync(at("empty"));
  Deno.writeTextFileSync(at("empty file"), "");
  Deno.writeFileSync(at("large"), new Uint8Array(3_000_001).map((_, i) => i * 7 >> 2));
  Deno.writeFileSync(at("exactly 1 MiB"), new Uint8Array(1024 * 1024).fill(1));
  const links: Record<string, string> = {
    "dangling": "no such thing",
    "to folder": "folders",
    "loop": "loop",
    "absolute": "/etc/hostname",
    "out": "../../../../etc",
    "self": ".",
    "odd": "new\nline\u202e",
  };
  for (const [name, target] of Object.entries(links)) Deno.symlinkSync(target, at(`links/${name}`));
  for (const mode of [0o600, 0o755, 0o444, 0o400, 0o777, 0o401]) {
    Deno.writeTextFileSync(at(`mode ${mode.toString(8)}`), "m");
    Deno.chmodSync(at(`mode ${mode.toString(8)}`), mode);
  }
  for (
    const [index, ms] of [
      -86_400_000,
      0,
      1,
      999,
      1_700_000_000_123,
      4_000_000_000_000,
    ].entries()
  ) {
    Deno.writeTextFileSync(at(`time ${index}`), "t");
    Deno.utimeSync(at(`time ${index}`), new Date(ms), new Date(ms));
  }
  for (const mode of [0o700, 0o555, 0o500]) {
    const path = at(`folder ${mode.toString(8)}`);
    Deno.mkdirSync(path);
    Deno.writeTextFileSync(`${path}/in it`, "x");
    Deno.chmodSync(path, mode);
    Deno.utimeSync(path, new Date(1_234_567_890_123), new Date(1_234_567_890_123));
  }
}

// Root without any capability: an owner like others, who can still read the program and its modules.
const DROP = ["--inh-caps=-all", "--bounding-set=-all"];

/** Whether a command can be run without the rights of root; tells the test's output when not. */
export function canDropRights(): boolean {
  const possible = Deno.uid() === 0 && works("setpriv", [...DROP, "true"]);
  if (!possible) console.log("skipped: not root, or no setpriv");
  return possible;
}

function works(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Runs `ferry ARGS` as one to whom permissions apply. */
export async function ferryWithoutRights(
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = ferryCommand(args);
  const output = await new Deno.Command("setpriv", {
    args: [...DROP, command.path, ...command.args],
    stdin: "null",
    env: ENV,
  }).output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

/** Gives `path` away to somebody else, with `mode`. */
export function giveAway(path: string, mode: number): void {
  Deno.chownSync(path, 65534, 65534);
  Deno.chmodSync(path, mode);
}

/** A small file system of its own at `dir` while it is in use; null where that is not possible, said in the output. */
export function mountTmpfs(dir: string, options: string): Disposable | null {
  if (Deno.uid() !== 0 || !works("mount", ["-t", "tmpfs", "-o", options, "tmpfs", dir])) {
    console.log("skipped: a file system can only be mounted by root");
    return null;
  }
  return { [Symbol.dispose]: () => void works("umount", ["-l", dir]) };
}

/** What a run leaves for good in `.ferry/`: old versions, and the mark of a replica. */
const LASTING: ReadonlySet<string> = new Set(["trash", "replica"]);

/** Every path below `dir`, sorted; of `.ferry` only what lasts no longer than its run. */
export function paths(dir: string): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    const state = /(^|\/)\.ferry\/$/.test(path);
    for (const { name, isDirectory } of Deno.readDirSync(`${dir}/${path}`)) {
      if (state && LASTING.has(name)) continue;
      const inner = found.length;
      if (isDirectory) visit(`${path}${name}/`);
      const lasting = name === ".ferry" && found.length === inner && holdsLasting(`${dir}/${path}${name}`);
      if (!lasting) found.push(path + name);
    }
  };
  visit("");
  return found.sort();
}

/** Empties a destination, as a user would who leaves `.ferry/` alone. */
export function empty(dir: string): void {
  for (const { name } of [...Deno.readDirSync(dir)]) {
    if (name !== ".ferry") Deno.removeSync(`${dir}/${name}`, { recursive: true });
  }
}

function holdsLasting(state: string): boolean {
  return [...Deno.readDirSync(state)].some(({ name }) => LASTING.has(name));
}

/** Content that is like no other, so that nothing of it is found elsewhere. */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

/** Whether anything is at `path`, a dangling link included. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
