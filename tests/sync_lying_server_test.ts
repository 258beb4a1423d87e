import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as zlib from "node:zlib";
import { type FileFrame, MAGIC, PackBuilder } from "../lib/wire/pack.ts";
import { tempDir } from "./harness.ts";
import { paths, sync } from "./sync_fixtures.ts";

type Entry = (string | number)[];
type Answer = (request: Request, url: URL) => Response | Promise<Response>;

/** What a server says, call by call; what is not given here is answered honestly. */
interface Lies {
  info?: Answer;
  tree?: Answer;
  pack?: Answer;
  file?: Answer;
  hashes?: Answer;
}

const GOOD = "good content";
const LARGE = 2_000_000;
const MTIME = 1_600_000_000_000;

const encode = (text: string) => new TextEncoder().encode(text);
const good: Entry = ["good", "f", GOOD.length, MTIME, 0o644];
const json = (value: unknown) =>
  new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });

function tree(folders: Record<string, unknown[]>, end?: string): Response {
  const count = Object.values(folders).reduce((sum, entries) => sum + entries.length, 0);
  const lines = Object.entries(folders).map(([dir, entries]) => JSON.stringify({ dir, entries }));
  return new Response(['{"ferry":1}', ...lines, end ?? `{"end":${count}}`, ""].join("\n"));
}

function frame(index: number, content: Uint8Array): FileFrame {
  return { kind: "file", index, mtime: MTIME, mode: 0o644, content };
}

function pack(contents: readonly Uint8Array[], first = 0): Uint8Array<ArrayBuffer> {
  const builder = new PackBuilder(new ArrayBuffer(64));
  contents.forEach((content, at) => builder.addFile(frame(first + at, content)));
  return builder.finish();
}

/** A pack of what was asked for, every file with the good content, as bytes to be spoilt. */
async function honestPack(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const { files } = await request.json();
  return pack(files.map(() => encode(GOOD)));
}

/** `bytes`, then without an end whatever `more` gives. */
function endless(
  bytes: Uint8Array,
  more = new Uint8Array(256 * 1024),
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let first = true;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      controller.enqueue((first ? bytes : more).slice());
      first = false;
    },
  });
}

function lyingServer(lies: Lies) {
  const seen: string[] = [];
  const honest: Required<Lies> = {
    info: () => json({ ferry: "9.9.9", protocol: 1, kind: "dir", permissions: "rwd" }),
    tree: () => tree({ "": [good] }),
    pack: async (request) => new Response(await honestPack(request)),
    file: () => new Response(pack([new Uint8Array(LARGE)])),
    hashes: () => new Response(null, { status: 404 }),
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response(null, { status: 500 }) },
    (request) => {
      const url = new URL(request.url);
      const call = /^\/\.ferry\/v1\/(info|tree|pack|file|hashes)$/.exec(url.pathname)?.[1] as
        | keyof Lies
        | undefined;
      seen.push(`${request.method} ${url.pathname} ${request.headers.get("authorization") ?? ""}`);
      return call === undefined
        ? new Response(null, { status: 404 })
        : (lies[call] ?? honest[call])(request, url);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

interface Case {
  name: string;
  lies: Lies;
  /** The exit status: 1 where one entry is refused, else the contract's code of a refused run. */
  code: number;
  /** The problems, `code path`. */
  problems?: string[];
  /** What arrives. */
  arrives?: string[];
  /** What the message on stderr says. */
  says?: string;
}

const twoFiles: Answer = () => tree({ "": [["evil", "f", GOOD.length, MTIME, 0o644], good] });
const largeFile: Answer = () => tree({ "": [["large", "f", LARGE, MTIME, 0o644], good] });
const spoilt = (spoil: (bytes: Uint8Array) => Uint8Array): Lies => ({
  tree: twoFiles,
  pack: async (request) => new Response(spoil(await honestPack(request)) as Uint8Array<ArrayBuffer>),
});
const spoiltFile = (spoil: (bytes: Uint8Array) => Uint8Array): Lies => ({
  tree: largeFile,
  file: () => new Response(spoil(pack([new Uint8Array(LARGE)])) as Uint8Array<ArrayBuffer>),
});
function set(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  bytes.set(values, at);
  return bytes;
}
const zipped = (bytes: Uint8Array) =>
  new Response(new Uint8Array(bytes), { headers: { "content-type": "application/gzip" } });
/** A tree whose one line has 40 MiB of nothing in it, in 40 kB. */
const dense: Answer = () =>
  zipped(zlib.gzipSync(`{"ferry":1}\n{"dir":"","entries":[${" ".repeat(40 * 1024 * 1024)}]}\n{"end":0}\n`));
const status = (code: number): Answer => () => new Response("<html>no</html>", { status: code });

const HEAD = MAGIC.length;
const FIRST = HEAD + 28;

const NAMES: Case[] = ["..", ".", "", "../evil", "a/b", "/etc/ferry-evil", ".ferry", "nul\0", "n".repeat(256)]
  .map((name) => ({
    name: `a file called ${JSON.stringify(name).slice(0, 30)}`,
    lies: { tree: () => tree({ "": [[name, "f", GOOD.length, MTIME, 0o644], good] }) },
    code: 1,
    problems: [`refused_name ${name.replace("\0", "\0")}`],
    arrives: ["good"],
  }));

type Line = { dir: string; more?: true; entries: unknown[] } | { end: unknown };

const root = (...entries: unknown[]) => ({ dir: "", entries });

/** `lines` with an end that counts what is in them. */
function whole(...lines: { dir: string; more?: true; entries: unknown[] }[]): Line[] {
  return [...lines, { end: lines.reduce((sum, { entries }) => sum + entries.length, 0) }];
}

/** Trees that fit together in no way; each would else be whole. */
const TREES: Record<string, Line[]> = {
  "a folder below a file": whole(root(good), { dir: "good", entries: [] }),
  "one folder twice": whole(root(good), root()),
  "a folder before its parent": whole({ dir: "a", entries: [] }, root(["a", "d", MTIME, 0o755])),
  "an entry that changes its kind from one piece to the next": whole(
    { ...root(["a", "d", MTIME, 0o755]), more: true },
    root(["a", "l", MTIME, "../outside"]),
    { dir: "a", entries: [good] },
  ),
  "an entry of no known kind": whole(root(["good", "q", MTIME, 0o644])),
  "an entry that is none": whole(root(7)),
  "an entry with a name that is none": whole(root([["a"], ...good.slice(1)])),
  "an entry with more to it": whole(root([...good, "x", "y", "z"])),
  "a size past all": whole(root(["good", "f", 2 ** 60, MTIME, 0o644])),
  "half a byte": whole(root(["good", "f", 0.5, MTIME, 0o644])),
  "a time past all": whole(root(["good", "f", 12, 1e300, 0o644])),
  "a link without end": whole(root(["l", "l", MTIME, "a/".repeat(2100)])),
  "a link to NUL": whole(root(["l", "l", MTIME, "a\0b"])),
  "a digest that is none": whole(root([...good, "0".repeat(63)])),
  "an end of less than nothing": [root(), { end: -1 }],
  "an end that is no number": [root(), { end: "0" }],
  "more behind the end": [root(), { end: 0 }, root(good)],
};

const CASES: Case[] = [
  { name: "nothing at all", lies: {}, code: 0, arrives: ["good"] },
  ...NAMES,
  {
    name: "a folder and a link called ..",
    lies: { tree: () => tree({ "": [["..", "d", MTIME, 0o777], ["a/../..", "l", MTIME, "/etc"], good] }) },
    code: 1,
    problems: ["refused_name ..", "refused_name a/../.."],
    arrives: ["good"],
  },
  // The tree.
  {
    name: "a folder below a link",
    lies: { tree: () => tree({ "": [["l", "l", MTIME, "../outside"]], "l": [good] }) },
    code: 22,
  },
  {
    name: "a folder never announced",
    lies: { tree: () => tree({ "": [good], "../outside": [good] }) },
    code: 22,
  },
  {
    name: "a folder above the root",
    lies: { tree: () => tree({ "": [["..", "d", MTIME, 0o755]], "..": [good] }) },
    code: 22,
  },
  {
    name: "one name twice",
    lies: { tree: () => tree({ "": [["good", "l", MTIME, "../outside"], good] }) },
    code: 22,
  },
  {
    name: "a folder that cannot be read, with a message for the terminal",
    lies: {
      tree: () => new Response('{"ferry":1}\n{"dir":"","problem":{"code":"x","message":"a\\u001b[2J"}}\n'),
    },
    code: 26,
    says: "a\\x1b[2J",
  },
  {
    name: "permissions for the terminal",
    lies: { info: () => json({ ferry: "9", protocol: 1, kind: "\u001b[2J", permissions: "r" }) },
    code: 22,
  },
  {
    name: "a tree of brackets",
    lies: { tree: () => new Response('{"ferry":1}\n' + "[".repeat(2_000_000) + "\n") },
    code: 22,
    says: "nested more than 8 deep",
  },
  {
    name: "a tree of empty lists",
    lies: {
      tree: () => new Response('{"ferry":1}\n{"dir":"","entries":[' + "[],".repeat(2 ** 22) + "[]]}\n"),
    },
    code: 22,
    says: "more than 4194304 values",
  },
  { name: "a tree without an end", lies: { tree: () => tree({ "": [good] }, "") }, code: 22 },
  { name: "a tree with a wrong count", lies: { tree: () => tree({ "": [good] }, '{"end":5}') }, code: 22 },
  { name: "a tree of another version", lies: { tree: () => new Response('{"ferry":2}\n') }, code: 22 },
  {
    name: "a tree that is a page",
    lies: { tree: () => new Response("<!doctype html>\n<html>\n") },
    code: 22,
  },
  {
    name: "a tree that is not UTF-8",
    lies: { tree: () => new Response(new Uint8Array([0x7b, 0xff, 0x0a])) },
    code: 22,
  },
  {
    name: "a tree of one endless line",
    lies: { tree: () => new Response(endless(encode('{"ferry":1}\n{"dir":"'), encode("x".repeat(1 << 18)))) },
    code: 22,
    says: "line",
  },
  {
    name: "an endless tree of empty pieces",
    lies: {
      tree: () =>
        new Response(
          endless(encode('{"ferry":1}\n'), encode('{"dir":"","more":true,"entries":[]}\n'.repeat(999))),
        ),
    },
    code: 22,
  },
  {
    name: "an endless tree of problems",
    lies: {
      tree: () =>
        new Response(
          endless(
            encode('{"ferry":1}\n{"dir":"","entries":[["a","d",1,493]]}\n'),
            encode('{"dir":"a","more":true,"problem":{"code":"unreadable","message":"x"}}\n'.repeat(999)),
          ),
        ),
    },
    code: 22,
  },
  {
    name: "an endless tree of empty lines",
    lies: { tree: () => new Response(endless(encode('{"ferry":1}\n'), encode("\n".repeat(9999)))) },
    code: 22,
  },
  {
    name: "a tree that gzip makes out of nothing, whatever is asked for",
    lies: { tree: dense },
    code: 22,
    says: "not asked for",
  },
  {
    name: "a tree that gzip makes out of nothing, but only where it is asked for",
    lies: {
      tree: (request, url) => url.searchParams.has("gzip") ? dense(request, url) : tree({ "": [good] }),
    },
    code: 0,
    arrives: ["good"],
  },
  ...Object.entries(TREES).map(([name, lines]) => ({
    name,
    lies: {
      tree: () => new Response(['{"ferry":1}', ...lines.map((line) => JSON.stringify(line)), ""].join("\n")),
    },
    code: 22,
  })),
  {
    name: "set-user-id",
    lies: { tree: () => tree({ "": [["good", "f", GOOD.length, MTIME, 0o4755]] }) },
    code: 22,
  },
  {
    name: "a negative size",
    lies: { tree: () => tree({ "": [["good", "f", -1, MTIME, 0o644]] }) },
    code: 22,
  },
  {
    name: "a tree that breaks off",
    lies: {
      tree: () => {
        let turn = 0;
        return new Response(
          new ReadableStream({
            pull(controller) {
              if (turn++ === 0) {
                controller.enqueue(encode('{"ferry":1}\n{"dir":"","entries":[["a","d",1,493]]}\n'));
              } else controller.error(new Error("gone"));
            },
          }),
        );
      },
    },
    code: 18,
  },
  // Packs.
  {
    name: "a wrong byte",
    lies: spoilt((b) => set(b, FIRST, 0x58)),
    code: 1,
    problems: ["bad_content evil"],
    arrives: ["good"],
  },
  {
    name: "a wrong checksum",
    lies: spoilt((b) => set(b, FIRST + GOOD.length + 1, 1, 2, 3)),
    code: 1,
    problems: ["bad_content evil"],
    arrives: ["good"],
  },
  {
    name: "a length that is one too long",
    lies: spoilt((b) => set(b, HEAD + 15, GOOD.length + 1)),
    code: 1,
    problems: ["bad_content evil", "missing good"],
    arrives: [],
  },
  {
    name: "a length of 2^63",
    lies: spoilt((b) => set(b, HEAD + 8, 0x7f)),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "a length of 4 GB",
    lies: spoilt((b) => set(b, HEAD + 12, 0xff, 0xff, 0xff, 0xff)),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "a time that no clock has",
    lies: spoilt((b) => set(b, HEAD + 16, 0x7f, 0xef)),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "a truncated pack",
    lies: spoilt((b) => b.slice(0, b.length - 60)),
    code: 1,
    problems: ["missing good"],
    arrives: ["evil"],
  },
  {
    name: "a page for a pack",
    lies: spoilt(() => encode("<html>")),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "an empty pack",
    lies: spoilt(() => new Uint8Array(0)),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "a pack of nothing",
    lies: spoilt(() => pack([])),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "indexes that were not asked for",
    lies: spoilt(() => pack([encode("x"), encode("y")], 4_000_000_000)),
    code: 1,
    problems: ["missing evil", "missing good"],
    arrives: [],
  },
  {
    name: "one file twice",
    lies: spoilt((b) => pack([b.slice(FIRST, FIRST + 3)], 1)),
    code: 1,
    problems: ["missing evil"],
    arrives: ["good"],
  },
  {
    name: "an endless pack",
    lies: { pack: () => new Response(endless(MAGIC)) },
    code: 22,
    says: "more than",
  },
  {
    name: "a pack of an absurd length",
    lies: { pack: () => new Response(endless(MAGIC), { headers: { "content-length": "99999999999" } }) },
    code: 22,
  },
  { name: "500 for a pack", lies: { pack: status(500) }, code: 22, says: "500" },
  { name: "403 for a pack", lies: { pack: status(403) }, code: 67, says: "403" },
  // Streamed files.
  {
    name: "a large file with a wrong byte",
    lies: spoiltFile((b) => set(b, FIRST + 1_000_000, 1)),
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "a large file that is truncated",
    lies: spoiltFile((b) => b.slice(0, 1_000_000)),
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "a large file that is a page",
    lies: spoiltFile(() => encode("<html>".repeat(100))),
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "a large file of no bytes",
    lies: spoiltFile(() => new Uint8Array(0)),
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "a large file without an end",
    lies: {
      tree: largeFile,
      file: () => new Response(endless(pack([new Uint8Array(LARGE)]).slice(0, LARGE))),
    },
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "a large file said to be a petabyte",
    lies: { tree: largeFile, file: () => new Response(endless(set(pack([new Uint8Array(9)]), HEAD + 9, 3))) },
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  {
    name: "two files for one",
    lies: { tree: largeFile, file: () => new Response(pack([new Uint8Array(LARGE), encode("x")])) },
    code: 1,
    problems: ["bad_content large"],
    arrives: ["good"],
  },
  { name: "404 for a large file", lies: { tree: largeFile, file: status(404) }, code: 22, says: "404" },
  // Who it is.
  {
    name: "a page for info",
    lies: { info: () => new Response("<html>", { headers: { "content-type": "text/html" } }) },
    code: 22,
    says: "not on a Ferry server",
  },
  { name: "garbage for info", lies: { info: () => json(["x"]) }, code: 22 },
  {
    name: "an endless info",
    lies: {
      info: () => new Response(endless(encode("{")), { headers: { "content-type": "application/json" } }),
    },
    code: 22,
  },
  {
    name: "another version",
    lies: { info: () => json({ ferry: "2.0.0", protocol: 2, kind: "dir", permissions: "r" }) },
    code: 22,
    says: "speaks version 2 of the sync API, this is 1",
  },
  {
    name: "an unknown kind",
    lies: { info: () => json({ ferry: "1", protocol: 1, kind: "device", permissions: "r" }) },
    code: 22,
  },
  { name: "500 for info", lies: { info: status(500) }, code: 22, says: "500" },
  { name: "503 for a tree", lies: { tree: status(503) }, code: 22, says: "503" },
  { name: "401 for a tree", lies: { tree: status(401) }, code: 67, says: "401" },
];

/** What stands at the destination, and what is in the stage there. */
function byPlace(all: readonly string[]): [placed: string[], staged: string[]] {
  const ours = (path: string) => /^\.ferry(\/|$)/.test(path);
  return [all.filter((path) => !ours(path)), all.filter(ours)];
}

for (const { name, lies, code, problems = [], arrives = [], says } of CASES) {
  Deno.test(`sync from a server that answers with ${name} takes nothing that it should not`, async () => {
    using dir = tempDir({ "dst": null, "outside/precious": "precious" });
    await using server = lyingServer(lies);
    const started = performance.now();
    const run = await sync([server.url, dir.at("dst")], { timeoutMs: 30_000 });
    assertEquals(
      [run.code, run.problems.sort(), run.done.ok],
      [code, problems.sort(), code === 0],
      run.stderr,
    );
    assertEquals(paths(dir.path).filter((path) => !path.startsWith("dst/")), [
      "dst",
      "outside",
      "outside/precious",
    ]);
    const [placed, staged] = byPlace(paths(dir.at("dst")));
    assertEquals(placed, arrives);
    // A run that was stopped leaves good content for the next one, and nothing else.
    assert(code > 1 || staged.length === 0, staged.join(" "));
    for (const path of staged) {
      const full = dir.at(`dst/${path}`);
      if (Deno.statSync(full).isFile) assertEquals(Deno.readTextFileSync(full), GOOD, path);
    }
    assert(!run.stderr.includes("internal error"), run.stderr);
    // deno-lint-ignore no-control-regex -- what a terminal would obey is what is looked for
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(run.stderr), JSON.stringify(run.stderr));
    if (says !== undefined) assertStringIncludes(run.stderr, says);
    if (code > 1) assertStringIncludes(run.stderr, server.url.slice(7, -1));
    assert(performance.now() - started < 20_000);
  });
}

Deno.test("sync does not unpack a hundred times what came", async () => {
  using dir = tempDir({ "dst": null });
  await using server = lyingServer({
    pack: () => {
      const bomb = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream().pipeThrough(
        new CompressionStream("gzip"),
      );
      return new Response(bomb, { headers: { "content-encoding": "gzip" } });
    },
  });
  const run = await sync([server.url, dir.at("dst")]);
  // Runtimes that unpack what was not asked for reach the bound; others see no pack at all.
  assert(run.code === 1 || run.code === 22, run.stderr);
  assertEquals(paths(dir.at("dst")), []);
});

Deno.test("sync takes no link of a server's for a folder to write through", async () => {
  using dir = tempDir({ "dst": null, "outside/precious": "precious" });
  let round = 0;
  await using server = lyingServer({
    tree: () =>
      round++ === 0
        ? tree({ "": [["a", "l", MTIME, "../outside"], good] })
        : tree({ "": [["a", "d", MTIME, 0o755], good], "a": [["precious", "f", GOOD.length, MTIME, 0o644]] }),
  });
  assertEquals((await sync([server.url, dir.at("dst")])).code, 0);
  assertEquals(Deno.readLinkSync(dir.at("dst/a")), "../outside");
  assertEquals((await sync([server.url, dir.at("dst")])).code, 0);
  assert(Deno.lstatSync(dir.at("dst/a")).isDirectory);
  assertEquals(Deno.readTextFileSync(dir.at("outside/precious")), "precious");
});

Deno.test("sync follows no redirect, and shows its credentials to nobody else", async () => {
  using dir = tempDir({ "src/f": "x", "dst": null });
  await using other = lyingServer({});
  for (const code of [301, 302, 307, 308]) {
    const redirect: Answer = (_, url) =>
      Response.redirect(new URL(url.pathname + url.search, other.url), code);
    for (const lies of [{ info: redirect }, { tree: redirect }, { pack: redirect }] as Lies[]) {
      await using server = lyingServer(lies);
      const from = server.url.replace("//", "//ann:geheim@");
      const run = await sync([from, dir.at("dst")]);
      assertEquals([run.code, paths(dir.at("dst"))], [22, []], run.stderr);
      assertStringIncludes(run.stderr, "redirect");
      assert(server.seen[0].includes("Basic "), server.seen[0]);
    }
  }
  assertEquals(other.seen, []);
});

Deno.test("sync to a server that lies about what it did does not claim to be done", async () => {
  const answers: [string, (request: Request) => Response | Promise<Response>][] = [
    ["no outcomes", () => json({ outcomes: [] })],
    ["too many outcomes", () => json({ outcomes: Array(50).fill(null) })],
    ["a page", () => new Response("<html>")],
    ["nothing", () => new Response(null, { status: 204 })],
    ["500", () => new Response("no", { status: 500 })],
    ["an endless answer", () => new Response(endless(encode('{"outcomes":[')))],
  ];
  for (const [name, answer] of answers) {
    using dir = tempDir({ "src/f": "x", "src/g": "y" });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response(null, { status: 500 }) },
      async (request) => {
        const call = new URL(request.url).pathname.slice("/.ferry/v1/".length);
        if (call === "info") return json({ ferry: "1", protocol: 1, kind: "dir", permissions: "rwd" });
        if (call === "tree") return tree({ "": [["own", "f", 1, MTIME, 0o644]] });
        await request.body?.cancel();
        return await answer(request);
      },
    );
    const run = await sync([dir.at("src"), `http://127.0.0.1:${server.addr.port}/`], { timeoutMs: 30_000 });
    await server.shutdown();
    assertEquals([name, run.code, run.done.ok, run.changes], [name, 22, false, []], run.stderr);
    assert(!run.stderr.includes("internal error"), run.stderr);
  }
});

Deno.test("sync believes no hashes that are malformed, and goes on without where a server has none", async () => {
  const known = new Uint8Array(33).fill(1);
  const cases: [string, Answer, number, string][] = [
    ["none at all", () => new Response(null, { status: 404 }), 0, ""],
    ["none for this file", () => new Response(Uint8Array.of(2)), 0, ""],
    ["another content's", () => new Response(known), 0, ""],
    ["too many", () => new Response(Uint8Array.of(2, 2)), 22, "more hashes than files"],
    ["too few", () => new Response(null), 22, "ends early"],
    ["a page", () => new Response("<html>"), 22, "no known kind"],
    ["half a hash", () => new Response(known.subarray(1)), 22, "ends early"],
    ["nothing without end", () => new Response(endless(new Uint8Array(1))), 22, "says nothing"],
    ["an error", () => new Response(null, { status: 500 }), 22, "500"],
  ];
  for (const [name, hashes, code, message] of cases) {
    using dir = tempDir({ "dst/renamed": GOOD });
    Deno.utimeSync(dir.at("dst/renamed"), new Date(MTIME), new Date(MTIME));
    await using server = lyingServer({ hashes });
    const run = await sync([server.url, dir.at("dst")]);
    assertEquals([name, run.code, run.problems], [name, code, []], run.stderr);
    assertStringIncludes(run.stderr, message);
    assertEquals(paths(dir.at("dst")), code === 0 ? ["good", "renamed"] : ["renamed"]);
    assertEquals(Deno.readTextFileSync(dir.at("dst/renamed")), GOOD);
    assert(server.seen.some((call) => call.startsWith("POST /.ferry/v1/hashes")), name);
  }
});

Deno.test("sync bounds a tree under gzip as it does a plain one", async () => {
  const packed = (body: ReadableStream<Uint8Array<ArrayBuffer>> | string) =>
    new Response(new Response(body).body!.pipeThrough(new CompressionStream("gzip")), {
      headers: { "content-type": "application/gzip" },
    });
  const noise = crypto.getRandomValues(new Uint8Array(65_536)).map((byte) => 0x40 + byte % 64);
  const cases: [string, Answer, string][] = [
    [
      "not gzip",
      () => new Response("no", { headers: { "content-type": "application/gzip" } }),
      "malformed gzip",
    ],
    ["cut off", () => packed('{"ferry":1}\n'), "it ends early"],
    // Of what hardly shrinks.
    ["a line without end", () => packed(endless(encode('{"ferry":1}\n'), noise)), "a line without an end"],
  ];
  for (const [name, tree, message] of cases) {
    using dir = tempDir({ "dst/f": "f" });
    await using server = lyingServer({ tree });
    const run = await sync([server.url, dir.at("dst")]);
    assertEquals([name, run.code, paths(dir.at("dst"))], [name, 22, ["f"]]);
    assertStringIncludes(run.stderr, message);
  }
});
