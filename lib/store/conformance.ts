/**
 * The one suite that every Store passes. A backend's test file calls `testStore` with a way to make a store over a
 * folder; what the store does is then looked at in that folder itself.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Entry, ProblemCode } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { SMALL_FILE_BYTES } from "../wire/limits.ts";
import type { Operation, Outcome } from "../wire/messages.ts";
import type { FileFrame } from "../wire/pack.ts";
import type { Content } from "../wire/stream.ts";
import { testMoves } from "./conformance_moves.ts";
import type { Store } from "./store.ts";

/** A store under test, and what has to end with it. */
export interface OpenStore extends AsyncDisposable {
  store: Store;
}

/** Makes a store over `name`, a path below the real folder `root`, which may not be there yet. */
export type MakeStore = (root: string, name: string) => OpenStore | Promise<OpenStore>;

const HOLDER = { source: "a test", host: "here", pid: 1, since: 0 };

interface Bench {
  store: Store;
  /** The folder that the store is over. */
  at(path?: string): string;
  /** A path beside it, outside of the store. */
  outside(path: string): string;
}

const NAMES = [
  "a b",
  " lead",
  "trail ",
  "new\nline",
  "tab\t",
  "quote'\"`",
  "back\\slash",
  "-dash",
  "#hash?query%41",
  "é",
  "e\u0301",
  "😀",
  "con",
  ".hidden",
  "...",
  "[x]{y}*",
  "\u202eevil",
  "\x01",
  "n".repeat(255),
];

const encode = (text: string) => new TextEncoder().encode(text);

function frame(index: number, text: string, mode = 0o644, mtime = 1_500_000_000_123): FileFrame {
  return { kind: "file", index, mtime, mode, content: encode(text) };
}

/** Content from memory; `size` when it lies about it. */
function content(bytes: Uint8Array, options: { size?: number; outcome?: Outcome } = {}): Content {
  let given = 0;
  return {
    kind: "content",
    meta: { size: options.size ?? bytes.length, mtime: 1_500_000_000_123, mode: 0o640 },
    next: () => {
      if (given === bytes.length) return null;
      const chunk = bytes.slice(given, given += 300_000);
      given = Math.min(given, bytes.length);
      return chunk;
    },
    outcome: () => options.outcome ?? null,
    [Symbol.dispose]() {},
  };
}

async function take(content: Content): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let chunk = await content.next(); chunk !== null; chunk = await content.next()) {
    parts.push(chunk.slice());
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

function write(path: string, text: string | Uint8Array, mtime = 1_500_000_000_123): void {
  Deno.writeFileSync(path, typeof text === "string" ? encode(text) : text);
  Deno.utimeSync(path, new Date(mtime), new Date(mtime));
}

/** What lies in a folder, `.ferry` included. */
/** The names in a folder but those of old versions, which stay. */
function list(path: string): string[] {
  const lasting = (name: string) => name === ".ferry" && onlyTrash(`${path}/${name}`);
  return [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => !lasting(name)).sort();
}

function onlyTrash(state: string): boolean {
  const names = [...Deno.readDirSync(state)].map(({ name }) => name);
  return names.length > 0 && names.every((name) => name === "trash" || name === "replica");
}

const code = (outcome: Outcome): ProblemCode | null => outcome === null ? null : outcome.code;

/** Registers the suite's tests for the backend `name`. */
export function testStore(name: string, make: MakeStore): void {
  const test = (title: string, run: (bench: Bench) => Promise<void>, folder: string | null = "place") => {
    Deno.test(`${name} ${title}`, async () => {
      const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-store-" }));
      try {
        if (folder !== null) Deno.mkdirSync(`${root}/${folder}`);
        await using open = await make(root, folder ?? "place");
        const base = `${root}/${folder ?? "place"}`;
        await run({
          store: open.store,
          at: (path = "") => path === "" ? base : `${base}/${path}`,
          outside: (path) => `${root}/${path}`,
        });
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    });
  };

  test("kind() tells a folder, a file and nothing apart", async ({ store, outside }) => {
    assertEquals(await store.kind(), "dir");
    Deno.writeTextFileSync(outside("file"), "x");
    await using file = await make(outside("").slice(0, -1), "file");
    assertEquals(await file.store.kind(), "file");
    await using absent = await make(outside("").slice(0, -1), "none/deep");
    assertEquals(await absent.store.kind(), "absent");
  });

  test("scan() gives every path with its kind, size, time and mode, parents first", async ({ store, at }) => {
    Deno.mkdirSync(at("d/empty"), { recursive: true });
    write(at("d/f"), "hello", -86_400_000);
    Deno.chmodSync(at("d/f"), 0o751);
    Deno.symlinkSync("../../nowhere é", at("d/link"));
    Deno.mkdirSync(at("d/.ferry/stage"), { recursive: true });
    Deno.mkdirSync(at(".ferry"));
    write(at(".ferry/index"), "state");
    Deno.chmodSync(at("d/empty"), 0o700);
    Deno.utimeSync(at("d/empty"), new Date(1234), new Date(1234));
    const tree = await store.scan();
    assertEquals([...tree.keys()].sort(), ["d", "d/empty", "d/f", "d/link"]);
    assertEquals([...tree.keys()][0], "d");
    assertEquals(tree.get("d/empty"), { kind: "dir", mode: 0o700, mtime: 1234 });
    assertEquals(tree.get("d/f"), { kind: "file", size: 5, mode: 0o751, mtime: -86_400_000 });
    const link = tree.get("d/link") as Entry & { kind: "symlink" };
    assertEquals([link.kind, link.target], ["symlink", "../../nowhere é"]);
  });

  test("scan() gives digests when asked", async ({ store, at }) => {
    write(at("f"), "hello");
    const file = (await store.scan({ checksum: true })).get("f") as Entry & { kind: "file" };
    assertEquals(file.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  });

  test("scan() leaves out what its filter hides, and does not tell of it", async ({ store, at }) => {
    for (const path of ["a/skip/deep/f", "a/keep", "skip/g", "z"]) {
      Deno.mkdirSync(at(path).replace(/\/[^/]*$/, ""), { recursive: true });
      write(at(path), "x");
    }
    const told: string[] = [];
    const asked: string[] = [];
    const hides = (path: string) => {
      asked.push(path);
      return /(^|\/)(skip|z)$/.test(path);
    };
    const tree = await store.scan({ filter: { hides }, onFile: (path) => told.push(path) });
    assertEquals([...tree.keys()].sort(), ["a", "a/keep"]);
    assertEquals(told, ["a/keep"]);
    // Nothing below is asked about, and nothing twice.
    assertEquals(asked.sort(), ["a", "a/keep", "a/skip", "skip", "z"]);
  });

  test("scan() gives the text of filter files before what lies beside them", async ({ store, at }) => {
    Deno.mkdirSync(at("d/e"), { recursive: true });
    // Enough for a listing in parts.
    for (let i = 0; i < 2500; i++) write(at(`d/${i}`), "");
    write(at("d/.ferryignore"), "é\n*.log");
    Deno.mkdirSync(at(".ferryignore"));
    write(at("d/e/.ferryignore"), "bad");
    write(at("d/e/f"), "");
    const seen: string[] = [];
    const tree = await store.scan({
      filter: {
        rules: (dir, text) => {
          seen.push(`${dir}: ${text}`);
          return text === "bad" ? "it is bad" : null;
        },
        hides: (path) => (seen.push(path), false),
      },
    });
    assertEquals(seen.filter((path) => path === "d" || path.startsWith("d")).slice(0, 2), [
      "d",
      "d: é\n*.log",
    ]);
    assertEquals(seen.filter((line) => line.startsWith("d/e")), ["d/e", "d/e: bad"]);
    // One that cannot be used makes its folder one that cannot be read.
    assertEquals(tree.get("d/e"), {
      kind: "problem",
      code: "unreadable",
      message: ".ferryignore: it is bad",
    });
    assertEquals([tree.size, tree.has("d/e/f")], [2504, false]);
  });

  test("scan() makes a folder whose filter file is too large a problem", async ({ store, at }) => {
    Deno.mkdirSync(at("d"));
    write(at("d/.ferryignore"), "#".repeat(64 * 1024 + 1));
    write(at("d/f"), "");
    const tree = await store.scan({ filter: { rules: () => null, hides: () => false } });
    assertEquals([...tree.keys()], ["d"]);
    assertEquals(tree.get("d"), {
      kind: "problem",
      code: "unreadable",
      message: "d/.ferryignore: it is larger than 64 KiB",
    });
    assertEquals((await store.scan()).size, 3);
  });

  test("scan() makes what cannot be replicated a problem and goes on", async ({ store, at }) => {
    write(at("good"), "x");
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    // Bytes that are not UTF-8 cannot be spelt from here.
    new Deno.Command("sh", { args: ["-c", `cd "$1" && : > "$(printf 'bad\\377name')"`, "sh", at()] })
      .outputSync();
    new Deno.Command("sh", { args: ["-c", `cd "$1" && ln -s "$(printf 'to\\377')" l`, "sh", at()] })
      .outputSync();
    const tree = await store.scan();
    const problems = [...tree].filter(([, entry]) => entry.kind === "problem");
    assertEquals(problems.map(([path, entry]) => [path, entry.kind === "problem" && entry.code]).sort(), [
      ["bad\ufffdname", "not_utf8"],
      ["l", "not_utf8"],
      ["pipe", "unsupported_kind"],
    ]);
    assertEquals(tree.get("good")?.kind, "file");
  });

  test("scan() of nothing is refused, and makes nothing", async ({ store, outside }) => {
    await assertRejects(() => store.scan(), FerryError);
    assertEquals(list(outside("")), []);
  }, null);

  test("carries every name that UTF-8 can spell", async ({ store, at }) => {
    const session = await store.write();
    assertEquals(
      (await session.stage(NAMES.map((name, index) => frame(index, name)))).map(code),
      NAMES.map(() => null),
    );
    const operations = NAMES.map((path, stage): Operation => (
      { op: "file", path, stage, mode: 0o644, mtime: 1_500_000_000_123, expect: null }
    ));
    assertEquals((await session.commit(operations)).map(code), NAMES.map(() => null));
    await session.close();
    assertEquals(list(at()), [...NAMES].sort());
    assertEquals([...(await store.scan()).keys()].sort(), [...NAMES].sort());
    using files = await store.read(NAMES);
    assertEquals(
      files.frames.map((one) => one.kind === "file" ? new TextDecoder().decode(one.content) : one.code),
      NAMES,
    );
    const opened = await store.open("#hash?query%41");
    assert(opened.kind === "content");
    assertEquals(await take(opened), encode("#hash?query%41"));
    opened[Symbol.dispose]();
  });

  test("read() gives small files in order, and problems for those that it cannot give", async (bench) => {
    const { store, at, outside } = bench;
    write(at("a"), "first");
    Deno.chmodSync(at("a"), 0o604);
    write(at("empty"), "");
    Deno.mkdirSync(at("dir"));
    write(outside("secret"), "secret");
    Deno.symlinkSync(outside("secret"), at("out"));
    Deno.mkdirSync(outside("other"));
    write(outside("other/f"), "secret");
    Deno.symlinkSync("../other", at("way"));
    Deno.symlinkSync("a", at("in"));
    using files = await store.read(["a", "gone", "dir", "out", "way/f", "in", "empty", "a/below"]);
    assertEquals(files.frames.map((one, index) => one.index === index), Array(8).fill(true));
    assertEquals(files.frames[0], {
      kind: "file",
      index: 0,
      mtime: 1_500_000_000_123,
      mode: 0o604,
      content: encode("first"),
    });
    assertEquals(
      files.frames.map((one) => one.kind === "problem" ? one.code : one.content.length),
      [5, "vanished", "changed", "changed", "vanished", "changed", 0, "vanished"],
    );
  });

  test("read() takes as many files as a pack may hold, of any size a small one may have", async ({ store, at }) => {
    const names = Array.from({ length: 500 }, (_, i) => `f${i}`);
    for (const [index, path] of names.entries()) write(at(path), `${index}`.repeat(index));
    write(at("large"), new Uint8Array(SMALL_FILE_BYTES).fill(7));
    using files = await store.read([...names, "large"]);
    for (const [index, one] of files.frames.entries()) {
      assert(one.kind === "file" && one.index === index);
      const expected = index === 500 ? SMALL_FILE_BYTES : `${index}`.length * index;
      assertEquals(one.content.length, expected);
      if (index < 500) assertEquals(new TextDecoder().decode(one.content), `${index}`.repeat(index));
    }
  });

  test("open() gives a file of any size piece by piece", async ({ store, at }) => {
    const bytes = new Uint8Array(3_333_333).map((_, index) => index * 31 >> 3);
    write(at("big"), bytes, 77);
    Deno.chmodSync(at("big"), 0o600);
    const opened = await store.open("big");
    assert(opened.kind === "content");
    assertEquals(opened.meta, { size: bytes.length, mtime: 77, mode: 0o600 });
    assertEquals(await take(opened), bytes);
    assertEquals(opened.outcome(), null);
    opened[Symbol.dispose]();
  });

  test("open() has a problem for what is no file below the root", async ({ store, at, outside }) => {
    Deno.mkdirSync(at("dir"));
    write(outside("secret"), "secret");
    Deno.symlinkSync(outside("secret"), at("out"));
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    for (const path of ["gone", "dir", "out", "pipe", "gone/deep"]) {
      const opened = await store.open(path);
      assertEquals([path, opened.kind], [path, "problem"]);
    }
  });

  test("open() says of a file that grew or shrank meanwhile that it changed", async ({ store, at }) => {
    for (
      const change of [
        (path: string) => write(path, new Uint8Array(40_000_001)),
        (path: string) => Deno.truncateSync(path, 10),
      ]
    ) {
      write(at("log"), new Uint8Array(40_000_000));
      const opened = await store.open("log");
      assert(opened.kind === "content");
      await opened.next();
      change(at("log"));
      try {
        await take(opened);
        assertEquals(opened.outcome()?.code, "changed");
      } catch (error) {
        // A server can only break off; what has become of the file is found out by opening it again.
        assertEquals((error as FerryError).code, "partial_transfer");
      }
      opened[Symbol.dispose]();
    }
  });

  test("open() leaves out the beginning of a file that is still the same version", async ({ store, at }) => {
    const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7 >> 3);
    write(at("f"), bytes, 5000);
    const point = { size: bytes.length, mtime: 5000 };
    for (const offset of [0, 1, 1_500_000, 3_000_000]) {
      const opened = await store.open("f", { ...point, offset });
      assert(opened.kind === "content");
      assertEquals([opened.meta.size, opened.rest?.offset ?? 0], [bytes.length, offset]);
      if (opened.rest?.kind === "peer") opened.rest.seed(bytes.subarray(0, offset));
      if (opened.rest?.kind === "local") {
        let left = 0;
        await opened.rest.beginning((part) => void (left += part.length));
        assertEquals(left, offset);
      }
      assertEquals(await take(opened), bytes.slice(offset));
      assertEquals(opened.outcome(), null);
      opened[Symbol.dispose]();
    }
    for (const other of [{ size: 2_999_999 }, { mtime: 5001 }, { offset: 3_000_001 }]) {
      const opened = await store.open("f", { ...point, offset: 1, ...other });
      assertEquals([opened.kind, opened.kind === "problem" && opened.code], ["problem", "changed"]);
    }
  });

  test("stageContent() goes on where it broke off, and begins anew when that does not fit", async ({ store, at }) => {
    const bytes = new Uint8Array(5_000_000).map((_, i) => i * 11 >> 3);
    const version = { path: "big", size: bytes.length, mtime: 1_500_000_000_123 };
    await store.lock(HOLDER);
    const broken = async () => {
      const session = await store.write();
      assertEquals(await session.resumable(version), 0);
      let given = 0;
      const breaking: Content = {
        ...content(bytes),
        next: () => {
          if (given >= 3_000_000) throw new Error("the connection broke");
          return bytes.slice(given, given += 300_000);
        },
      };
      await assertRejects(() => session.stageContent(0, breaking, "big"));
      await session.close({ broken: true });
    };
    await broken();
    const session = await store.write();
    const offset = await session.resumable(version);
    assert(offset > 0 && offset <= 3_000_000, String(offset));
    assertEquals(await session.resumable({ ...version, mtime: 5 }), 0);
    const rest = (of: Uint8Array): Content => ({
      ...content(of.subarray(offset)),
      meta: { size: of.length, mtime: version.mtime, mode: 0o440 },
      rest: {
        kind: "local",
        offset,
        beginning: (take) => Promise.resolve(take(of.subarray(0, offset))),
      },
    });
    assertEquals(code(await session.stageContent(1, rest(bytes), "big")), null);
    assertEquals(await session.resumable(version), bytes.length);
    const put = (path: string, stage: number): Operation[] => [
      { op: "file", path, stage, mode: 0o440, mtime: 1000, expect: null },
    ];
    assertEquals((await session.commit(put("big", 1))).map(code), [null]);
    assertEquals(Deno.readFileSync(at("big")), bytes);
    // Nothing is there any more to go on with.
    assertEquals(code(await session.stageContent(2, rest(bytes), "big")), "missing");
    await session.close();
    Deno.removeSync(at("big"));
    await broken();
    await store.lock(HOLDER);
    await store.unlock();
    assertEquals(list(at()), []);
  });

  test(
    "write() makes a folder that is not there, with its parents, once something is written",
    async (bench) => {
      const session = await bench.store.write();
      assertEquals(
        (await session.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }])).map(code),
        [null],
      );
      await session.close();
      assertEquals(list(bench.at()), ["d"]);
    },
    null,
  );

  test("writes files, folders and links with modes and times, and leaves no stage", async ({ store, at }) => {
    const session = await store.write();
    const stages = await session.stage([frame(3, "seven", 0o755), frame(9, "", 0o400, -5000)]);
    assertEquals(stages.map(code), [null, null]);
    assertEquals(code(await session.stageContent(4, content(new Uint8Array(2_000_000).fill(1)))), null);
    assertEquals(
      list(at()).filter((name) => name !== ".ferry"),
      [],
      "nothing is visible before its operation",
    );
    const outcomes = await session.commit([
      { op: "mkdir", path: "d", mode: 0o555, expect: null },
      { op: "mkdir", path: "d/e", mode: 0o700, expect: null },
      { op: "file", path: "d/f", stage: 3, mode: 0o755, mtime: 1_500_000_000_123, expect: null },
      { op: "file", path: "d/e/empty", stage: 9, mode: 0o400, mtime: -5000, expect: null },
      { op: "file", path: "big", stage: 4, mode: 0o604, mtime: 999, expect: null },
      { op: "symlink", path: "d/l", target: "../../out there", mtime: 1_400_000_000_456, expect: null },
      { op: "symlink", path: "old link", target: "x", mtime: -5000, expect: null },
      { op: "meta", path: "d/e", mode: 0o500, mtime: 1001, expect: { kind: "dir" } },
      { op: "meta", path: "d", mode: 0o555, mtime: 2002, expect: { kind: "dir" } },
    ]);
    assertEquals(outcomes.map(code), Array(9).fill(null));
    await session.close();
    const tree = await store.scan();
    assertEquals(Object.fromEntries(tree), {
      "d": { kind: "dir", mode: 0o555, mtime: 2002 },
      "d/e": { kind: "dir", mode: 0o500, mtime: 1001 },
      "d/f": { kind: "file", size: 5, mode: 0o755, mtime: 1_500_000_000_123 },
      "d/e/empty": { kind: "file", size: 0, mode: 0o400, mtime: -5000 },
      "big": { kind: "file", size: 2_000_000, mode: 0o604, mtime: 999 },
      "d/l": { kind: "symlink", target: "../../out there", mtime: 1_400_000_000_456 },
      "old link": { kind: "symlink", target: "x", mtime: -5000 },
    });
    assertEquals(list(at()), ["big", "d", "old link"]);
  });

  test("replaces things of every kind by things of every other", async ({ store, at }) => {
    const version = async (path: string) => {
      const entry = (await store.scan()).get(path)!;
      return entry.kind === "file"
        ? { kind: "file" as const, size: entry.size, mtime: entry.mtime }
        : entry.kind === "symlink"
        ? { kind: "symlink" as const, target: entry.target }
        : { kind: "dir" as const };
    };
    const session = await store.write();
    const kinds = ["file", "dir", "symlink"] as const;
    let stage = 0;
    for (const from of kinds) {
      for (const to of kinds) {
        const path = `${from} to ${to}`;
        if (from === "file") write(at(path), "old");
        else if (from === "dir") Deno.mkdirSync(at(path));
        else Deno.symlinkSync("old", at(path));
        const expect = await version(path);
        if (to === "file") await session.stage([frame(stage, "new")]);
        const operation: Operation = to === "file"
          ? { op: "file", path, stage: stage++, mode: 0o644, mtime: 5, expect }
          : to === "dir"
          ? from === "dir"
            ? { op: "meta", path, mode: 0o700, expect }
            : { op: "mkdir", path, mode: 0o700, expect }
          : { op: "symlink", path, target: "new", mtime: 5, expect };
        assertEquals([path, (await session.commit([operation])).map(code)], [path, [null]]);
        const info = Deno.lstatSync(at(path));
        assertEquals([path, info.isFile, info.isDirectory, info.isSymlink], [
          path,
          to === "file",
          to === "dir",
          to === "symlink",
        ]);
      }
    }
    await session.close();
    assertEquals(list(at()).length, 9);
  });

  test("commit() does each operation only where it finds what it expects", async ({ store, at }) => {
    write(at("f"), "four", 4000);
    Deno.mkdirSync(at("d"));
    Deno.symlinkSync("x", at("l"));
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    const session = await store.write();
    await session.stage([frame(0, "new")]);
    const wrong: [string, Operation["expect"]][] = [
      ["f", null],
      ["f", { kind: "file", size: 5, mtime: 4000 }],
      ["f", { kind: "file", size: 4, mtime: 4001 }],
      ["f", { kind: "dir" }],
      ["f", { kind: "symlink", target: "f" }],
      ["d", null],
      ["d", { kind: "file", size: 4096, mtime: 4000 }],
      ["l", null],
      ["l", { kind: "symlink", target: "y" }],
      ["l", { kind: "file", size: 1, mtime: 0 }],
      ["pipe", null],
      ["pipe", { kind: "file", size: 0, mtime: 0 }],
      ["none", { kind: "file", size: 4, mtime: 4000 }],
      ["none", { kind: "dir" }],
      ["none/deep", null],
      ["f/below", null],
      ["l/below", null],
    ];
    for (const [path, expect] of wrong) {
      const operations: Operation[] = [
        { op: "delete", path, expect },
        { op: "mkdir", path, mode: 0o700, expect },
        { op: "symlink", path, target: "z", mtime: 0, expect },
        { op: "file", path, stage: 0, mode: 0o600, mtime: 0, expect },
        ...(expect !== null && expect.kind !== "symlink"
          ? [{ op: "meta" as const, path, mode: 0o777, expect }]
          : []),
      ];
      const outcomes = await session.commit(operations);
      assertEquals([path, expect, outcomes.map(code)], [path, expect, operations.map(() => "conflict")]);
    }
    await session.close();
    assertEquals(list(at()), ["d", "f", "l", "pipe"]);
    assertEquals([Deno.readTextFileSync(at("f")), Deno.readLinkSync(at("l"))], ["four", "x"]);
    assertEquals(Deno.statSync(at("f")).mtime?.getTime(), 4000);
    assert(Deno.lstatSync(at("pipe")).isFifo);
  });

  test("commit() goes on after an operation that it refused, in order", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(0, "one"), frame(1, "two")]);
    const outcomes = await session.commit([
      { op: "file", path: "no/such/folder", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "a", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "b", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "file", path: "c", stage: 77, mode: 0o644, mtime: 1, expect: null },
      { op: "delete", path: "gone", expect: { kind: "dir" } },
      { op: "file", path: "d", stage: 1, mode: 0o644, mtime: 1, expect: null },
    ]);
    assertEquals(outcomes.map(code), ["conflict", null, "missing", "missing", "conflict", null]);
    await session.close();
    assertEquals(list(at()), ["a", "d"]);
  });

  test("commit() never deletes or replaces a folder with something in it", async ({ store, at }) => {
    Deno.mkdirSync(at("d"));
    write(at("d/own"), "precious");
    const session = await store.write();
    await session.stage([frame(0, "new")]);
    const outcomes = await session.commit([
      { op: "delete", path: "d", expect: { kind: "dir" } },
      { op: "file", path: "d", stage: 0, mode: 0o644, mtime: 1, expect: { kind: "dir" } },
      { op: "symlink", path: "d", target: "/", mtime: 1, expect: { kind: "dir" } },
    ]);
    assertEquals(outcomes.map(code), ["conflict", "conflict", "conflict"]);
    await session.close();
    assertEquals(Deno.readTextFileSync(at("d/own")), "precious");
    assertEquals(list(at()), ["d"]);
  });

  test("writes through no symbolic link, nor at what one points to", async ({ store, at, outside }) => {
    Deno.mkdirSync(outside("target"));
    write(outside("target/f"), "outside", 4000);
    Deno.chmodSync(outside("target/f"), 0o600);
    Deno.symlinkSync("../target", at("way"));
    Deno.symlinkSync("../target/f", at("file"));
    const session = await store.write();
    await session.stage([frame(0, "evil"), frame(1, "new")]);
    const outcomes = await session.commit([
      {
        op: "file",
        path: "way/f",
        stage: 0,
        mode: 0o644,
        mtime: 1,
        expect: { kind: "file", size: 7, mtime: 4000 },
      },
      { op: "file", path: "way/new", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "mkdir", path: "way/d", mode: 0o755, expect: null },
      { op: "symlink", path: "way/l", target: "x", mtime: 1, expect: null },
      { op: "delete", path: "way/f", expect: { kind: "file", size: 7, mtime: 4000 } },
      { op: "meta", path: "way/f", mode: 0o777, expect: { kind: "file", size: 7, mtime: 4000 } },
      { op: "meta", path: "way", mode: 0o777, expect: { kind: "dir" } },
      { op: "meta", path: "file", mode: 0o777, expect: { kind: "file", size: 7, mtime: 4000 } },
      {
        op: "file",
        path: "file",
        stage: 1,
        mode: 0o644,
        mtime: 1,
        expect: { kind: "symlink", target: "../target/f" },
      },
      { op: "mkdir", path: "way", mode: 0o755, expect: { kind: "symlink", target: "../target" } },
      { op: "file", path: "way/f", stage: 0, mode: 0o644, mtime: 1, expect: null },
    ]);
    assertEquals(outcomes.map(code), [...Array(8).fill("conflict"), null, null, null]);
    await session.close();
    const info = Deno.statSync(outside("target/f"));
    assertEquals(
      [
        list(outside("target")),
        Deno.readTextFileSync(outside("target/f")),
        info.mode! & 0o777,
        info.mtime?.getTime(),
      ],
      [["f"], "outside", 0o600, 4000],
    );
    assertEquals([Deno.readTextFileSync(at("way/f")), Deno.lstatSync(at("file")).isFile], ["evil", true]);
  });

  test("commit() follows no link that an earlier operation of its own made", async ({ store, at, outside }) => {
    Deno.mkdirSync(outside("target"));
    const session = await store.write();
    await session.stage([frame(0, "evil"), frame(1, "evil")]);
    const outcomes = await session.commit([
      { op: "mkdir", path: "a", mode: 0o755, expect: null },
      { op: "file", path: "a/f", stage: 0, mode: 0o644, mtime: 1, expect: null },
      { op: "delete", path: "a/f", expect: { kind: "file", size: 4, mtime: 1 } },
      { op: "symlink", path: "a", target: "../target", mtime: 1, expect: { kind: "dir" } },
      { op: "file", path: "a/g", stage: 1, mode: 0o644, mtime: 1, expect: null },
      { op: "mkdir", path: "a/h", mode: 0o755, expect: null },
    ]);
    assertEquals(outcomes.map(code), [null, null, null, null, "conflict", "conflict"]);
    await session.close();
    assertEquals([list(at()), list(outside("target"))], [["a"], []]);
  });

  test("stage() replaces what was staged under the same number", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(5, "first")]);
    await session.stage([frame(5, "second")]);
    assertEquals(code(await session.stageContent(5, content(encode("third")))), null);
    assertEquals(
      (await session.commit([{ op: "file", path: "f", stage: 5, mode: 0o644, mtime: 1, expect: null }])).map(
        code,
      ),
      [null],
    );
    await session.close();
    assertEquals([Deno.readTextFileSync(at("f")), list(at())], ["third", ["f"]]);
  });

  test("stageContent() keeps nothing of content that is not whole", async ({ store, at }) => {
    const session = await store.write();
    const changed = { code: "changed" as const, message: "it changed while it was read" };
    assertEquals(
      code(await session.stageContent(0, content(encode("part"), { outcome: changed }))),
      "changed",
    );
    const short = content(new Uint8Array(700_000), { size: 900_000, outcome: changed });
    assertEquals(code(await session.stageContent(1, short)), "changed");
    // The session is not the worse for it.
    assertEquals(code(await session.stageContent(2, content(encode("whole")))), null);
    const outcomes = await session.commit([0, 1, 2].map((stage) => (
      { op: "file", path: `f${stage}`, stage, mode: 0o644, mtime: 1, expect: null }
    )));
    assertEquals(outcomes.map(code), ["missing", "missing", null]);
    await session.close();
    assertEquals(list(at()), ["f2"]);
  });

  test("close() drops what was staged and not placed", async ({ store, at }) => {
    const session = await store.write();
    await session.stage([frame(0, "x"), frame(1, "y")]);
    await session.stageContent(2, content(encode("z")));
    assert(list(at("..")).concat(list(at())).includes(".ferry"), "it is staged below the root");
    await session.close();
    assertEquals([list(at()), list(at(".."))], [[], ["place"]]);
  });

  test("lets one writer in at a time, and says who it is", async ({ store, at, outside }) => {
    await using other = await make(outside("").slice(0, -1), "place");
    await store.lock({ source: "/from/here", host: "one.example", pid: 4711, since: 1_700_000_000_000 });
    for (const attempt of [() => other.store.lock(HOLDER), () => other.store.write()]) {
      const error = await assertRejects(attempt, FerryError, "/from/here, process ");
      assertEquals(error.code, "locked");
    }
    const session = await store.write();
    await assertRejects(() => other.store.write(), FerryError, "since 2023-11-14T22:13:20Z");
    await session.stage([frame(0, "a")]);
    await session.commit([{ op: "file", path: "f", stage: 0, mode: 0o644, mtime: 1, expect: null }]);
    await session.close();
    const next = await other.store.write();
    assertEquals((await next.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }])).map(code), [
      null,
    ]);
    await next.close();
    assertEquals(list(at()), ["d", "f"]);
  });

  test("unlock() ends a lock that nothing was written under, and leaves nothing", async ({ store, at, outside }) => {
    await using other = await make(outside("").slice(0, -1), "place");
    for (const one of [store, other.store, store]) {
      await one.lock(HOLDER);
      await one.unlock();
      await one.unlock();
    }
    assertEquals(list(at()), []);
  });

  test("lock() says nothing of a place that is not there yet", async ({ store, at }) => {
    await store.lock(HOLDER);
    assertEquals(await store.kind(), "absent");
    const session = await store.write();
    await session.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }]);
    await session.close();
    assertEquals(list(at()), ["d"]);
  }, null);

  testMoves(test);
}
