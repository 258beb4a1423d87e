/** New versions of large files travel as what is new in them; and come right whatever happens to that on the way. */
import { assert, assertEquals } from "@std/assert";
import { CHUNKS_TYPE, DELTA_TYPE, REQUEST_TYPE } from "../lib/wire/delta.ts";
import { encodeRequest } from "../lib/wire/delta_request.ts";
import { newSignatures } from "../lib/delta/signature.ts";
import { cuttingProxy } from "./cutting_proxy.ts";
import { serve, type Server, type TempDir, tempDir } from "./harness.ts";
import { assertNothing, paths, sync, type SyncRun } from "./sync_fixtures.ts";

const SIZE = 3_000_000;

/** Random bytes that are the same every time. */
function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    words[i] = state ^= state << 5;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** `old` with an insertion, an overwritten part, a deletion, and a tail. */
function edited(old: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts = [
    old.subarray(0, 700_000),
    noise(1000, 2),
    old.subarray(700_000, 1_500_000),
    noise(2000, 3),
    old.subarray(1_502_000, 2_200_000),
    old.subarray(2_203_000),
    noise(500, 4),
  ];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const OLD = noise(SIZE);
const NEW = edited(OLD);

/** `src` and `dst` with the files given, those of `dst` older. */
function sides(src: Record<string, Uint8Array>, dst: Record<string, Uint8Array>): TempDir {
  const dir = tempDir({ src: null, dst: null });
  const write = (side: string, files: Record<string, Uint8Array>, time: number) => {
    for (const [name, content] of Object.entries(files)) {
      Deno.writeFileSync(dir.at(`${side}/${name}`), content);
      Deno.utimeSync(dir.at(`${side}/${name}`), time, time);
    }
  };
  write("src", src, 1_700_000_000);
  write("dst", dst, 1_600_000_000);
  return dir;
}

function assertSame(dir: TempDir, ...names: string[]): void {
  for (const name of names) {
    const [a, b] = ["src", "dst"].map((side) => Deno.readFileSync(dir.at(`${side}/${name}`)));
    assert(a.length === b.length && a.every((byte, i) => byte === b[i]), `${name} is not what was sent`);
    const [from, to] = ["src", "dst"].map((side) => Deno.statSync(dir.at(`${side}/${name}`)));
    assertEquals([to.mtime, to.mode], [from.mtime, from.mode]);
  }
}

const bytesOf = ({ done }: SyncRun) => Number(done.bytes_sent) + Number(done.bytes_received);

type Direction = "pull" | "push";
const DIRECTIONS: readonly Direction[] = ["pull", "push"];

/** The two places of a run in `direction`, with what stands between when `by` is given. */
async function run(dir: TempDir, direction: Direction, by?: (url: string) => Proxy): Promise<SyncRun> {
  await using server = await serve(dir.at(direction === "pull" ? "src" : "dst"), ["--writable"]);
  await using proxy = by?.(server.url) ?? null;
  const url = proxy?.url ?? server.url;
  const first = await sync(direction === "pull" ? [url, dir.at("dst")] : [dir.at("src"), url]);
  if (first.code === 0) {
    assertNothing(await sync(direction === "pull" ? [url, dir.at("dst")] : [dir.at("src"), url]));
  }
  return first;
}

for (const direction of DIRECTIONS) {
  Deno.test(`sync sends only what is new in a large file (${direction})`, async () => {
    using dir = sides({ f: NEW }, { f: OLD });
    const result = await run(dir, direction);
    assertEquals([result.code, result.changes, result.problems], [0, ["update f"], []]);
    assertSame(dir, "f");
    // Literals of 3,500 bytes, the rest of four blocks, signatures of about 300 KB, a list of 90 chunks.
    assert(bytesOf(result) < 25_000, `${bytesOf(result)} bytes`);
    assertEquals(result.done.bytes_content, NEW.length);
    assertEquals(paths(dir.path).filter((path) => path.includes(".ferry")), []);
  });

  Deno.test(`sync sends only what is new in files of 256 KiB (${direction})`, async () => {
    const [old, wanted] = [OLD.slice(0, 300_000), OLD.slice(0, 300_000)];
    wanted.set(noise(100, 5), 150_000);
    const small = noise(200_000, 6);
    using dir = sides({ f: wanted, small }, { f: old, small: small.slice(1) });
    const result = await run(dir, direction);
    assertEquals([result.code, result.changes.sort()], [0, ["update f", "update small"]]);
    assertSame(dir, "f", "small");
    assert(bytesOf(result) > 200_000 && bytesOf(result) < 210_000, `${bytesOf(result)} bytes`);
  });

  Deno.test(`sync compresses what is new (${direction})`, async () => {
    const line = new TextEncoder().encode(
      "a line of a log that says the same again and again\n".repeat(30_000),
    );
    using dir = sides({ f: new Uint8Array([...OLD, ...line]) }, { f: OLD });
    const result = await run(dir, direction);
    assertEquals([result.code, result.changes], [0, ["update f"]]);
    assertSame(dir, "f");
    assert(bytesOf(result) < 10_000, `${bytesOf(result)} bytes`);
  });

  Deno.test(`sync makes a new file from one beside it that it resembles (${direction})`, async () => {
    using dir = sides({ "app-1.10.bin": NEW, "app-1.9.bin": OLD }, { "app-1.9.bin": OLD });
    Deno.utimeSync(dir.at("dst/app-1.9.bin"), 1_700_000_000, 1_700_000_000);
    const result = await run(dir, direction);
    assertEquals([result.code, result.changes], [0, ["create app-1.10.bin"]]);
    assertSame(dir, "app-1.10.bin");
    assert(bytesOf(result) < 25_000, `${bytesOf(result)} bytes`);
  });

  Deno.test(`sync sends whole what only looks alike by its name (${direction})`, async () => {
    const photos = Object.fromEntries(
      [1, 2, 3, 4, 5].map((n) => [`IMG_${n}.jpg`, noise(1_200_000, 100 + n)]),
    );
    using dir = sides({ ...photos, "IMG_0.jpg": OLD }, { "IMG_0.jpg": OLD });
    Deno.utimeSync(dir.at("dst/IMG_0.jpg"), 1_700_000_000, 1_700_000_000);
    const result = await run(dir, direction);
    assertEquals([result.code, result.changes.length], [0, 5]);
    assertSame(dir, ...Object.keys(photos));
    assert(bytesOf(result) < 5 * 1_200_000 + 20_000, `${bytesOf(result)} bytes`);
  });
}

Deno.test("sync copies from folder to folder without a delta", async () => {
  using dir = sides({ f: NEW }, { f: OLD });
  const result = await sync([dir.at("src"), dir.at("dst")]);
  assertEquals([result.code, result.changes, bytesOf(result)], [0, ["update f"], 0]);
  assertSame(dir, "f");
});

Deno.test("sync sends a delta from one server to another", async () => {
  using dir = sides({ f: NEW }, { f: OLD });
  await using from = await serve(dir.at("src"));
  await using to = await serve(dir.at("dst"), ["--writable"]);
  const result = await sync([from.url, to.url]);
  assertEquals([result.code, result.changes], [0, ["update f"]]);
  assertSame(dir, "f");
  assert(bytesOf(result) < 50_000, `${bytesOf(result)} bytes`);
});

interface Proxy extends AsyncDisposable {
  url: string;
  /** How often something was changed. */
  count(): number;
}

/** What happens to a call: the answer of `next`, which asks the server, or another. */
type Meddle = (
  request: Request,
  next: (body?: ReadableStream<Uint8Array>) => Promise<Response>,
) => Promise<Response>;

/** Stands before a server and lets everything through but the calls of `what`, as `METHOD name`. */
function meddling(what: string, meddle: Meddle) {
  let count = 0;
  return (server: string): Proxy => {
    const proxy = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const next = () => {
        const { method, body } = request;
        const headers = new Headers(request.headers);
        return fetch(server + pathname + search, { method, headers, body });
      };
      const name = pathname.split("/")[3];
      if (`${request.method} ${name}` !== what) return await next();
      count++;
      return await meddle(request, next);
    });
    return {
      url: `http://127.0.0.1:${proxy.addr.port}`,
      count: () => count,
      [Symbol.asyncDispose]: () => proxy.shutdown(),
    };
  };
}

/** The answer of the server with its bytes changed. */
function changed(change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): Meddle {
  return async (_, next) => {
    const response = await next();
    const type = response.headers.get("content-type") ?? "";
    return new Response(change(new Uint8Array(await response.arrayBuffer())), {
      status: response.status,
      headers: { "content-type": type },
    });
  };
}

const flipped = (at: number) =>
  changed((bytes) => {
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    return bytes;
  });
const cut = (to: number) => changed((bytes) => bytes.slice(0, to));
const status = (code: number): Meddle => async (request) => {
  await request.body?.cancel();
  return new Response(JSON.stringify({ status: code, detail: "no" }), {
    status: code,
    headers: { "content-type": "application/problem+json" },
  });
};
const outcome: Meddle = async (request) => {
  await request.arrayBuffer();
  return Response.json({ outcomes: [{ code: "bad_content", message: "no" }] });
};

const TROUBLES: [Direction, string, string, Meddle][] = [
  ["pull", "GET chunks", "a server that does not know the call", status(404)],
  ["pull", "GET chunks", "a server in trouble", status(500)],
  ["pull", "GET chunks", "another magic", flipped(0)],
  ["pull", "GET chunks", "a wrong chunk", flipped(40)],
  ["pull", "GET chunks", "a file that changed while it was listed", flipped(-1)],
  ["pull", "GET chunks", "half a header", cut(20)],
  ["pull", "GET chunks", "half a list", cut(300)],
  ["pull", "GET chunks", "a list without its end", cut(-5)],
  ["pull", "POST delta", "a file that changed meanwhile", status(409)],
  ["pull", "POST delta", "a server with too much to do", status(503)],
  ["pull", "POST delta", "no delta", flipped(3)],
  ["pull", "POST delta", "half a delta", cut(1000)],
  ["pull", "POST delta", "a delta without its end", cut(-45)],
  ["pull", "POST delta", "a delta without its digest", cut(-20)],
  ["pull", "POST delta", "a wrong digest of the whole", flipped(-1)],
  ["pull", "POST delta", "a wrong literal", flipped(-100)],
  ["pull", "POST delta", "a file that changed while it was read", flipped(-33)],
  ["pull", "POST delta", "more behind the end", changed((bytes) => new Uint8Array([...bytes, ...bytes]))],
  ["push", "POST delta", "a server that does not know the call", status(404)],
  ["push", "POST delta", "a server in trouble", status(500)],
  ["push", "POST delta", "a request that is none", flipped(0)],
  ["push", "POST delta", "a request for what is not there", flipped(36)],
  ["push", "POST delta", "half a request", cut(100)],
  ["push", "POST delta", "a server that finds nothing", async (request) => {
    await request.arrayBuffer();
    return new Response(null, { status: 204 });
  }],
  ["push", "PUT delta", "a server that lost the list", status(409)],
  ["push", "PUT delta", "a result that is not right", outcome],
];

for (const [direction, call, label, meddle] of TROUBLES) {
  Deno.test(`sync brings the whole file over after ${label} (${call})`, async () => {
    using dir = sides({ f: NEW }, { f: OLD });
    let proxy: Proxy | undefined;
    const between = meddling(call, meddle);
    const result = await run(dir, direction, (url) => proxy = between(url));
    assertEquals([result.code, result.stderr, result.changes, result.problems], [0, "", ["update f"], []]);
    assert(proxy!.count() > 0, "nothing went wrong");
    assertSame(dir, "f");
    // What had come of a delta before it went wrong is gone on with.
    const begun = call === "POST delta" && direction === "pull" && !label.includes("server") &&
      !label.includes("meanwhile");
    assert(begun || bytesOf(result) > NEW.length, `${bytesOf(result)} bytes`);
    assertEquals(result.done.bytes_content, NEW.length);
    assertEquals(paths(dir.path).filter((path) => path.includes(".ferry")), []);
  });
}

for (const direction of DIRECTIONS) {
  Deno.test(`sync goes on with a delta where its connection broke (${direction})`, async () => {
    const added = 12_000_000;
    const wanted = new Uint8Array(NEW.length + added);
    wanted.set(NEW.subarray(0, 1_000_000));
    wanted.set(noise(added, 9), 1_000_000);
    wanted.set(NEW.subarray(1_000_000), 1_000_000 + added);
    using dir = sides({ f: wanted }, { f: OLD });
    await using server = await serve(dir.at(direction === "pull" ? "src" : "dst"), ["--writable"]);
    await using proxy = cuttingProxy(server.port, [9_000_000]);
    const result = await sync(
      direction === "pull" ? [proxy.url, dir.at("dst")] : [dir.at("src"), proxy.url],
    );
    assertEquals([result.code, result.stderr, result.changes, result.problems], [0, "", ["update f"], []]);
    assertEquals(proxy.cuts(), 1);
    assertSame(dir, "f");
    // What the receiver had in its hands of the nine million bytes did not come again; nor did what is old.
    assert(bytesOf(result) < 9_000_000 + added, `${bytesOf(result)} bytes`);
    assertEquals(paths(dir.path).filter((path) => path.includes(".ferry")), []);
  });
}

Deno.test("sync without leave to read pushes the whole file", async () => {
  using dir = sides({ f: NEW }, { f: OLD });
  await using server = await serve(dir.at("dst"), [
    "--anonymous",
    "none",
    "--auth",
    "u:p@/:rw",
    "--auth",
    "w:p@/:w",
  ]);
  const url = server.url.replace("//", "//u:p@");
  assertEquals((await sync([dir.at("src"), url])).changes, ["update f"]);
  assertSame(dir, "f");
  // What a delta says about the old version is for those who may read it.
  const list = new Blob([new Uint8Array(100)]);
  for (const [user, code] of [["u:p", 400], ["w:p", 403]] as const) {
    await using push = await begun(server, user);
    const response = await deltaCall(server, `delta/${push.id}/0?file=f&base=f`, { user, body: list });
    assertEquals(response.status, code);
  }
});

async function deltaCall(
  server: Server,
  call: string,
  { method = "POST", body, user, type = CHUNKS_TYPE }: {
    method?: string;
    body?: BodyInit;
    user?: string;
    type?: string;
  },
) {
  const headers: Record<string, string> = { "content-type": type };
  if (user !== undefined) headers.authorization = `Basic ${btoa(user)}`;
  const mark = call.includes("?") ? "&" : "?";
  const url = `${server.url}/.ferry/v1/${call}${mark}path=`;
  const response = await fetch(url, { method, body, headers });
  await response.body?.cancel();
  return response;
}

/** A push that has begun, until its scope ends. */
async function begun(server: Server, user?: string) {
  const id = crypto.randomUUID();
  const headers: Record<string, string> = user === undefined ? {} : { authorization: `Basic ${btoa(user)}` };
  const url = `${server.url}/.ferry/v1/session/${id}?path=`;
  const body = JSON.stringify({ holder: { source: "a test", host: "here", pid: 1, since: 0 } });
  const response = await fetch(url, { method: "POST", headers, body });
  assertEquals(response.status, 200);
  const end = async () => {
    await (await fetch(url, { method: "DELETE", headers })).body?.cancel();
    await response.body?.cancel();
  };
  return { id, [Symbol.asyncDispose]: end };
}

Deno.test("serve refuses deltas that no honest client would send", async () => {
  using dir = sides({ f: NEW }, {});
  Deno.writeTextFileSync(dir.at("secret"), "secret");
  Deno.symlinkSync("../secret", dir.at("src/out"));
  await using server = await serve(dir.at("src"), ["--writable"]);
  const { size, mtime } = { size: NEW.length, mtime: 1_700_000_000_000 };
  const signatures = newSignatures(0, 256, 2);
  const request = encodeRequest({ size, mtime, codecs: 2, ranges: [{ start: 0, length: 10 }], signatures });
  const other = encodeRequest({ size: size - 1, mtime, codecs: 2, ranges: [], signatures });
  await using push = await begun(server);
  const session = push.id;
  const cases: [string, string, string, Uint8Array<ArrayBuffer> | undefined, number][] = [
    ["GET", "chunks", "no file", undefined, 400],
    ["GET", "chunks?file=none", "a file that is not there", undefined, 409],
    ["GET", "chunks?file=out", "a link", undefined, 409],
    ["GET", "chunks?file=../secret", "a path that leads out", undefined, 400],
    ["GET", "chunks?file=.ferry/x", "a reserved path", undefined, 400],
    ["POST", "delta?file=f", "an honest request", request, 200],
    ["POST", "delta?file=f", "another version", other, 409],
    ["POST", "delta?file=f", "no request", new Uint8Array(50), 400],
    ["POST", "delta?file=f", "a request that is too long", new Uint8Array(17 * 1024 * 1024), 413],
    ["POST", "delta?file=out", "a link", request, 409],
    ["POST", `delta/${session}/0?file=f&base=f`, "no list", new Uint8Array(50), 400],
    ["POST", `delta/${session}/x?file=f&base=f`, "no number", new Uint8Array(50), 400],
    ["POST", `delta/${session}/0?file=f&base=../secret`, "a base that leads out", new Uint8Array(50), 400],
    ["POST", `delta/${session}/0?file=f&${"base=f&".repeat(5)}`, "too many bases", new Uint8Array(50), 400],
    ["PUT", `delta/${session}/0`, "a delta without a list", new Uint8Array(50), 409],
  ];
  for (const [method, call, label, body, code] of cases) {
    const type = method === "PUT" ? DELTA_TYPE : REQUEST_TYPE;
    const response = await deltaCall(server, call, { method, body, type });
    assertEquals([label, response.status], [label, code]);
  }
});
