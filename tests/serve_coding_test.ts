import { assert, assertEquals, assertNotEquals } from "@std/assert";
import * as zlib from "node:zlib";
import { createHash } from "node:crypto";
import { rawRequest, serve, tempDir } from "./harness.ts";

const TEXT = Array.from({ length: 5000 }, (_, i) => `line ${i} of a text that shrinks\n`).join("");

/** An answer as it came over the wire: `fetch` would decode it, and hide that. */
async function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET") {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const request = `${method} ${path} HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`;
  const response = await rawRequest(port, request);
  const bytes = Uint8Array.from(response.body, (c) => c.charCodeAt(0));
  return { ...response, bytes, coding: response.headers.get("content-encoding") };
}

function decoded(bytes: Uint8Array, coding: string | null): string {
  switch (coding) {
    case "zstd":
      return new TextDecoder().decode(zlib.zstdDecompressSync(bytes));
    case "br":
      return new TextDecoder().decode(zlib.brotliDecompressSync(bytes));
    case "gzip":
      return new TextDecoder().decode(zlib.gunzipSync(bytes));
    default:
      return new TextDecoder().decode(bytes);
  }
}

function varies(headers: Headers): boolean {
  return (headers.get("vary") ?? "").split(/, */).includes("Accept-Encoding");
}

Deno.test("serve sends text in a coding that the client takes, with a length, and a tag of its own", async () => {
  using dir = tempDir({ "a.txt": TEXT });
  await using server = await serve(dir.path);
  const plain = await ask(server.port, "/a.txt");
  assertEquals([plain.coding, plain.body === TEXT, varies(plain.headers)], [null, true, true]);
  const tags = new Set([plain.headers.get("etag")]);
  for (const coding of ["gzip", "br"]) {
    const response = await ask(server.port, "/a.txt", { "accept-encoding": coding });
    assertEquals([response.status, response.coding, varies(response.headers)], [200, coding, true]);
    assertEquals(response.headers.get("content-length"), String(response.bytes.length));
    assertEquals(response.headers.get("content-type"), "text/plain; charset=UTF-8");
    assertEquals(response.headers.get("accept-ranges"), null);
    assert(response.bytes.length < TEXT.length / 5);
    assertEquals(decoded(response.bytes, coding), TEXT);
    const etag = response.headers.get("etag") ?? "";
    assert(etag.startsWith('"') && !tags.has(etag), etag);
    tags.add(etag);

    const head = await ask(server.port, "/a.txt", { "accept-encoding": coding }, "HEAD");
    assertEquals(head.headers.get("content-length"), String(response.bytes.length));
    assertEquals([head.coding, head.headers.get("etag"), head.body], [coding, etag, ""]);

    const again = await ask(server.port, "/a.txt", { "accept-encoding": coding, "if-none-match": etag });
    assertEquals([again.status, again.body, again.coding, again.headers.get("etag")], [304, "", null, etag]);
    assert(varies(again.headers));
    const other = await ask(server.port, "/a.txt", { "if-none-match": etag });
    assertEquals([other.status, other.body === TEXT], [200, true], "the plain one is another");
  }
  // The best of what a browser takes; zstd where the runtime has it.
  const browser = await ask(server.port, "/a.txt", { "accept-encoding": "gzip, deflate, br, zstd" });
  assert(browser.coding === "zstd" || browser.coding === "br", String(browser.coding));
  if (browser.coding === "br" || typeof zlib.zstdDecompressSync === "function") {
    assertEquals(decoded(browser.bytes, browser.coding), TEXT);
  }
  assertEquals((await ask(server.port, "/a.txt", { "accept-encoding": "gzip;q=0, identity" })).coding, null);
});

Deno.test("serve sends as it is what is small, large, packed already or does not shrink, and ranges", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(20_000));
  using dir = tempDir({
    "small.txt": "x".repeat(1023),
    "large.txt": "x".repeat(1024 * 1024 + 1),
    "a.png": TEXT,
    "noise.txt": noise,
    "a.txt": TEXT,
  });
  await using server = await serve(dir.path);
  for (const name of ["small.txt", "large.txt", "a.png"]) {
    const response = await ask(server.port, `/${name}`, { "accept-encoding": "gzip" });
    assertEquals(response.coding, null, name);
  }
  const response = await ask(server.port, "/noise.txt", { "accept-encoding": "gzip" });
  assertEquals([response.status, response.coding, varies(response.headers)], [200, null, true]);
  assert(response.bytes.every((byte, i) => byte === noise[i]) && response.bytes.length === noise.length);

  const coded = await ask(server.port, "/a.txt", { "accept-encoding": "gzip" });
  const tag = coded.headers.get("etag") ?? "";
  const range = { "accept-encoding": "gzip", "range": "bytes=5-9" };
  const part = await ask(server.port, "/a.txt", range);
  assertEquals([part.status, part.coding, part.body], [206, null, TEXT.slice(5, 10)]);
  assertNotEquals(part.headers.get("etag"), tag);
  // Half a coded content and half a plain one make neither.
  const resumed = await ask(server.port, "/a.txt", { ...range, "if-range": tag });
  assertEquals([resumed.status, decoded(resumed.bytes, resumed.coding) === TEXT], [200, true]);
});

Deno.test("serve keeps coded files in memory only while they stay as they are", async () => {
  using dir = tempDir({ "a.txt": TEXT, "noise.txt": crypto.getRandomValues(new Uint8Array(5000)) });
  await using server = await serve(dir.path);
  const read = async (name: string) => {
    const { bytes, coding, headers } = await ask(server.port, name, { "accept-encoding": "gzip" });
    return [coding, decoded(bytes, coding), headers.get("etag"), headers.get("vary")];
  };
  // Until they are old enough to be kept.
  await new Promise((resolve) => setTimeout(resolve, 3200));
  const first = await read("/a.txt");
  assertEquals(await read("/a.txt"), first);
  const noise = await read("/noise.txt");
  assertEquals(await read("/noise.txt"), noise);
  assertEquals((await ask(server.port, "/a.txt")).body, TEXT, "the plain one is not taken for it");
  const kept = await ask(server.port, "/a.txt", {
    "accept-encoding": "gzip",
    "if-none-match": String(first[2]),
  });
  assertEquals([kept.status, kept.coding, kept.headers.get("content-type")], [304, null, null]);
  Deno.writeTextFileSync(dir.at("a.txt"), TEXT.toUpperCase());
  assertEquals((await read("/a.txt"))[1], TEXT.toUpperCase());
});

Deno.test("serve takes the tag of a coded file for the file where it is changed", async () => {
  using dir = tempDir({ "a.txt": TEXT });
  await using server = await serve(dir.path, ["--writable"]);
  const tag = (await ask(server.port, "/a.txt", { "accept-encoding": "gzip" })).headers.get("etag") ?? "";
  const put = async (headers: Record<string, string>) => {
    const response = await fetch(`${server.url}/a.txt`, { method: "PUT", headers, body: "new" });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await put({ "if-none-match": tag }), 412);
  assertEquals(await put({ "if-match": tag.replace(/-/, "-9") }), 412);
  assertEquals(await put({ "if-match": tag }), 204);
  assertEquals(await put({ "if-match": tag }), 412, "it is another file by now");
});

Deno.test("serve --precompressed sends the file beside it, with ranges, unless that is older", async () => {
  const packed = zlib.gzipSync(TEXT, { level: 9 });
  using dir = tempDir({
    "app.js": TEXT,
    "app.js.gz": packed,
    "app.js.br": zlib.brotliCompressSync("an old version"),
    "big.bin": "plain",
    "big.bin.zst": "taken as it is",
    "index.html": "<p>" + TEXT,
    "index.html.gz": zlib.gzipSync("<p>" + TEXT),
  });
  for (const name of ["app.js", "big.bin", "index.html"]) {
    Deno.utimeSync(dir.at(name), 1_700_000_000, 1_700_000_000);
  }
  Deno.utimeSync(dir.at("app.js.br"), 1_600_000_000, 1_600_000_000);
  await using server = await serve(dir.path, ["--precompressed", "--no-compress", "--index", "index.html"]);
  const whole = await ask(server.port, "/app.js", { "accept-encoding": "gzip, br" });
  assertEquals([whole.coding, whole.bytes], ["gzip", new Uint8Array(packed)]);
  assertEquals(whole.headers.get("content-type"), "text/javascript; charset=UTF-8");
  assert(varies(whole.headers));
  const etag = whole.headers.get("etag") ?? "";
  const part = await ask(server.port, "/app.js", {
    "accept-encoding": "gzip",
    "range": "bytes=10-",
    "if-range": etag,
  });
  assertEquals([part.status, part.coding, part.bytes], [206, "gzip", new Uint8Array(packed.subarray(10))]);
  const again = await ask(server.port, "/app.js", { "accept-encoding": "gzip", "if-none-match": etag });
  assertEquals(again.status, 304);

  const plain = await ask(server.port, "/app.js");
  assertEquals([plain.coding, plain.body === TEXT, varies(plain.headers)], [null, true, true]);
  assertNotEquals(plain.headers.get("etag"), etag);
  const any = await ask(server.port, "/big.bin", { "accept-encoding": "zstd" });
  assertEquals([any.coding, any.body, any.headers.get("content-type")], [
    "zstd",
    "taken as it is",
    "application/octet-stream",
  ]);
  const index = await ask(server.port, "/", { "accept-encoding": "gzip" });
  assertEquals([index.coding, decoded(index.bytes, "gzip")], ["gzip", "<p>" + TEXT]);

  Deno.utimeSync(dir.at("app.js"), new Date(), new Date(Date.now() + 5000));
  assertEquals(
    (await ask(server.port, "/app.js", { "accept-encoding": "gzip" })).coding,
    null,
    "changed since",
  );

  await using other = await serve(dir.path, ["--no-compress"]);
  assertEquals(
    (await ask(other.port, "/big.bin", { "accept-encoding": "zstd" })).body,
    "plain",
    "only when told",
  );
});

Deno.test("serve codes listings, and tells the digest of what is coded", async () => {
  const files = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`file ${i}.txt`, ""]));
  using dir = tempDir({ ...files, "long.txt": TEXT });
  await using server = await serve(dir.path);
  const listing = await ask(server.port, "/?format=json", { "accept-encoding": "gzip" });
  assertEquals([listing.coding, varies(listing.headers)], ["gzip", true]);
  assertEquals(JSON.parse(decoded(listing.bytes, "gzip")).entries.length, 101);
  const want = {
    "accept-encoding": "gzip",
    "want-repr-digest": "sha-256=1",
    "want-content-digest": "sha-256=1",
  };
  const response = await ask(server.port, "/long.txt", want);
  const digest = `sha-256=:${createHash("sha256").update(response.bytes).digest("base64")}:`;
  assertEquals(response.coding, "gzip");
  assertEquals([response.headers.get("repr-digest"), response.headers.get("content-digest")], [
    digest,
    digest,
  ]);
  const head = await ask(server.port, "/long.txt", want, "HEAD");
  assertEquals(head.headers.get("repr-digest"), digest);
});
