import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PACK_TYPE, PackBuilder } from "../lib/wire/pack.ts";
import { ferry, serve, tempDir } from "./harness.ts";

/** Runs `--input` over URLs; what `--json` tells of each, and what was written. */
async function fetchAll(urls: string[], args: string[] = []) {
  using dir = tempDir();
  const run = await ferry(["request", "--input", "-", "--output-dir", dir.path, "--json", "-q", ...args], {
    stdin: urls.join("\n"),
  });
  const told = run.stdout.replaceAll(dir.path, "").trim().split("\n").filter((line) => line !== "").map(
    (line) => {
      const { ms: _, ...rest } = JSON.parse(line);
      return rest;
    },
  ).sort((a, b) => a.url < b.url ? -1 : 1);
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  const files = names.map((name) => [name, Deno.readTextFileSync(dir.at(name))]);
  return {
    code: run.code,
    told,
    files,
    errors: run.stderr.replaceAll(dir.path, "").trim().split("\n").sort(),
  };
}

/** How many requests of each kind a server's log has. */
function requestsIn(log: string) {
  return {
    packs: log.split("\n").filter((line) => line.includes("/.ferry/v1/pack")).length,
    gets: log.split("\n").filter((line) => /"GET \/(?!\.ferry)/.test(line)).length,
  };
}

Deno.test("request brings many small files of a Ferry in packs, and tells of them as of single ones", async () => {
  const tree: Record<string, string> = {
    "deep/.hidden": "not to be had",
    "deep/large": "x".repeat(2_000_000),
  };
  // Enough for more packs than are under way at a time, so that memory is used again.
  for (let n = 0; n < 450; n++) tree[`deep/d${n % 7}/file ${n} ü.txt`] = `content ${n} `.repeat(n % 50);
  using dir = tempDir(tree);
  Deno.symlinkSync("large", dir.at("deep/link"));
  await using server = await serve(dir.path, ["--log", "combined"]);
  const urls = Object.keys(tree).map((path) =>
    `${server.url}/${path.split("/").map(encodeURIComponent).join("/")}`
  );
  urls.splice(40, 0, `${server.url}/deep/none`, `${server.url}/deep/link`, `${server.url}/deep/d1`);
  urls.splice(90, 0, `${server.url}/deep/d0/file%200%20%C3%BC.txt?x=1`, `${server.url}//deep/other`);
  const packed = await fetchAll(urls);
  const single = await fetchAll(urls, ["--parallel", "1"]);
  await server.stop();
  assertEquals(packed, single);
  assertEquals([packed.code, packed.files.length], [23, 453]);
  const { packs, gets } = requestsIn(server.log());
  assert(packs > 3 && gets < urls.length + 60, `${packs} packs and ${gets} single requests`);
});

Deno.test("request takes packs with the rights of its user, and for those files alone that this user may read", async () => {
  const tree: Record<string, string> = {};
  for (let n = 0; n < 120; n++) tree[`${n % 2 === 0 ? "open" : "closed"}/f${n}`] = `${n}`;
  using dir = tempDir(tree);
  const users = ["--anonymous", "none", "--auth", "ann:secret1@/:r", "--auth", "bob:secret2@/open:r"];
  await using server = await serve(dir.path, ["--log", "combined", ...users]);
  const urls = Object.keys(tree).map((path) => `${server.url}/${path}`);
  const ann = await fetchAll(urls, ["-u", "ann:secret1"]);
  assertEquals([ann.code, ann.files.length], [0, 120]);
  const bob = await fetchAll(urls, ["-u", "bob:secret2"]);
  assertEquals([bob.code, bob.files.length], [67, 60]);
  assertEquals(bob.told.filter(({ error }) => error).length, 60);
  assertEquals((await fetchAll(urls)).code, 67);
  await server.stop();
  assert(requestsIn(server.log()).packs > 0);
});

/** How a server that calls itself a Ferry answers a request for these files. */
type Packer = (files: string[]) => Response | Promise<Response>;

/** A server of `/N` with `content N`, whose packs are not what they should be. */
function lying(pack: Packer) {
  const seen = { packs: 0, gets: 0 };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/.ferry/v1/info") {
      return Response.json({ ferry: "9", protocol: 1, kind: "dir", permissions: "r" });
    }
    if (pathname === "/.ferry/v1/pack") {
      seen.packs++;
      return await pack((await request.json()).files);
    }
    seen.gets++;
    const headers = { "x-content-type-options": "nosniff", etag: `"${pathname}"` };
    return new Response(`content ${pathname.slice(1)}`, { headers });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A pack of these files, with what is right in it. */
function packOf(
  files: string[],
  change: (index: number) => { index?: number; content?: string } | null = () => ({}),
) {
  const builder = new PackBuilder(new ArrayBuffer(1 << 20));
  files.forEach((name, at) => {
    const frame = change(at);
    if (frame === null) return;
    const content = new TextEncoder().encode(frame.content ?? `content ${name}`);
    builder.addFile({ kind: "file", index: frame.index ?? at, mtime: 0, mode: 0o644, content });
  });
  return builder.finish();
}

const respond = (bytes: Uint8Array<ArrayBuffer>) =>
  new Response(bytes, { headers: { "content-type": PACK_TYPE } });

Deno.test("request never takes a wrong byte from a server that lies in its packs", async () => {
  const damage = (bytes: Uint8Array<ArrayBuffer>) => {
    bytes[8 + 28 + 3] ^= 1;
    return bytes;
  };
  const cases: [name: string, packer: Packer, good: boolean][] = [
    ["honest", (files) => respond(packOf(files)), true],
    ["a content that does not fit its checksum", (files) => respond(damage(packOf(files))), true],
    ["a frame that nobody asked for", (files) => respond(packOf(files, (at) => ({ index: at + 1 }))), false],
    ["a frame twice", (files) => respond(packOf(files, (at) => ({ index: Math.min(at, 3) }))), false],
    ["some left out", (files) => respond(packOf(files, (at) => at % 2 ? null : {})), true],
    ["cut", (files) => respond(packOf(files).slice(0, -40)), false],
    ["no pack", () => new Response("what?"), false],
    ["refused", () => new Response("no", { status: 403 }), false],
    ["empty", () => new Response(null), false],
    ["endless", () => new Response(endless()), false],
  ];
  await Promise.all(cases.map(async ([name, packer, good]) => {
    await using server = lying(packer);
    const urls = Array.from({ length: 200 }, (_, n) => `${server.url}/${n}`);
    const { code, files, told, errors } = await fetchAll(urls);
    assertEquals([name, code, errors], [name, 0, [""]]);
    assertEquals(files, urls.map((_, n) => [`${n}`, `content ${n}`]).sort());
    assertEquals([told.length, new Set(told.map(({ url }) => url)).size], [200, 200]);
    // One that cannot be trusted is not asked again for long.
    assert(server.seen.packs > 0 && (good || server.seen.packs <= 3), `${name}: ${server.seen.packs} packs`);
  }));
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) });
}

Deno.test("request does not ask other servers for packs", async () => {
  const paths: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    paths.push(new URL(request.url).pathname);
    return new Response("x", {
      headers: { server: "nginx", etag: '"x"', "x-content-type-options": "nosniff" },
    });
  });
  const urls = Array.from({ length: 100 }, (_, n) => `http://127.0.0.1:${server.addr.port}/${n}`);
  const { code, files } = await fetchAll(urls);
  await server.shutdown();
  assertEquals([code, files.length], [0, 100]);
  assertEquals(paths.filter((path) => path.startsWith("/.ferry")), []);
  assertStringIncludes(paths.join(), "/99");
});
