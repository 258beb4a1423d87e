import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { serve, tempDir } from "./harness.ts";

const LARGE = new Uint8Array(700_000).map((_, i) => i * 31 + (i >> 8));
const EMPTY = field("");

function field(data: Uint8Array | string, algorithm = "sha-256"): string {
  return `${algorithm}=:${createHash(algorithm.replace("-", "")).update(data).digest("base64")}:`;
}

const WANT = { "want-repr-digest": "sha-256=10", "want-content-digest": "sha-512=3, sha-256=1" };

Deno.test("serve tells the digests that are wanted, of what is sent and of the whole, and none unasked", async () => {
  using dir = tempDir({ "a.txt": "0123456789", "large": LARGE, "empty": "", "sub/x": "x" });
  Deno.utimeSync(dir.at("large"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path);
  const whole: Record<string, Uint8Array | string> = {
    "/a.txt": "0123456789",
    "/large": LARGE,
    "/empty": "",
  };
  const cases: [string, Record<string, string>][] = [
    ["/a.txt", {}],
    ["/large", {}],
    ["/empty", {}],
    ["/a.txt", { range: "bytes=2-4" }],
    ["/large", { range: "bytes=-300000" }],
    ["/large", { range: "bytes=0-9,600000-600009" }],
  ];
  for (let round = 0; round < 2; round++) {
    for (const [path, headers] of cases) {
      const about = `${path} ${JSON.stringify(headers)}`;
      const response = await fetch(server.url + path, { headers: { ...headers, ...WANT } });
      const body = new Uint8Array(await response.arrayBuffer());
      assertEquals(response.status, headers.range === undefined ? 200 : 206, about);
      assertEquals(response.headers.get("content-digest"), field(body), about);
      assertEquals(response.headers.get("repr-digest"), field(whole[path]), about);

      const plain = await fetch(server.url + path, { headers });
      await plain.body?.cancel();
      assertEquals(plain.headers.get("content-digest") ?? plain.headers.get("repr-digest"), null, about);
    }
  }
  const listing = await fetch(`${server.url}/sub/?format=json`, { headers: WANT });
  assertEquals(listing.headers.get("repr-digest"), field(await listing.text()));
});

Deno.test("serve tells HEAD the digest of the representation, and that of no content", async () => {
  using dir = tempDir({ "a.txt": "0123456789", "large": LARGE });
  await using server = await serve(dir.path);
  for (const [path, content] of [["/a.txt", "0123456789"], ["/large", LARGE]] as const) {
    const head = await fetch(server.url + path, { method: "HEAD", headers: WANT });
    assertEquals(head.headers.get("content-length"), String(content.length));
    assertEquals(head.headers.get("repr-digest"), field(content));
    assertEquals(head.headers.get("content-digest"), EMPTY);
  }
});

Deno.test("serve tells the digest of a file as it is now, and none with an error, a 304 or another algorithm", async () => {
  using dir = tempDir({ "large": LARGE });
  Deno.utimeSync(dir.at("large"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path);
  const ask = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(server.url + path, { headers });
    await response.body?.cancel();
    return response.headers.get("repr-digest");
  };
  assertEquals(await ask("/large", WANT), field(LARGE));
  const other = LARGE.toReversed();
  Deno.writeFileSync(dir.at("large"), other);
  assertEquals(await ask("/large", WANT), field(other));
  const etag = (await fetch(`${server.url}/large`, { method: "HEAD" })).headers.get("etag") ?? "";
  assertEquals(await ask("/large", { ...WANT, "if-none-match": etag }), null);
  assertEquals(await ask("/missing", WANT), null);
  for (const wanted of ["sha-512=10", "sha-256=0", "sha-256", "rubbish,,"]) {
    assertEquals(await ask("/large", { "want-repr-digest": wanted }), null, wanted);
  }
});

Deno.test("serve checks the digests of a PUT before the file takes its place", async () => {
  using dir = tempDir({ "a.txt": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const put = async (path: string, headers: Record<string, string>, body: BodyInit = "new content") => {
    const response = await fetch(server.url + path, { method: "PUT", headers, body });
    const text = await response.text();
    return [response.status, text === "" ? null : JSON.parse(text).code];
  };
  const right = field("new content");
  const wrong = field("other content");
  const refused: [Record<string, string>, string][] = [
    [{ "content-digest": wrong }, "checksum_mismatch"],
    [{ "repr-digest": wrong }, "checksum_mismatch"],
    [{ "content-digest": right, "repr-digest": wrong }, "checksum_mismatch"],
    [{ "repr-digest": `${right}, ${field("other content", "sha-512")}` }, "checksum_mismatch"],
    [{ "content-digest": "sha-256=:AAAA:" }, "bad_request"],
    [{ "repr-digest": "rubbish" }, "bad_request"],
  ];
  for (const [headers, code] of refused) {
    for (const path of ["/a.txt", "/new/b.txt"]) {
      assertEquals(await put(path, headers), [400, code], JSON.stringify(headers));
    }
    const stream = new Blob(["new ", "content"]).stream();
    assertEquals(await put("/a.txt", headers, stream), [400, code], JSON.stringify(headers));
  }
  assertEquals(Deno.readTextFileSync(dir.at("a.txt")), "old");
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["a.txt"], "nothing was made");

  const both = { "content-digest": right, "repr-digest": field("new content", "sha-512") };
  assertEquals(await put("/a.txt", both), [204, null]);
  assertEquals(Deno.readTextFileSync(dir.at("a.txt")), "new content");
  assertEquals(await put("/empty", { "content-digest": EMPTY }, ""), [201, null]);
  assertEquals(await put("/b.txt", { "content-digest": "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:" }), [201, null]);
});

Deno.test("serve tells no digest of a part over 64 MiB, and one of a part of that", async () => {
  using dir = tempDir({ "large": "" });
  Deno.truncateSync(dir.at("large"), 70_000_000);
  await using server = await serve(dir.path);
  const part = 64 * 1024 * 1024;
  for (const [range, has] of [[`bytes=0-${part}`, false], [`bytes=0-${part - 1}`, true]] as const) {
    const headers = { range, "want-content-digest": "sha-256=1" };
    const response = await fetch(`${server.url}/large`, { headers });
    await response.body?.cancel();
    assertEquals([response.status, response.headers.has("content-digest")], [206, has], range);
  }
});
