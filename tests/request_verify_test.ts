import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { ferry, serve, type Server, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

const BODY = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join("");
const MB = 1024 * 1024;

function field(data: string | Uint8Array, algorithm = "sha-256"): string {
  return `${algorithm}=:${createHash(algorithm.replace("-", "")).update(data).digest("base64")}:`;
}

/** Bytes that no other file has, and no two chunks of it either. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, state = 12345; i < words.length; i++) {
    words[i] = state = Math.imul(state, 1664525) + 1013904223;
  }
  return new Uint8Array(words.buffer, 0, size);
}

const RIGHT = field(BODY), WRONG = field("something else");

Deno.test("request checks what the server says of the body, into a file and into a pipe", async () => {
  const cases: [about: string, headers: string[], code: number, args?: string[]][] = [
    ["a right Repr-Digest", [`Repr-Digest: ${RIGHT}`], 0],
    ["a wrong Repr-Digest", [`Repr-Digest: ${WRONG}`], 43],
    ["a wrong Content-Digest", [`Content-Digest: ${WRONG}`], 43],
    ["a right SHA-512", [`Repr-Digest: ${field(BODY, "sha-512")}`], 0],
    ["a wrong SHA-512 beside a right SHA-256", [`Repr-Digest: ${RIGHT}, ${field("x", "sha-512")}`], 43],
    ["an algorithm that nobody can check", ["Repr-Digest: md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"], 0],
    ["a malformed one", ["Repr-Digest: sha-256=rubbish"], 0],
    ["a wrong one, told once the body is there", ["ferry-digest: later"], 43],
    ["a right one, which is not what is demanded", [`Repr-Digest: ${RIGHT}`], 43, [
      "--checksum",
      `sha256:${await sha256("x")}`,
    ]],
  ];
  await using server = hostile(async (visit) => {
    // To anything else, as the list of chunks, it says nothing at all.
    if (!/^\/\d$/.test(visit.target)) return;
    const [, headers] = cases[Number(visit.target.slice(1))];
    const later = visit.method === "HEAD" ? [`Repr-Digest: ${WRONG}`] : [];
    await visit.answer("200 OK", BODY, 'ETag: "v1"', ...headers, ...later);
  });
  await Promise.all(cases.map(async ([about, , code, args = []], index) => {
    using dir = tempDir();
    const url = `${server.url}/${index}`;
    const saved = await ferry(["request", ...args, "-o", dir.at("f"), url]);
    assertEquals([about, saved.code], [about, code], saved.stderr);
    assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), code === 0 ? ["f"] : []);
    const piped = await ferry(["request", ...args, url]);
    assertEquals([about, piped.code, piped.stdout], [about, code, BODY], piped.stderr);
    if (code !== 0) assertStringIncludes(piped.stderr, url);
  }));
  const gets = server.visits.filter(({ method, target }) => method === "GET" && /^\/\d$/.test(target));
  assertEquals(new Set(gets.map(({ headers }) => headers.get("want-repr-digest"))), new Set(["sha-256=1"]));
});

Deno.test("request compares no digest with what it is not about", async () => {
  await using breaking = hostile(async (visit) => {
    const [from, last] = /bytes=(\d+)-(\d+)/.exec(visit.headers.get("range") ?? "")!.slice(1).map(Number);
    const range = `Content-Range: bytes ${from}-${last}/${BODY.length}`;
    const lines = [range, 'ETag: "v1"', `Repr-Digest: ${RIGHT}`, `Content-Length: ${last + 1 - from}`];
    await visit.head("HTTP/1.1 206 Partial Content", ...lines);
    await visit.send(BODY.slice(from, Math.min(last + 1, from + 50)));
  });
  const resumed = await ferry(["request", "-r", "100-199", breaking.url]);
  assertEquals([resumed.code, resumed.stdout], [0, BODY.slice(100, 200)], resumed.stderr);
  await using server = hostile(async (visit) => {
    if (visit.headers.has("range")) {
      const range = "Content-Range: bytes 0-9/10000";
      const digests = [`Repr-Digest: ${WRONG}`, `Content-Digest: ${field(BODY.slice(0, 10))}`];
      await visit.answer("206 Partial Content", BODY.slice(0, 10), range, ...digests);
    } else await visit.answer("404 Not Found", BODY, `Repr-Digest: ${WRONG}`);
  });
  assertEquals((await ferry(["request", "-r", "0-9", server.url])).code, 0);
  assertEquals((await ferry(["request", "-I", server.url])).code, 22);
  assertEquals((await ferry(["request", "--no-fail", server.url])).code, 0);
  assertEquals((await ferry(["request", "POST", "-d", "x", "--no-fail", server.url])).code, 0);
});

Deno.test("request checks a digest over all that it put together, and the user's own wish for one stands", async () => {
  for (const digest of [RIGHT, WRONG]) {
    await using server = hostile(async (visit) => {
      const from = Number(/bytes=(\d+)/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
      const lines = ['ETag: "v1"', `Repr-Digest: ${digest}`, `Content-Length: ${BODY.length - from}`];
      if (from > 0) lines.push(`Content-Range: bytes ${from}-${BODY.length - 1}/${BODY.length}`);
      await visit.head(from > 0 ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK", ...lines);
      await visit.send(BODY.slice(from, visit.index % 2 === 0 ? 5000 : undefined));
    });
    const code = digest === RIGHT ? 0 : 43;
    const piped = await ferry(["request", "-q", "-H", "Want-Repr-Digest: sha-512=10", server.url]);
    assertEquals([piped.code, piped.stdout], [code, BODY], piped.stderr);
    assertEquals(server.visits[1].headers.get("want-repr-digest"), "sha-512=10");
    using dir = tempDir();
    assertEquals((await ferry(["request", "-q", "-o", dir.at("f"), server.url])).code, code);
    assertEquals([...Deno.readDirSync(dir.path)].length, code === 0 ? 1 : 0);
  }
});

/** Bytes of bodies that `server` has sent, by its log. */
function sent(server: Server): number {
  const lines = server.log().split("\n").filter((line) => line.startsWith("{"));
  return lines.reduce((sum, line) => sum + JSON.parse(line).bytes, 0);
}

Deno.test("request -C mends a damaged file of a ferry serve by ranges, and a damaged part of one", async () => {
  const content = noise(20 * MB);
  using dir = tempDir({ "share/sub/big file": content });
  await using server = await serve(dir.at("share"), ["--log", "json"]);
  const url = `${server.url}/sub/big%20file`;
  const etag = (await fetch(url, { method: "HEAD" })).headers.get("etag")!;
  const damaged = content.slice();
  damaged[9 * MB + 17] ^= 1;

  Deno.writeFileSync(dir.at("f"), damaged);
  const whole = await ferry(["request", "-C", "--json", "-o", dir.at("f"), url]);
  assertEquals(whole.code, 0, whole.stderr);
  assertEquals(
    createHash("sha256").update(Deno.readFileSync(dir.at("f"))).digest("hex"),
    await sha256(content),
  );
  assertStringIncludes(whole.stderr, "repaired");
  const told = JSON.parse(whole.stdout);
  assert(told.repaired > 0 && told.repaired < MB && told.sha256 === await sha256(content), whole.stdout);

  Deno.writeFileSync(dir.at("g.ferry-part"), damaged.subarray(0, 19 * MB + MB / 2));
  const validator = { kind: "etag", value: etag };
  Deno.writeTextFileSync(
    dir.at("g.ferry-part.json"),
    JSON.stringify({ url, size: content.length, validator, boot: null }),
  );
  const part = await ferry(["request", "-C", "--json", "-o", dir.at("g"), url]);
  assertEquals(part.code, 0, part.stderr);
  assertEquals(
    createHash("sha256").update(Deno.readFileSync(dir.at("g"))).digest("hex"),
    await sha256(content),
  );
  const { repaired, resumed } = JSON.parse(part.stdout);
  assert(repaired > 0 && repaired < MB / 2 && resumed, part.stdout);

  // What is right already is not fetched.
  const again = await ferry(["request", "-C", "--json", "-o", dir.at("g"), url]);
  assertEquals([again.code, JSON.parse(again.stdout).repaired], [0, undefined]);
  await server.stop();
  assert(sent(server) < 2 * MB, server.log());
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(), ["f", "g", "share"]);
});

Deno.test("request mends what is damaged on the way from a ferry serve, and ends a pipe with 43", async () => {
  const content = noise(4 * MB);
  using dir = tempDir({ "share/f": content });
  await using server = await serve(dir.at("share"));
  // It changes one byte of every answer that is long.
  const between = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const answer = await fetch(server.url + pathname + search, { headers: request.headers });
    const body = new Uint8Array(await answer.arrayBuffer());
    if (body.length > MB) body[3 * MB] ^= 1;
    return new Response(body, { status: answer.status, headers: answer.headers });
  });
  const url = `http://127.0.0.1:${between.addr.port}/f`;
  const saved = await ferry(["request", "--json", "-o", dir.at("f"), url]);
  assertEquals(saved.code, 0, saved.stderr);
  assertEquals(Deno.readFileSync(dir.at("f")), content);
  assert(JSON.parse(saved.stdout).repaired < MB, saved.stdout);
  const piped = await ferry(["request", url]);
  assertEquals([piped.code, piped.stdoutBytes.length], [43, content.length], piped.stderr);
  await between.shutdown();
});

Deno.test("request -C fetches anew what cannot be mended", async () => {
  const content = noise(2 * MB);
  using dir = tempDir({ "share/f": content, "f": noise(2 * MB).fill(7, 0, 1.5 * MB) });
  // Another file altogether.
  await using server = await serve(dir.at("share"));
  const run = await ferry(["request", "-C", "--json", "-o", dir.at("f"), `${server.url}/f`]);
  assertEquals([run.code, JSON.parse(run.stdout).repaired, JSON.parse(run.stdout).bytes], [
    0,
    undefined,
    content.length,
  ]);
  assertEquals(Deno.readFileSync(dir.at("f")), content);

  // A damaged part, of a server that has no list of chunks.
  await using plain = hostile(async (visit) => {
    const from = Number(/bytes=(\d+)/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
    if (visit.target !== "/x") return await visit.answer("404 Not Found");
    const range = `Content-Range: bytes ${from}-${BODY.length - 1}/${BODY.length}`;
    const lines = ['ETag: "v1"', `Repr-Digest: ${RIGHT}`, ...(from > 0 ? [range] : [])];
    await visit.answer(from > 0 ? "206 Partial Content" : "200 OK", BODY.slice(from), ...lines);
  });
  const url = plain.url + "/x";
  Deno.writeTextFileSync(dir.at("p.ferry-part"), "damaged");
  const validator = { kind: "etag", value: '"v1"' };
  Deno.writeTextFileSync(
    dir.at("p.ferry-part.json"),
    JSON.stringify({ url, size: BODY.length, validator, boot: null }),
  );
  const part = await ferry(["request", "-C", "-o", dir.at("p"), url]);
  assertEquals([part.code, Deno.readTextFileSync(dir.at("p"))], [0, BODY], part.stderr);
  assertStringIncludes(part.stderr, "starting over");
});

Deno.test("request is told the digest of a large file once it has come, without the server reading it twice", async () => {
  using dir = tempDir({ "share": null });
  const large = dir.at("share/large");
  Deno.writeTextFileSync(large, "the beginning of it");
  Deno.truncateSync(large, 65 * MB);
  Deno.utimeSync(large, 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.at("share"), ["--log", "json"]);
  const first = await fetch(`${server.url}/large`, { headers: { "want-repr-digest": "sha-256=1" } });
  assertEquals([first.headers.get("ferry-digest"), first.headers.get("repr-digest")], ["later", null]);
  await first.body!.cancel();
  const run = await ferry([
    "request",
    "-v",
    "--checksum",
    `sha256:${"0".repeat(64)}`,
    "-o",
    dir.at("f"),
    `${server.url}/large`,
  ]);
  assertEquals(run.code, 43);
  assertStringIncludes(run.stderr, "HEAD /large");
  assertStringIncludes(run.stderr, "repr-digest: sha-256=:");
  // What does not match is the demand, not what the server says of it.
  assertStringIncludes(run.stderr, "--checksum demands");
});
