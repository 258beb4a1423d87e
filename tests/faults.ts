/**
 * What the tests of faults share: seeded chance, and a small world that goes from an old state to a new one, of which
 * every moment can be checked. `FERRY_FAULTS=full` runs each fault as often as a release needs it, at moments that are
 * others each time, `FERRY_FAULTS=few` a thirtieth of that, else a tenth; `FERRY_FAULT_SEED` runs what a failure printed
 * again.
 */
import { assert, assertEquals } from "@std/assert";
import { ENV, ferryCommand, type TempDir, treeDigest } from "./harness.ts";
import { assertNothing, exists, paths, sync } from "./sync_fixtures.ts";

const FAULTS = Deno.env.get("FERRY_FAULTS");
const FULL = FAULTS === "full";
export const SEED = Number(
  Deno.env.get("FERRY_FAULT_SEED") ?? (FULL ? crypto.getRandomValues(new Uint32Array(1))[0] : 1),
);

/** How many of `full` faults this run makes. */
export function faults(full: number): number {
  return FULL ? full : Math.ceil(full / (FAULTS === "few" ? 30 : 10));
}

/** Numbers from 0 to 1 that `seed` decides (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Content that no two paths or states share, and that does not shrink. */
function content(state: string, path: string, size: number): Uint8Array<ArrayBuffer> {
  const random = chance([...`${state} ${path}`].reduce((sum, c) => Math.imul(sum, 31) + c.charCodeAt(0), 7));
  const words = new Uint32Array(Math.ceil(size / 4)).map(() => random() * 2 ** 32);
  return new Uint8Array(words.buffer, 0, size);
}

/** Files of the old and the new state, by path, with their sizes. A size of another state is another content. */
interface Files {
  [path: string]: { size: number; state: "old" | "new" | "both" };
}

function oldAndNew(): { old: Files; fresh: Files } {
  const old: Files = {};
  const fresh: Files = {};
  for (let i = 0; i < 40; i++) {
    old[`kept/${i % 4}/same ${i}`] = fresh[`kept/${i % 4}/same ${i}`] = { size: 100 * i, state: "both" };
    old[`kept/${i % 4}/changed ${i}`] = { size: 50 * i + 1, state: "old" };
    fresh[`kept/${i % 4}/changed ${i}`] = { size: 60 * i + 2, state: "new" };
    fresh[`added/${i % 5}/deep/${i}`] = { size: 3000 * i, state: "new" };
    if (i < 20) old[`gone/${i % 3}/${i}`] = { size: 70 * i + 5, state: "old" };
  }
  // Renamed without a change of content.
  for (let i = 0; i < 10; i++) {
    old[`before/${i}`] = { size: 20_000 + i, state: "both" };
    fresh[`after/${i}`] = { size: 20_000 + i, state: "both" };
  }
  old["large same"] = fresh["large same"] = { size: 1_500_000, state: "both" };
  old["large changed"] = { size: 3_000_000, state: "old" };
  fresh["large changed"] = { size: 3_200_000, state: "new" };
  fresh["large new"] = { size: 4_000_000, state: "new" };
  // A file where a folder was, and the other way round.
  old["kind/a/inner"] = { size: 10, state: "old" };
  fresh["kind/a"] = { size: 11, state: "new" };
  old["kind/b"] = { size: 12, state: "old" };
  fresh["kind/b/inner"] = { size: 13, state: "new" };
  return { old, fresh };
}

/** The content of a file: renamed ones are called by their size, so that it is the same in both places. */
function bytesOf(path: string, { size, state }: Files[string]): Uint8Array<ArrayBuffer> {
  return content(state, /^(before|after)\//.test(path) ? String(size) : path, size);
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex?.() ??
    [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) =>
      b.toString(16).padStart(2, "0")
    )
      .join("");
}

function write(root: string, files: Files): void {
  for (const [path, file] of Object.entries(files)) {
    Deno.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeFileSync(`${root}/${path}`, bytesOf(path, file));
    const time = file.state === "old" ? 1_500_000_000 : 1_600_000_000;
    Deno.utimeSync(`${root}/${path}`, time, time);
  }
}

/** `src` with the new state, `old` to make `dst` from, below a temporary folder. */
export class World {
  readonly #dir: TempDir;
  readonly #known = new Map<string, Set<string>>();
  readonly #must = new Set<string>();
  #wanted = "";

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async make(dir: TempDir): Promise<World> {
    const world = new World(dir);
    const { old, fresh } = oldAndNew();
    for (const [name, files] of [["old", old], ["src", fresh]] as const) {
      Deno.mkdirSync(dir.at(name), { recursive: true });
      write(dir.at(name), files);
      for (const [path, file] of Object.entries(files)) {
        const known = world.#known.get(path) ?? new Set();
        known.add(await digest(bytesOf(path, file)));
        world.#known.set(path, known);
      }
    }
    for (const path of Object.keys(old)) if (Object.hasOwn(fresh, path)) world.#must.add(path);
    world.#wanted = await treeDigest(dir.at("src"));
    return world;
  }

  get src(): string {
    return this.#dir.at("src");
  }
  get dst(): string {
    return this.#dir.at("dst");
  }

  /** Makes `dst` what it was, without anything of Ferry's but the mark of a replica; with `empty`, nothing else at all. */
  reset(empty = false): void {
    for (const dir of [`${this.dst}/.ferry`, this.dst]) {
      for (const { name } of exists(dir) ? [...Deno.readDirSync(dir)] : []) {
        if (name !== "replica" && name !== ".ferry") Deno.removeSync(`${dir}/${name}`, { recursive: true });
      }
    }
    Deno.mkdirSync(this.dst, { recursive: true });
    if (empty) return;
    const { success } = new Deno.Command("cp", { args: ["-a", `${this.#dir.at("old")}/.`, this.dst] })
      .outputSync();
    assert(success);
  }

  /** Asserts that every path holds its old or its new content whole, and that none is missing that both states have. */
  async assertWhole(about: string, empty = false): Promise<void> {
    const there = new Set<string>();
    for (const path of paths(this.dst)) {
      if (path === ".ferry" || path.startsWith(".ferry/")) continue;
      const content = contentOf(`${this.dst}/${path}`);
      if (content === null) continue;
      there.add(path);
      assert(
        this.#known.get(path)?.has(await digest(content)),
        `${about}: ${path} is neither old nor new (${content.length} bytes)`,
      );
    }
    if (empty) return;
    for (const path of this.#must) assert(there.has(path), `${about}: ${path} is missing`);
  }

  /** Asserts that the next run with `args` completes, leaves nothing stale, and that one more has nothing to do. */
  async assertHeals(about: string, args: readonly string[]): Promise<void> {
    let run = await sync(args);
    // A server hears of a client that was killed a moment later.
    for (let i = 0; i < 50 && run.code === 42; i++) {
      await pause(100);
      run = await sync(args);
    }
    assertEquals([run.code, run.problems, run.stderr], [0, [], ""], about);
    assertEquals(await treeDigest(this.dst), this.#wanted, about);
    assertClean(this.dst, about);
    assertNothing(await sync(args));
    assertClean(this.dst, about);
  }
}

/** What is in the file `path`; null for what is none. A server ends a step whose client was killed: it may be gone by now. */
function contentOf(path: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Deno.lstatSync(path).isFile ? Deno.readFileSync(path) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What may stay in `.ferry/` after a run; no stage, no part of a file, no lock. */
const LASTING = /^\.ferry(\/(replica|trash(\/.*)?|index\.db(-wal|-shm)?))?$/;

/** Asserts that a run left nothing stale below `dir`. */
export function assertClean(dir: string, about: string): void {
  const stale = paths(dir).filter((path) => /(^|\/)\.ferry(\/|$)/.test(path) && !LASTING.test(path));
  assertEquals(stale, [], `${about}: left in .ferry`);
}

/** A run of `ferry sync` under way. */
export interface Running {
  kill(): void;
  /** Its exit status and stderr. */
  ended: Promise<{ code: number; stderr: string }>;
}

/** Starts `ferry sync ARGS`. */
export function start(args: readonly string[]): Running {
  const command = ferryCommand(["sync", ...args]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: ENV,
  }).spawn();
  const ended = child.output().then(({ code, stderr }) => ({
    code,
    stderr: new TextDecoder().decode(stderr),
  }));
  return {
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It was quicker.
      }
    },
    ended,
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
