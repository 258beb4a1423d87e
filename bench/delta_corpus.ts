/**
 * Pairs of files, an old version and a new one, made from a seed and kept in the cache folder: what a delta is
 * measured with.
 */
import { seeded } from "./seeded.ts";
import { DatabaseSync } from "node:sqlite";
import { cacheFolder } from "./corpus.ts";
import { runWell } from "./process.ts";

/** Two versions of a file. */
export interface Pair {
  old: string;
  new: string;
}

/** What the pairs are, by name. */
export type PairName = "edits" | "binary" | "sqlite" | "tar" | "log";

/** How the pair `name` is made into the files `old` and `new` of a folder. */
const MAKERS: Record<PairName, (dir: string) => Promise<void> | void> = {
  edits: makeEdits,
  binary: makeBinary,
  sqlite: makeSqlite,
  tar: makeTar,
  log: makeLog,
};

/** Changed with what the makers do, so that an old cache is not taken. */
const EDITION = 2;

/** The two files of a pair; makes them when they are not in the cache. */
export async function filePair(name: PairName, say: (text: string) => void): Promise<Pair> {
  const dir = `${cacheFolder()}/pair-${name}-${EDITION}`;
  const pair = { old: `${dir}/old`, new: `${dir}/new` };
  if (exists(pair.new)) return pair;
  say(`making the pair ${name} in ${dir}`);
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const work = Deno.makeTempDirSync({ dir: cacheFolder(), prefix: "making-" });
  try {
    await MAKERS[name](work);
    Deno.mkdirSync(dir, { recursive: true });
    Deno.renameSync(`${work}/old`, pair.old);
    Deno.renameSync(`${work}/new`, pair.new);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
  return pair;
}

function randomBytes(bytes: number, next: () => number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = next();
  return new Uint8Array(words.buffer, 0, bytes);
}

/** 512 MB of random bytes; 450 edits of 1 to 4 KB: 4/9 inserts, 4/9 overwrites, 1/9 deletions. */
function makeEdits(dir: string): void {
  const next = seeded(0x5eed);
  const size = 512_000_000, edits = 450;
  const old = randomBytes(size, next);
  const places = Array.from({ length: edits }, () => next() % (size - 4096)).sort((a, b) => a - b);
  writeAll(`${dir}/old`, [old]);
  const parts: Uint8Array[] = [];
  let at = 0;
  places.forEach((place, index) => {
    const start = Math.max(at, place), length = 1024 + next() % 3073;
    parts.push(old.subarray(at, start));
    const kind = index % 9;
    if (kind < 8) parts.push(randomBytes(length, next));
    at = kind < 4 ? start : start + length;
  });
  writeAll(`${dir}/new`, [...parts, old.subarray(at)]);
}

/** The binaries of two successive releases of Deno, from the npm registry. */
async function makeBinary(dir: string): Promise<void> {
  for (const [name, version] of [["old", "2.9.5"], ["new", "2.9.6"]]) {
    const prefix = `${dir}/${version}`;
    Deno.mkdirSync(prefix);
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", "--prefix", prefix];
    await runWell({ path: "npm", args: [...args, `@deno/linux-x64-glibc@${version}`] });
    Deno.renameSync(`${prefix}/node_modules/@deno/linux-x64-glibc/deno`, `${dir}/${name}`);
  }
}

/** A database of 600,000 rows, about 66 MB; 1 % of them updated at random. */
function makeSqlite(dir: string): void {
  const next = seeded(0xdb);
  const words = Array.from(
    { length: 4000 },
    () => (next() * 4294967296 + next()).toString(36).slice(0, 3 + next() % 7),
  );
  const word = () => words[next() % words.length];
  const rows = 600_000;
  const file = `${dir}/old`;
  let db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = OFF; PRAGMA page_size = 4096");
  db.exec(
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, owner TEXT, note TEXT, amount REAL, changed INTEGER)",
  );
  db.exec("BEGIN");
  const insert = db.prepare("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)");
  for (let id = 1; id <= rows; id++) {
    const note = Array.from({ length: 5 + next() % 7 }, word).join(" ");
    insert.run(
      id,
      `${word()}-${word()}`,
      `${word()}@${word()}.org`,
      note,
      next() / 1e6,
      1_700_000_000 + next() % 1e7,
    );
  }
  db.exec("COMMIT");
  db.close();
  Deno.copyFileSync(file, `${dir}/new`);
  db = new DatabaseSync(`${dir}/new`);
  db.exec("PRAGMA journal_mode = OFF; BEGIN");
  const update = db.prepare("UPDATE item SET amount = ?, changed = ? WHERE id = ?");
  for (let i = 0; i < rows / 100; i++) {
    update.run(next() / 1e6, 1_720_000_000 + next() % 1e7, 1 + next() % rows);
  }
  db.exec("COMMIT");
  db.close();
}

/** /usr/share/doc as a tar, made twice, with another time in every header. */
async function makeTar(dir: string): Promise<void> {
  for (const [name, time] of [["old", "@1700000000"], ["new", "@1712345678"]]) {
    const args = [
      "--sort=name",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      `--mtime=${time}`,
      "-C",
      "/usr/share",
    ];
    await runWell({ path: "tar", args: [...args, "-cf", `${dir}/${name}`, "doc"] });
  }
}

/** A log of 200 MB that grew by 1 %. */
function makeLog(dir: string): void {
  const next = seeded(0x109);
  let time = 1_700_000_000_000;
  const lines = (bytes: number) => {
    const parts: string[] = [];
    for (let length = 0; length < bytes;) {
      time += next() % 50;
      const address = `10.${next() % 256}.${next() % 256}.${next() % 256}`;
      const path = `/api/v1/${["items", "users", "orders", "search"][next() % 4]}/${next() % 100_000}`;
      const line = `${new Date(time).toISOString()} ${address} GET ${path} 200 ${next() % 50_000} ${
        next() % 900
      }ms\n`;
      parts.push(line);
      length += line.length;
    }
    return new TextEncoder().encode(parts.join(""));
  };
  const old = lines(200_000_000);
  writeAll(`${dir}/old`, [old]);
  writeAll(`${dir}/new`, [old, lines(2_000_000)]);
}

function writeAll(path: string, parts: readonly Uint8Array[]): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
