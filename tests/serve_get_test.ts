import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { serve, sha256, tempDir } from "./harness.ts";

Deno.test("serve answers GET with the file and all it knows of it, HEAD with the same head", async () => {
  using dir = tempDir({ "a.txt": "hello\n", "empty": "", "page.html": "<p>" });
  await using server = await serve(dir.path);
  const get = await fetch(`${server.url}/a.txt`);
  assertEquals(get.status, 200);
  assertEquals(await get.text(), "hello\n");
  assertEquals(get.headers.get("content-type"), "text/plain; charset=UTF-8");
  assertEquals(get.headers.get("content-length"), "6");
  assertEquals(get.headers.get("accept-ranges"), "bytes");
  assertEquals(get.headers.get("x-content-type-options"), "nosniff");
  assertMatch(get.headers.get("etag") ?? "", /^"[\x21-\x7e]+"$/);
  assert(Math.abs(Date.parse(get.headers.get("last-modified") ?? "") - Date.now()) < 60_000);

  const head = await fetch(`${server.url}/a.txt`, { method: "HEAD" });
  assertEquals(await head.text(), "");
  for (const name of ["content-type", "content-length", "etag", "last-modified", "accept-ranges"]) {
    assertEquals(head.headers.get(name), get.headers.get(name), name);
  }

  const empty = await fetch(`${server.url}/empty`);
  assertEquals([empty.status, await empty.text(), empty.headers.get("content-length")], [200, "", "0"]);
  assertEquals(empty.headers.get("content-type"), "application/octet-stream");
});

Deno.test("serve sends large files whole, and any name that UTF-8 can spell", async () => {
  const large = crypto.getRandomValues(new Uint8Array(65536));
  const content = new Uint8Array(5_000_001);
  for (let i = 0; i < content.length; i += large.length) {
    content.set(large.subarray(0, content.length - i), i);
  }
  const names = ["emoji 🚢.txt", "new\nline", "per%cent", "que?ry#x", "plus+&=;,", "quote\"'<>", "é/ü"];
  using dir = tempDir({ large: content, ...Object.fromEntries(names.map((name) => [name, name])) });
  await using server = await serve(dir.path);
  const whole = new Uint8Array(await (await fetch(`${server.url}/large`)).arrayBuffer());
  assertEquals(await sha256(whole), await sha256(content));
  for (const name of names) {
    const response = await fetch(`${server.url}/${name.split("/").map(encodeURIComponent).join("/")}`);
    assertEquals([response.status, await response.text()], [200, name]);
  }
});

Deno.test("serve --no-compress leaves bodies alone when the client accepts an encoding: bytes, length and a strong tag", async () => {
  using dir = tempDir({ "a.txt": "x".repeat(5000), "large.txt": "y".repeat(500_000) });
  await using server = await serve(dir.path, ["--no-compress"]);
  for (const [name, size] of [["a.txt", "5000"], ["large.txt", "500000"]]) {
    const headers = { "accept-encoding": "gzip, br" };
    const response = await fetch(`${server.url}/${name}`, { headers });
    await response.arrayBuffer();
    assertEquals(response.headers.get("content-encoding"), null);
    assertEquals(response.headers.get("content-length"), size);
    assertMatch(response.headers.get("etag") ?? "", /^"/);
  }
});

Deno.test("serve shows a change of a file at once, also when the file had been kept in memory", async () => {
  using dir = tempDir({ "a.txt": "first" });
  await using server = await serve(dir.path);
  const read = async () => {
    const response = await fetch(`${server.url}/a.txt`);
    return [await response.text(), response.headers.get("etag")];
  };
  // Until it is old enough to be kept.
  await new Promise((resolve) => setTimeout(resolve, 3300));
  const first = await read();
  assertEquals(await read(), first);
  Deno.writeTextFileSync(dir.at("a.txt"), "other");
  const second = await read();
  assertEquals(second[0], "other");
  assert(second[1] !== first[1], "the tag changed");
  Deno.removeSync(dir.at("a.txt"));
  assertEquals((await fetch(`${server.url}/a.txt`)).status, 404);
});

Deno.test("serve sends the right bytes to a slow reader, and needs no memory for the size of a file", async () => {
  const block = crypto.getRandomValues(new Uint8Array(65536));
  const content = new Uint8Array(16 * 1024 * 1024);
  for (let i = 0; i < content.length; i += block.length) {
    block[i % 65536] ^= 1 + i % 255;
    content.set(block, i);
  }
  using dir = tempDir({ slow: content });
  Deno.writeFileSync(dir.at("big"), new Uint8Array(0));
  Deno.truncateSync(dir.at("big"), 600_000_000);
  await using server = await serve(dir.path, ["--log", "none"]);
  const reader = (await fetch(`${server.url}/slow`)).body!.getReader();
  const received = new Uint8Array(content.length);
  let length = 0;
  for (let i = 0;; i++) {
    const { value, done } = await reader.read();
    if (done) break;
    received.set(value, length);
    length += value.length;
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(await sha256(received.subarray(0, length)), await sha256(content));

  let bytes = 0;
  for await (const chunk of (await fetch(`${server.url}/big`)).body!) bytes += chunk.length;
  assertEquals(bytes, 600_000_000);
  if (Deno.build.os === "linux") {
    const peak = Number(/VmHWM:\s*(\d+)/.exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))?.[1]);
    assert(peak < 350_000, `${peak} kB`);
  }
});

Deno.test("serve does not open what is neither file nor folder", async () => {
  using dir = tempDir({ "a.txt": "x" });
  const made = await new Deno.Command("mkfifo", { args: [dir.at("pipe")] }).output();
  assert(made.success);
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/pipe`);
  assertEquals(response.status, 404);
  const listing = await (await fetch(`${server.url}/?format=json`)).json();
  assertEquals(listing.entries.map((entry: { name: string }) => entry.name), ["a.txt"]);
});

Deno.test("serve breaks the answer off when the file becomes shorter, and goes on serving", async () => {
  const size = 64 * 1024 * 1024;
  using dir = tempDir({ "a.txt": "fine" });
  Deno.writeFileSync(dir.at("big"), new Uint8Array(0));
  Deno.truncateSync(dir.at("big"), size);
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/big`);
  const reader = response.body!.getReader();
  await reader.read();
  Deno.truncateSync(dir.at("big"), 1024);
  let received = 0;
  await assertRejects(async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      received += value.length;
    }
    throw new RangeError("ended without an error");
  }, TypeError);
  assert(received < size, "nothing was padded");
  assertEquals(await (await fetch(`${server.url}/a.txt`)).text(), "fine");
});

Deno.test("serve answers its health to everybody, and nothing else below /.ferry", async () => {
  using dir = tempDir({ ".ferry/secret": "x" });
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", "ann:pw", "--hidden"]);
  const health = await fetch(`${server.url}/.ferry/health`);
  assertEquals([health.status, (await health.json()).status], [200, "ok"]);
  const post = await fetch(`${server.url}/.ferry/health`, { method: "POST", body: "x" });
  assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  const headers = { authorization: `Basic ${btoa("ann:pw")}` };
  for (
    const path of [
      "/.ferry",
      "/.ferry/",
      "/.ferry/secret",
      "/.ferry/v1x",
      "/%2eferry/secret",
      "/.ferry/health/",
    ]
  ) {
    const response = await fetch(server.url + path, { headers });
    assertEquals(
      [response.status, (await response.text()).includes('"code":"not_found"')],
      [404, true],
      path,
    );
  }
});

Deno.test("serve names the methods it has", async () => {
  using dir = tempDir({ "a.txt": "x" });
  await using server = await serve(dir.path);
  const options = await fetch(`${server.url}/a.txt`, { method: "OPTIONS" });
  await options.body?.cancel();
  assertEquals(options.status, 204);
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS"]) {
    assert(options.headers.get("allow")?.split(", ").includes(method), method);
  }
  for (const method of ["POST", "PATCH"]) {
    const response = await fetch(`${server.url}/a.txt`, { method });
    await response.body?.cancel();
    assertEquals(
      [response.status, response.headers.get("allow")],
      [405, options.headers.get("allow")],
      method,
    );
  }
});
