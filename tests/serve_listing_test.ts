import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir, variesByAccept } from "./harness.ts";

const TREE = {
  "b.txt": "12345",
  "docs/é <b>.txt": "x",
  "empty": null,
  ".hidden/x": "x",
  ".ferry/y": "y",
  ".env": "s",
};

Deno.test("serve lists a folder as JSON exactly as promised", async () => {
  using dir = tempDir(TREE);
  Deno.symlinkSync("b.txt", dir.at("link"));
  Deno.symlinkSync("docs", dir.at("linked"));
  Deno.symlinkSync("/etc", dir.at("outside"));
  Deno.symlinkSync("nowhere", dir.at("dangling"));
  Deno.utimeSync(dir.at("b.txt"), 1_700_000_000.123, 1_700_000_000.123);
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/?format=json`);
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assert(variesByAccept(response));
  const { path, entries } = await response.json();
  assertEquals(path, "/");
  assertEquals(entries.map((entry: { name: string; kind: string }) => [entry.name, entry.kind]), [
    ["b.txt", "file"],
    ["docs", "dir"],
    ["empty", "dir"],
    ["link", "symlink"],
    ["linked", "symlink"],
  ]);
  const [file, folder] = entries;
  assertEquals([file.size, file.mtime], [5, "2023-11-14T22:13:20.123Z"]);
  const head = await fetch(`${server.url}/b.txt`, { method: "HEAD" });
  assertEquals(file.etag, head.headers.get("etag"));
  assertEquals(Object.keys(folder), ["name", "kind", "size", "mtime", "etag"]);
  const docs = await (await fetch(`${server.url}/docs/`, { headers: { accept: "application/json" } })).json();
  assertEquals([docs.path, docs.entries[0].name], ["/docs/", "é <b>.txt"]);
});

Deno.test("serve lists as HTML that a hostile name cannot break, and as text", async () => {
  const hostile = `"><script>alert(1)</script>&'.txt`.replaceAll("/", "-");
  using dir = tempDir({ [hostile]: "x", "javascript:alert(1)": "x", "a\nb": "x", "sub/x": "x" });
  await using server = await serve(dir.path);
  const page = await fetch(server.url, { headers: { accept: "text/html,*/*;q=0.8" } });
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  assertMatch(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  const html = await page.text();
  assert(!html.includes("<script"), html);
  assert(!/href="javascript:/i.test(html), html);
  const links = [...html.matchAll(/<td><a href="([^"]*)"/g)].map((match) =>
    new URL(match[1], `${server.url}/`).href
  );
  assertEquals(links.length, 4);
  for (const link of links) {
    const response = await fetch(link);
    await response.body?.cancel();
    assertEquals(response.status, 200, link);
  }
  const text = await fetch(`${server.url}/?format=text`);
  assertEquals(text.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(
    (await text.text()).split("\n").sort(),
    ["", hostile, "a\\nb", "javascript:alert(1)", "sub/"].sort(),
  );
});

Deno.test("serve chooses the form by Accept and format, and refuses a form it does not have", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path);
  const cases: [string, string | null, string][] = [
    ["/", null, "text/html"],
    ["/", "*/*", "text/html"],
    ["/", "application/json", "application/json"],
    ["/", "text/plain", "text/plain"],
    ["/", "text/html;q=0.1, application/json", "application/json"],
    ["/", "image/png", "text/html"],
    ["/?format=json", "text/html", "application/json"],
    ["/?a=b&format=text", null, "text/plain"],
  ];
  for (const [path, accept, type] of cases) {
    const response = await fetch(server.url + path, { headers: accept === null ? {} : { accept } });
    await response.body?.cancel();
    assertEquals(
      [response.status, response.headers.get("content-type")?.split(";")[0]],
      [200, type],
      path + accept,
    );
  }
  for (const path of ["/?format=xml", "/?format=", "/?format=%"]) {
    const response = await fetch(server.url + path);
    assertEquals([response.status, (await response.json()).code], [400, "bad_request"], path);
  }
  const head = await fetch(`${server.url}/?format=json`, { method: "HEAD" });
  const get = await fetch(`${server.url}/?format=json`);
  assertEquals(head.headers.get("content-length"), String((await get.arrayBuffer()).byteLength));
});

Deno.test("serve redirects a folder to its form with a slash, and knows no file with one", async () => {
  using dir = tempDir({ "a b/c:d/x": "x", "f.txt": "x" });
  await using server = await serve(dir.path);
  const cases: [string, string][] = [["/a%20b?format=json", "/a%20b/?format=json"], [
    "/a%20b/c:d",
    "/a%20b/c:d/",
  ]];
  for (const [path, wanted] of cases) {
    const response = await fetch(server.url + path, { redirect: "manual" });
    await response.body?.cancel();
    assertEquals(response.status, 301);
    const location = response.headers.get("location") ?? "";
    assert(!location.includes("//"), "relative");
    assertEquals(
      decodeURIComponent(new URL(location, server.url + path).href),
      decodeURIComponent(server.url + wanted),
    );
  }
  const file = await fetch(`${server.url}/f.txt/`);
  await file.body?.cancel();
  assertEquals(file.status, 404);
});

Deno.test("serve shows hidden names with --hidden only, Ferry's own never", async () => {
  using dir = tempDir(TREE);
  const names = async (url: string) =>
    (await (await fetch(`${url}/?format=json`)).json()).entries.map((entry: { name: string }) => entry.name);
  {
    await using server = await serve(dir.path);
    assertEquals(await names(server.url), ["b.txt", "docs", "empty"]);
    for (const path of ["/.env", "/.hidden/", "/.hidden/x"]) {
      const response = await fetch(server.url + path);
      await response.body?.cancel();
      assertEquals(response.status, 404, path);
    }
  }
  await using server = await serve(dir.path, ["--hidden"]);
  assertEquals(await names(server.url), [".env", ".hidden", "b.txt", "docs", "empty"]);
  assertEquals(await (await fetch(`${server.url}/.env`)).text(), "s");
});

Deno.test("serve --index shows that file in place of the listing, but not to who asks for data", async () => {
  using dir = tempDir({ "index.html": "<h1>hi", "sub/x": "x", "odd/index.html/x": "x" });
  await using server = await serve(dir.path, ["--index", "index.html"]);
  const page = await fetch(server.url);
  assertEquals(await page.text(), "<h1>hi");
  assertMatch(page.headers.get("etag") ?? "", /^"/);
  assert(variesByAccept(page));
  const range = await fetch(server.url, { headers: { range: "bytes=0-3" } });
  assertEquals([range.status, await range.text()], [206, "<h1>"]);
  assertEquals((await (await fetch(`${server.url}/?format=json`)).json()).path, "/");
  for (const path of ["/sub/", "/odd/"]) {
    assertStringIncludes(await (await fetch(server.url + path)).text(), "<table>");
  }
});

Deno.test("serve lists a large folder as JSON while it reads it, whole and in order, and the same in a coding", async () => {
  using dir = tempDir();
  const names = Array.from({ length: 2500 }, (_, i) => `entry ${i} "quoted" é\n`);
  for (const name of names) Deno.writeTextFileSync(`${dir.path}/${name}`, name);
  Deno.mkdirSync(`${dir.path}/folder`);
  Deno.writeTextFileSync(`${dir.path}/.hidden`, "");
  await using server = await serve(dir.path);
  const list = async (coding: string) => {
    const answer = await fetch(`${server.url}/?format=json`, { headers: { "accept-encoding": coding } });
    assertEquals(answer.status, 200);
    assertEquals(answer.headers.get("vary"), "Accept, Accept-Encoding");
    return await answer.json();
  };
  const plain = await list("identity");
  assertEquals(plain.path, "/");
  const found = plain.entries.map(({ name }: { name: string }) => name);
  assertEquals(found, [...names, "folder"].sort());
  assertEquals(plain, await list("gzip"));
  const [first] = plain.entries;
  assertEquals(Object.keys(first), ["name", "kind", "size", "mtime", "etag"]);
  const head = await fetch(`${server.url}/?format=json`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("serve --name shows in the titles of pages and in /.ferry/health, and is refused where it cannot be read", async () => {
  using dir = tempDir({ "docs/a": "a" });
  await using server = await serve(dir.path, ["--name", "Ann & Bob's <files>"]);
  const page = await (await fetch(`${server.url}/docs/`, { headers: { accept: "text/html" } })).text();
  assertStringIncludes(page, "<title>/docs/ - Ann &amp; Bob&#39;s &lt;files&gt;</title>");
  const health = await (await fetch(`${server.url}/.ferry/health`)).json();
  assertEquals([health.status, health.name], ["ok", "Ann & Bob's <files>"]);
  for (const name of ["", "a\nb", "x".repeat(101)]) {
    const { code, stderr } = await ferry(["serve", dir.path, "--name", name]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "--name");
  }
});
