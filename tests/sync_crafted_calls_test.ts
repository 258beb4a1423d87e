/** Calls of the sync API that are crafted to do harm: by where they lead, by how much they stand for, by their order. */
import { assert, assertEquals } from "@std/assert";
import { joined } from "../lib/core/joined.ts";
import * as zlib from "node:zlib";
import { chunkSizes } from "../lib/delta/chunker.ts";
import { newSignatures } from "../lib/delta/signature.ts";
import { ChunkEntries, chunksEnd, chunksHeader } from "../lib/wire/chunks.ts";
import { encodeRequest } from "../lib/wire/delta_request.ts";
import { deltaEnd, deltaHead, deltaReading } from "../lib/wire/delta_body.ts";
import {
  CHECKSUM_BYTES,
  HEADER_BYTES,
  KIND_END,
  KIND_STREAM,
  MAGIC,
  PackBuilder,
  writeHeader,
} from "../lib/wire/pack.ts";
import { type Server, treeDigest } from "./harness.ts";
import {
  attack,
  BAD_PATHS,
  begin,
  call,
  codes,
  commit,
  encode,
  HOLDER,
  MTIME,
  pack,
  streamed,
} from "./lying_client.ts";

const FILE = { kind: "file", size: 7, mtime: MTIME };
const PRECIOUS = { kind: "file", size: 8, mtime: MTIME };
const DIGEST = "0".repeat(64);
const GZIP = { "content-encoding": "gzip" };

const move = (from: unknown, path: unknown, expectFrom: unknown = FILE) => ({
  op: "move",
  from,
  path,
  mode: 0o644,
  mtime: MTIME,
  expect: null,
  expectFrom,
});
const keep = (path: unknown, sha256: unknown = DIGEST, expect: unknown = FILE) => ({
  op: "keep",
  path,
  stage: 0,
  sha256,
  expect,
});
const folder = (digest: unknown = DIGEST) => ({ kind: "dir", digest });

attack("moves and copies that lead out of the folder, or say too little", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const before = await treeDigest(dir.at("share"));
  const malformed = [
    ...[...BAD_PATHS, 7, null, undefined].flatMap((path) => [
      move(path, "new"),
      move("file", path),
      move(path, "new", folder()),
      keep(path),
    ]),
    move("dir", "dir/inside", folder()),
    move("dir/f", "dir"),
    move("file", "file"),
    move("file", "new", null),
    move("file", "new", { kind: "symlink", target: "x" }),
    move("file", "new", { ...FILE, size: -1 }),
    move("file", "new", { ...FILE, size: 2 ** 53 }),
    move("dir", "new", folder("x".repeat(64))),
    move("dir", "new", folder(DIGEST + "0")),
    { ...move("dir", "private", folder()), expect: { kind: "dir" } },
    { ...move("file", "new"), mode: 0o4755 },
    { ...move("file", "new"), mtime: 1e300 },
    keep("file", "../outside"),
    keep("file", null),
    keep("dir", DIGEST, { kind: "dir" }),
    keep("file", DIGEST, null),
    { ...keep("file"), stage: -1 },
  ];
  for (const operation of malformed) {
    const body = commit([{ op: "mkdir", path: "made", mode: 0o755, expect: null }, operation]);
    const answer = await call(server, "POST", `commit/${session}`, { body });
    assertEquals([operation, answer.status], [operation, 400], answer.text);
  }
  assertEquals(await treeDigest(dir.at("share")), before);
});

attack("moves and copies through links, and of what is another thing", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const before = await treeDigest(dir.at("share"));
  const operations = [
    move("out/precious", "stolen", PRECIOUS),
    move("out-file", "stolen", PRECIOUS),
    move("out", "stolen", folder()),
    move("out", "stolen", folder("cd372fb85148700fa88095e3492d3f9f5beb43e555e5ff26d95f5a6adc36f8e6")),
    move("file", "out/new"),
    move("in/f", "stolen"),
    move("file", "in/new"),
    move("dir", "out/new", folder()),
    move("dir", "new", folder()),
    move("file", "new", folder()),
    move("dir", "new", FILE),
    move("file", "new", { ...FILE, size: 2 ** 53 - 1 }),
    move("none", "new"),
    move("file", "dir"),
    move("file", "none/new"),
    keep("out/precious", DIGEST, PRECIOUS),
    keep("out-file", DIGEST, PRECIOUS),
    keep("file"),
    keep("file", DIGEST, { ...FILE, size: 2 ** 53 - 1 }),
    keep("none"),
    // What was not kept is not there to be placed.
    { op: "file", path: "copy", stage: 0, mode: 0o644, mtime: MTIME, expect: null },
  ];
  const answer = await call(server, "POST", `commit/${session}`, { body: commit(operations) });
  assertEquals(codes(answer.text), operations.map(({ op }) => op === "file" ? "missing" : "conflict"));
  assertEquals(await treeDigest(dir.at("share")), before);
});

attack("to let others wait until ten thousand folders were looked at", async (server, dir) => {
  for (let i = 0; i < 300; i++) Deno.writeTextFileSync(dir.at(`share/dir/${i}`), "");
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const operations = Array(600).fill(move("dir", "new", folder()));
  let over = false;
  const answer = call(server, "POST", `commit/${session}`, { body: commit(operations) }).finally(() =>
    over = true
  );
  let answered = 0;
  for (; !over && answered < 5; answered++) {
    await (await fetch(`${server.url}/.ferry/health`)).body?.cancel();
  }
  assertEquals(codes((await answer).text), operations.map(() => "conflict"));
  assertEquals(answered, 5);
});

attack("moves and copies by those who may not read or delete", async (server, dir) => {
  const before = await treeDigest(dir.at("share"));
  const cases: [string, unknown[]][] = [
    ["rw:p", [move("file", "new"), move("dir", "new", folder())]],
    ["deep:p", [move("private/f", "new"), move("private", "new", folder()), move("file", "private/new")]],
    ["deep:p", [keep("private/f"), { op: "delete", path: "private/f", expect: FILE }]],
    ["wd:p", [move("file", "new"), keep("file")]],
  ];
  for (const [user, operations] of cases) {
    const session = crypto.randomUUID();
    await using _push = await begin(server, session, { user });
    const answer = await call(server, "POST", `commit/${session}`, { user, body: commit(operations) });
    assertEquals([user, codes(answer.text)], [user, operations.map(() => "forbidden")]);
  }
  assertEquals(await treeDigest(dir.at("share")), before);
}, [
  "--anonymous",
  "none",
  ...["rw:p@/:rw", "wd:p@/:wd", "deep:p@/:rwd,/private:none"].flatMap((login) => ["--auth", login]),
]);

attack("messages that stand for far more than they are, before they cost anything", async (server) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const large = 16 * 1024 * 1024 - 100;
  const pad = (text: string) => `{"files":["file"],"x":"${text.repeat(large / text.length)}"}`;
  const packed = (text: string) => new Uint8Array(zlib.gzipSync(text));
  const deep = "[".repeat(large), wide = `{"files":[${"[],".repeat(large / 3)}[]]}`;
  const bodies: [string, Uint8Array<ArrayBuffer>, Record<string, string>, number][] = [
    ["brackets without end", encode(deep), {}, 400],
    ["objects without end", encode('{"files":'.repeat(large / 9)), {}, 400],
    ["brackets side by side", encode(wide), {}, 400],
    ["numbers side by side", encode(`{"files":[${"1,".repeat(large / 2)}1]}`), {}, 400],
    ["brackets under gzip", packed(deep), GZIP, 413],
    ["a long text under gzip", packed(pad("a")), GZIP, 413],
    ["too much under gzip", packed(`{"x":"${"a".repeat(3 * large)}"}`), GZIP, 413],
    ["zeros under gzip", new Uint8Array(zlib.gzipSync(new Uint8Array(5_000_000))), GZIP, 413],
    ["half a gzip", packed(pad("abc")).slice(0, 50), GZIP, 400],
    ["no gzip", encode('{"files":[]}'), GZIP, 400],
    ["gzip that nobody said", packed('{"files":[]}'), {}, 400],
    ["another coding", encode('{"files":[]}'), { "content-encoding": "br" }, 400],
    ["gzip twice", packed('{"files":[]}'), { "content-encoding": "gzip, gzip" }, 400],
  ];
  for (const what of ["pack", "hashes", `commit/${session}`]) {
    for (const [name, body, headers, status] of bodies) {
      const answer = await call(server, "POST", what, { body, headers });
      assertEquals([what, name, answer.status], [what, name, status], answer.text.slice(0, 300));
    }
  }
  const peak = Number(/VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))![1]);
  assert(peak < 450_000, `${peak} kB`);
});

/** A streamed pack of one sparse file that is said to have `size` bytes. */
function sparse(size: number, ...runs: [hole: number, data: number][]): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEADER_BYTES);
  const header = { index: 0, size, mtime: MTIME, mode: 0o644, sparse: true };
  writeHeader(new DataView(head.buffer), 0, KIND_STREAM, header);
  const pieces = runs.map(([hole, data]) => {
    const piece = new Uint8Array(8 + Math.min(data, 100));
    new DataView(piece.buffer).setUint32(0, hole);
    new DataView(piece.buffer).setUint32(4, data);
    return piece;
  });
  return joined([MAGIC, head, ...pieces, new Uint8Array(33)]);
}

attack("beginnings that are not there, and holes that no file has", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const end = new Uint8Array(HEADER_BYTES);
  writeHeader(new DataView(end.buffer), 0, KIND_END, { index: 1, size: 0, mtime: 0, mode: 0 });
  const cases: [string, string, Uint8Array<ArrayBuffer> | undefined, number][] = [
    ["PUT", "0?file=new&offset=-1", streamed("x"), 400],
    ["PUT", "0?file=new&offset=x", streamed("x"), 400],
    ["PUT", "0?file=new&offset=9007199254740992", streamed("x"), 400],
    ["PUT", "0?file=new&offset=9007199254740991", streamed("x"), 400],
    ["PUT", "0?file=new&offset=2", streamed("x"), 400],
    ["PUT", "0?file=../outside/precious&offset=1", streamed("xyz"), 400],
    ["PUT", "0?file=.ferry/x", streamed("xyz"), 400],
    ["PUT", "0?file=new", sparse(2 ** 53 - 1, [2 ** 32 - 1, 0]), 400],
    ["PUT", "0?file=new", sparse(2 ** 53 - 1, [4 * 1024 * 1024 + 1, 0]), 400],
    ["PUT", "0?file=new", sparse(2 ** 53 - 1, [0, 2 ** 32 - 1]), 400],
    ["PUT", "0?file=new", sparse(2 ** 53 - 1, [0, 0]), 400],
    ["PUT", "0?file=new", sparse(2 ** 53 - 1, [4_000_000, 0], [4_000_000, 0]), 400],
    ["PUT", "0?file=new", sparse(100, [101, 0]), 400],
    ["PUT", "0?file=new", sparse(100, [60, 41]), 400],
    ["PUT", "", joined([sparse(7), end]), 400],
    ["GET", "?file=file&size=-1&mtime=0", undefined, 400],
    ["GET", "?file=file&size=x&mtime=0", undefined, 400],
    ["GET", "?file=file&size=7", undefined, 400],
    ["GET", "?file=../outside/precious&size=8&mtime=0", undefined, 400],
  ];
  for (const [method, what, body, status] of cases) {
    const path = what.startsWith("?") || what === "" ? what : `/${what}`;
    const answer = await call(server, method, `stage/${session}${path}`, { body });
    assertEquals([what, answer.status], [what, status], answer.text);
  }
  const past = await call(server, "PUT", `stage/${session}/0?file=new&offset=1`, { body: streamed("xyz") });
  assertEquals([past.status, codes(past.text)], [200, ["missing"]]);
  const have = await call(server, "GET", `stage/${session}?file=file&size=7&mtime=${MTIME}`);
  assertEquals(JSON.parse(have.text), { have: 0 });
  const file = { op: "file", path: "new", stage: 0, mode: 0o644, mtime: MTIME, expect: null };
  assertEquals(
    codes((await call(server, "POST", `commit/${session}`, { body: commit([file]) })).text),
    ["missing"],
  );
  assert(![...Deno.readDirSync(dir.at("share"))].some(({ name }) => name === "new"));
});

/** A list of chunks of 10,000 bytes each that nobody has. */
function chunkList(size: number, { bits = 15, count = Math.ceil(size / 20_000) } = {}) {
  const entries = new ChunkEntries();
  for (let i = 0; i < count; i++) entries.add(Math.min(20_000, size - i * 20_000), i);
  return joined([
    chunksHeader({ meta: { size, mtime: MTIME, mode: 0o644 }, sizes: chunkSizes(bits) }),
    entries.take(),
    chunksEnd(false),
  ]);
}

/** One part of a delta as it stands on the wire. */
function part(codec: number, length: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(12);
  head[0] = codec;
  new DataView(head.buffer).setUint32(4, length);
  new DataView(head.buffer).setUint32(8, bytes.length);
  return joined([head, bytes]);
}

attack("to keep what fifty clients send and never finish", async (server) => {
  const bytes = 16 * 1024 * 1024;
  const head = encode(`POST /.ferry/v1/pack HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`);
  const connections = await Promise.all(
    Array.from({ length: 50 }, () => Deno.connect({ hostname: "127.0.0.1", port: server.port })),
  );
  const sending = connections.map(async (connection) => {
    await connection.write(head);
    const piece = new Uint8Array(1024 * 1024 - 10);
    // All but the end; the server takes no more of it than there is memory for.
    for (let i = 0; i < 16; i++) await connection.write(piece);
  });
  const all = Promise.all(sending).catch(() => {});
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 1500))]);
  const peak = Number(/VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))![1]);
  assert(peak < 450_000, `${peak} kB`);
  // What is small, and what needs no body, is answered meanwhile.
  const small = await call(server, "POST", "pack", { body: '{"files":["file"]}' });
  assertEquals([small.status, (await call(server, "GET", "info")).status], [200, 200]);
  for (const connection of connections) connection.close();
  await all;
});

attack("deltas that are crafted to make it work or to fill its memory", async (server, dir) => {
  // An old version that chunks are looked for in.
  Deno.writeFileSync(dir.at("share/old"), new Uint8Array(300_000).fill(7));
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const match = (body: BodyInit, number = 0) =>
    call(server, "POST", `delta/${session}/${number}?file=old&base=old`, { body });
  const lists: [string, Uint8Array<ArrayBuffer>][] = [
    ["chunks too small for so large a file", chunkList(2 ** 39, { count: 10 })],
    ["a file past all", chunkList(2 ** 41, { bits: 20, count: 1 })],
    ["fewer chunks than the file has", chunkList(200_000, { count: 9 })],
    ["bits of no size", chunkList(100_000, { bits: 21 })],
    ["half a header", chunkList(100_000).slice(0, 20)],
  ];
  for (const [name, list] of lists) assertEquals([name, (await match(list)).status], [name, 400]);

  const brotli = new Uint8Array(zlib.brotliCompressSync(new Uint8Array(6_000_000)));
  const literal = joined([new Uint8Array([0, 0, 0, 1, 2 * 10]), new Uint8Array(10)]);
  const answers: [string, Uint8Array<ArrayBuffer>][] = [
    ["nothing", new Uint8Array(0)],
    ["another magic", pack("x")],
    ["parts that do nothing", part(1, 4, new Uint8Array(4))],
    ["a part of nothing", part(1, 0, new Uint8Array(0))],
    ["a part of 4 GB", part(1, 2 ** 32 - 1, literal)],
    ["a part longer than it says", part(1, 5, literal)],
    ["a part shorter than it says", part(1, 500, literal)],
    ["an unknown compression", part(9, literal.length, literal)],
    ["zstd that is none", part(2, 500, literal)],
    ["a bomb that says what it is", part(3, 6_000_000, brotli)],
    ["a bomb that says less", part(3, 4_000_000, brotli)],
    ["steps that are not there", part(1, 4, new Uint8Array([255, 255, 255, 255]))],
    ["a block that nobody named", part(1, 6, new Uint8Array([0, 0, 0, 2, 2 ** 7 - 1, 127]))],
    [
      "less than the file",
      joined([part(1, literal.length, literal), deltaEnd({ changed: false, digest: new Uint8Array(32) })]),
    ],
    ["an end of another kind", part(0, 2, new Uint8Array(0))],
    ["a sender that is reading, in short", part(4, 0, new Uint8Array(0))],
    ["a sender that is reading and has bytes", part(4, 100, new Uint8Array(16_384))],
    ["a sender that is reading for ever", joined(Array(4321).fill(deltaReading()))],
  ];
  for (const [name, answer] of answers) {
    const known = await match(chunkList(100_000));
    assertEquals([name, known.status], [name, 200], known.text);
    const body = name === "nothing" || name === "another magic" ? answer : joined([deltaHead(), answer]);
    const { status, text } = await call(server, "PUT", `delta/${session}/0`, { body });
    assertEquals([name, status], [name, 400], text);
  }
  // Endless parts without a byte of content: refused at the first of them.
  assertEquals((await match(chunkList(100_000))).status, 200);
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(deltaHead()),
    pull: (controller) => controller.enqueue(joined(Array(999).fill(part(1, 4, new Uint8Array(4))))),
  });
  const gone = await call(server, "PUT", `delta/${session}/0`, { body: endless }).catch(() => null);
  assert(gone === null || gone.status === 400, `${gone?.status}`);
  // As many as may wait for their answers, and no more.
  const statuses: number[] = [];
  for (let number = 0; number < 18; number++) {
    statuses.push((await match(chunkList(100_000), number)).status);
  }
  assertEquals([statuses.filter((status) => status === 200).length, statuses.at(-1)], [16, 503]);
});

attack("requests for a delta that no receiver would send", async (server, dir) => {
  Deno.writeFileSync(dir.at("share/large"), new Uint8Array(3_000_000));
  Deno.utimeSync(dir.at("share/large"), MTIME / 1000, MTIME / 1000);
  const request = (ranges: { start: number; length: number }[], blocks = 0) =>
    encodeRequest({
      size: 3_000_000,
      mtime: MTIME,
      codecs: 2,
      ranges,
      signatures: newSignatures(blocks, 256, 2),
    });
  const changed = (at: number, ...bytes: number[]) => {
    const body = request([{ start: 0, length: 100 }]);
    body.set(bytes, at);
    return body;
  };
  const cases: [string, Uint8Array<ArrayBuffer>, number][] = [
    ["an honest one", request([{ start: 0, length: 100 }], 10), 200],
    ["4 billion ranges", changed(28, 255, 255, 255, 255), 400],
    ["4 billion blocks", changed(32, 255, 255, 255, 255), 400],
    ["blocks that are not there", changed(34, 1), 400],
    ["blocks of one byte", changed(9, 0), 400],
    ["blocks of 2 GB", changed(9, 31), 400],
    ["a hash of no bytes", changed(10, 0), 400],
    ["a file past all", changed(12, 255), 400],
    ["a range behind the end", request([{ start: 2_999_999, length: 2 }]), 400],
    ["an empty range", request([{ start: 5, length: 0 }]), 400],
    ["half a number", changed(37, 255), 400],
  ];
  for (const [name, body, status] of cases) {
    const answer = await call(server, "POST", "delta?file=large", { body });
    assertEquals([name, answer.status], [name, status], answer.text.slice(0, 200));
  }
  // Many ranges of a byte each are work for many turns: others are answered meanwhile, and the answer is right.
  const ranges = Array.from({ length: 100_000 }, (_, i) => ({ start: 2 * i, length: 1 }));
  const answer = await call(server, "POST", "delta?file=large", { body: request(ranges) });
  assertEquals(answer.status, 200);
});

attack("ways out of the folder in the calls about heads, hashes, chunks and jobs", async (server) => {
  const tries: [string, string, BodyInit | undefined][] = [
    ["GET", "head", undefined],
    ["GET", "changes?epoch=x&since=0", undefined],
    ["POST", "hashes", '{"files":["precious"]}'],
    ["GET", "chunks?file=precious", undefined],
    ["POST", "delta?file=precious", new Uint8Array(50)],
    ["GET", "tree?links=copy", undefined],
    ["POST", "pack?links=copy", '{"files":["precious"]}'],
    ["GET", "file?links=copy&file=precious", undefined],
    ["POST", "token", undefined],
    ["POST", "jobs", "{}"],
    ["DELETE", `session/${crypto.randomUUID()}`, undefined],
  ];
  for (const path of ["..", "../outside", "%2e%2e/outside", ".ferry", "out", "out/sub", "out-file", "%00"]) {
    for (const [method, what, body] of tries) {
      const { status, text } = await call(server, method, what, { path, body });
      const fine = status >= 400 && status < 500 || (method === "DELETE" && status === 204) ||
        // A token for what is not there reads nothing.
        (what === "token" && status === 200);
      assert(fine, `${method} ${what} ${path}: ${status} ${text}`);
      assert(!text.includes("preciousprecious"), text);
    }
  }
  for (const path of BAD_PATHS) {
    const files = JSON.stringify({ files: [path] });
    assertEquals([path, (await call(server, "POST", "hashes", { body: files })).status], [path, 400]);
    const file = encodeURIComponent(path);
    assertEquals([path, (await call(server, "GET", `chunks?file=${file}`)).status], [path, 400]);
  }
});

attack("to follow links that lead out, to folders that they lie in, or nowhere", async (server, dir) => {
  Deno.symlinkSync(".", dir.at("share/dir/self"));
  Deno.symlinkSync("..", dir.at("share/dir/up"));
  Deno.symlinkSync("loop", dir.at("share/loop"));
  const tree = await call(server, "GET", "tree?links=copy");
  assertEquals(tree.status, 200);
  const entries = tree.text.trim().split("\n").flatMap((line) => JSON.parse(line).entries ?? []);
  const problems = entries.filter(([, kind]) => kind === "p").map(([name, , code]) => `${name} ${code}`);
  const bad = ["loop", "out", "out-file", "self", "self", "up", "up"].map((name) => `${name} bad_link`);
  assertEquals(problems.sort(), bad);
  for (const file of ["out/precious", "out-file", "dir/self/self/f", "dir/up/out/precious", "loop"]) {
    const body = JSON.stringify({ files: [file] });
    const packed = await call(server, "POST", "pack?links=copy", { body });
    const one = await call(server, "GET", `file?links=copy&file=${encodeURIComponent(file)}`);
    const hashes = await call(server, "POST", "hashes?links=copy", { body });
    assert(!packed.text.includes("precious\0") && !one.text.includes("precious\0"), file);
    if (!file.endsWith("/f")) assertEquals([file, [...hashes.bytes]], [file, [2]]);
  }
});

attack("numbers in a query that are none", async (server: Server) => {
  const cases: [string, number][] = [
    ["changes?since=0", 410],
    ["changes?epoch=x", 400],
    ["changes?epoch=x&since=-1", 400],
    ["changes?epoch=x&since=1e3", 400],
    ["changes?epoch=x&since=9007199254740992", 400],
    ["changes?epoch=x&since=0&limit=-1", 400],
    ["changes?epoch=x&since=0&limit=x", 400],
    ["head?wait=-1", 400],
    ["head?wait=x", 400],
    ["file?file=file&offset=-1&size=7&mtime=0", 400],
    ["file?file=file&offset=1", 400],
    ["file?file=file&offset=1e3&size=7&mtime=0", 400],
  ];
  for (const [what, status] of cases) {
    const answer = await call(server, "GET", what);
    // Where folders cannot be watched there is no head, whatever is asked.
    const fine = answer.status === status || (answer.status === 404 && /^(changes|head)/.test(what));
    assert(fine, `${what}: ${answer.status} ${answer.text}`);
  }
});

attack("jobs and tokens that do not fit", async (server) => {
  const options = {
    dryRun: false,
    delete: false,
    checksum: false,
    force: false,
    maxDelete: "50%",
    patterns: [],
    links: "keep",
  };
  const job = { source: "http://127.0.0.1:9/", token: "abc", options, holder: HOLDER };
  const bad: [string, unknown][] = [
    ["a token of two lines", { ...job, token: "a\r\nX: y" }],
    ["a token past all", { ...job, token: "a".repeat(20_000) }],
    ["no token", { ...job, token: undefined }],
    ["too many patterns", { ...job, options: { ...options, patterns: Array(1001).fill("a") } }],
    ["a pattern that is none", { ...job, options: { ...options, patterns: [7] } }],
    ["a pattern past all", { ...job, options: { ...options, patterns: ["a".repeat(5000)] } }],
    ["another way with links", { ...job, options: { ...options, links: "follow" } }],
    ["a flag that is none", { ...job, options: { ...options, force: 1 } }],
    ["no bandwidth", { ...job, options: { ...options, bwlimit: 0 } }],
    ["a thousand at a time", { ...job, options: { ...options, parallel: 1000 } }],
    ["no holder", { ...job, holder: null }],
    ["a source past all", { ...job, source: "http://x/" + "a".repeat(5000) }],
  ];
  for (const [name, body] of bad) {
    const answer = await call(server, "POST", "jobs", { body: JSON.stringify(body) });
    assertEquals([name, answer.status], [name, 400], answer.text);
  }
  assertEquals((await call(server, "POST", "jobs", { body: JSON.stringify(job) })).status, 403);
  const renewal = { body: '{"token":"abc"}' };
  assertEquals((await call(server, "PUT", `jobs/${crypto.randomUUID()}`, renewal)).status, 404);
  assertEquals((await call(server, "PUT", "jobs/..%2f..", renewal)).status, 404);
}, ["--anonymous", "rwds", "--peer", "http://files.example"]);

attack("a pack that says more than it holds", async (server) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const builder = new PackBuilder(new ArrayBuffer(64));
  builder.addProblem(0, "unreadable", "x".repeat(100));
  assertEquals((await call(server, "PUT", `stage/${session}`, { body: builder.finish() })).status, 400);
  assertEquals(
    (await call(server, "PUT", `stage/${session}`, { body: joined([pack("x"), pack("y")]) })).status,
    400,
  );
});

/** A pack that names paths for its files. */
function named(told: string[], contents: string[]): Uint8Array<ArrayBuffer> {
  const builder = new PackBuilder(new ArrayBuffer(64));
  contents.forEach((text, index) =>
    builder.addFile({ kind: "file", index, mtime: MTIME, mode: 0o644, content: encode(text) })
  );
  builder.addPaths(told);
  return builder.finish();
}

attack("packs that name other files than they hold, or places that are none", async (server) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session);
  const put = (body: Uint8Array<ArrayBuffer>, first = 0) =>
    call(server, "PUT", `stage/${session}?first=${first}`, { path: "", body });
  for (const path of [...BAD_PATHS].filter((path): path is string => typeof path === "string")) {
    assertEquals((await put(named([path], ["x"]))).status, 400, JSON.stringify(path));
  }
  assertEquals((await put(named(["a"], ["x", "y"]))).status, 400);
  assertEquals((await put(named(["a", "b"], ["x"]))).status, 400);
  const damaged = named(["abc"], ["x"]);
  damaged[damaged.length - HEADER_BYTES - CHECKSUM_BYTES - 1] ^= 1;
  assertEquals((await put(damaged)).status, 400);
  const files = (stage: unknown, count: unknown) =>
    call(server, "POST", `commit/${session}`, { path: "", body: commit([{ op: "files", stage, count }]) });
  assertEquals(codes((await put(named(["a"], ["x"]))).text), [null]);
  for (
    const [stage, count] of [[0, 2], [1, 1], [0, 0], [0, 10_001], [-1, 1], [0.5, 1], ["0", 1], [0, null]]
  ) {
    assertEquals((await files(stage, count)).status, 400, JSON.stringify([stage, count]));
  }
  const twice = commit([{ op: "files", stage: 0, count: 9000 }, { op: "files", stage: 0, count: 9000 }]);
  assertEquals((await call(server, "POST", `commit/${session}`, { path: "", body: twice })).status, 400);
  for (
    const left of [{}, { files: 1 }, { files: [1] }, { files: [{ path: "../x" }] }, { files: Array(1001) }]
  ) {
    const body = JSON.stringify(left);
    assertEquals(
      (await call(server, "POST", `left/${session}`, { path: "", body })).status,
      400,
      body.slice(0, 60),
    );
  }
});

attack("first copies whose names collide, or that come upon what is there", async (server, dir) => {
  const session = crypto.randomUUID();
  await using _push = await begin(server, session, { path: "fresh" });
  const put = async (told: string[]) => {
    const body = named(told, told.map((path) => `of ${path}`));
    return codes((await call(server, "PUT", `stage/${session}?first=1`, { path: "fresh", body })).text);
  };
  // A file twice, a file where a folder is, a folder where a file is, and the same numbers again.
  assertEquals(await put(["a", "a", "d/f", "d", "a/below"]), [null, null, null, null, "conflict"]);
  assertEquals(await put(["b/c", "b/c"]), [null, null]);
  const operations = [0, 1].map((stage) => (
    { op: "file", path: "b/c", stage, mode: 0o644, mtime: MTIME, expect: null }
  ));
  const done = await call(server, "POST", `commit/${session}`, { path: "fresh", body: commit(operations) });
  assertEquals(codes(done.text)[0], null);
  // Somebody else is quicker.
  Deno.mkdirSync(dir.at("share/fresh/b"), { recursive: true });
  const finished = await call(server, "POST", `finish/${session}`, { path: "fresh" });
  assertEquals(
    JSON.parse(finished.text).problems.map(({ path, code }: Record<string, string>) => [path, code]),
    [
      ["b", "conflict"],
    ],
  );
  assertEquals([...Deno.readDirSync(dir.at("share/fresh"))].map(({ name }) => name), ["b"]);
  Deno.removeSync(dir.at("share/fresh"), { recursive: true });
});
