/** PROPFIND and PROPPATCH. */
import { assert, assertEquals } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";

async function propfind(server: Server, path: string, body?: string, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, {
    method: "PROPFIND",
    body,
    headers: { depth: "0", ...headers },
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

const prop = (names: string) => `<propfind xmlns="DAV:" xmlns:x="urn:x"><prop>${names}</prop></propfind>`;

async function proppatch(server: Server, path: string, instructions: string) {
  const body = `<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">${instructions}</D:propertyupdate>`;
  const response = await fetch(server.url + path, { method: "PROPPATCH", body });
  return { status: response.status, text: await response.text() };
}

const set = (xml: string) => `<D:set><D:prop>${xml}</D:prop></D:set>`;
const remove = (xml: string) => `<D:remove><D:prop>${xml}</D:prop></D:remove>`;

function hrefs(text: string): string[] {
  return [...text.matchAll(/<D:response><D:href>([^<]*)/g)].map(([, href]) => href);
}

Deno.test("serve answers PROPFIND with the properties of files and folders", async () => {
  using dir = tempDir({ "a.txt": "hello", "folder/b": "x" });
  Deno.utimeSync(dir.at("a.txt"), 1e9, 1e9);
  await using server = await serve(dir.path);
  const got = await fetch(`${server.url}/a.txt`);
  await got.body?.cancel();
  const file = await propfind(server, "/a.txt");
  assertEquals(file.status, 207);
  assertEquals(file.headers.get("content-type"), "application/xml; charset=utf-8");
  const etag = got.headers.get("etag");
  for (
    const part of [
      "<D:resourcetype/>",
      "<D:displayname>a.txt</D:displayname>",
      "<D:getcontentlength>5</D:getcontentlength>",
      `<D:getlastmodified>${got.headers.get("last-modified")}</D:getlastmodified>`,
      `<D:getcontenttype>${got.headers.get("content-type")}</D:getcontenttype>`,
      `<D:getetag>${etag}</D:getetag>`,
      "<D:status>HTTP/1.1 200 OK</D:status>",
    ]
  ) assert(file.text.includes(part), `${part} in ${file.text}`);
  assert(!file.text.includes("quota"), file.text);
  const asked = prop("<quota-available-bytes/><quota-used-bytes/><resourcetype/><getetag/><x:own/>");
  const folder = await propfind(server, "/folder", asked);
  assertEquals(hrefs(folder.text), ["/folder/"]);
  assert(
    /<D:quota-available-bytes>\d+<\/D:quota-available-bytes><D:quota-used-bytes>\d+</.test(folder.text),
    folder.text,
  );
  assert(folder.text.includes("<D:resourcetype><D:collection/></D:resourcetype>"), folder.text);
  assert(
    /<D:getetag\/><x:own xmlns:x="urn:x"\/><\/D:prop><D:status>HTTP\/1.1 404 /.test(folder.text),
    folder.text,
  );
  const names = await propfind(server, "/a.txt", '<propfind xmlns="DAV:"><propname/></propfind>');
  assert(names.text.includes("<D:getetag/>") && !names.text.includes("quota"), names.text);
});

Deno.test("serve lists by PROPFIND as deep as asked, and no more than it serves", async () => {
  using dir = tempDir({ "folder/b": "x", "folder/deep/c": "x", "folder/.hidden": "x", "other": "x" });
  Deno.symlinkSync("..", dir.at("folder/loop"));
  Deno.symlinkSync("/etc", dir.at("folder/out"));
  await using server = await serve(dir.path);
  const at = async (depth: string) => hrefs((await propfind(server, "/folder/", undefined, { depth })).text);
  assertEquals(await at("0"), ["/folder/"]);
  assertEquals(await at("1"), ["/folder/", "/folder/b", "/folder/deep/", "/folder/loop/"]);
  assertEquals(await at("infinity"), [
    "/folder/",
    "/folder/b",
    "/folder/deep/",
    "/folder/loop/",
    "/folder/deep/c",
  ]);
  assertEquals((await propfind(server, "/folder/", undefined, { depth: "2" })).status, 400);
  assertEquals((await propfind(server, "/folder/out/")).status, 404);
  assertEquals((await propfind(server, "/folder/b/")).status, 404);
  assertEquals((await propfind(server, "/missing")).status, 404);
  assertEquals((await propfind(server, "/.ferry/")).status, 404);
});

Deno.test("serve answers PROPFIND on a folder of many entries, and bounds infinity", async () => {
  using dir = tempDir({ "many": null });
  for (let i = 0; i <= 20_000; i++) Deno.writeTextFileSync(dir.at(`many/${i}`), "");
  await using server = await serve(dir.path);
  const listed = await propfind(server, "/many/", undefined, { depth: "1" });
  assertEquals([listed.status, hrefs(listed.text).length], [207, 20_002]);
  assert(listed.text.endsWith("</D:multistatus>\n"));
  const all = await propfind(server, "/", undefined, { depth: "infinity" });
  assertEquals(all.status, 403);
  assert(all.text.includes("<D:propfind-finite-depth></D:propfind-finite-depth>"), all.text);
});

Deno.test("serve keeps dead properties, through a restart, and takes them along", async () => {
  using dir = tempDir({ "a/f.txt": "x" });
  const value = '<x:p xml:lang="de"><y:q xmlns:y="urn:y" z="1">&lt;ü&gt;</y:q></x:p>';
  const kept = '<x:p xmlns:x="urn:x" xml:lang="de"><y:q xmlns:y="urn:y" z="1">&lt;ü&gt;</y:q></x:p>';
  const asked = prop("<x:p/>");
  {
    await using server = await serve(dir.path, ["--writable"]);
    const done = await proppatch(server, "/a/f.txt", set(value));
    assertEquals(done.status, 207);
    assert(done.text.includes('<x:p xmlns:x="urn:x"/></D:prop><D:status>HTTP/1.1 200 OK'), done.text);
    await proppatch(server, "/a/", set("<x:p>folder</x:p>") + set("<D:displayname>Shown</D:displayname>"));
    for (
      const [method, from, to] of [["COPY", "/a", "/b"], ["MOVE", "/b/f.txt", "/b/g.txt"], [
        "COPY",
        "/b",
        "/c",
      ]]
    ) {
      const response = await fetch(server.url + from, { method, headers: { destination: to } });
      assertEquals(response.status, 201);
    }
    // A new file is not the one that was there.
    await fetch(`${server.url}/a/f.txt`, { method: "DELETE" });
    await fetch(`${server.url}/a/f.txt`, { method: "PUT", body: "new" });
    await fetch(`${server.url}/b/g.txt`, { method: "PUT", body: "new content" });
  }
  await using server = await serve(dir.path, ["--writable"]);
  for (const path of ["/b/g.txt", "/c/g.txt"]) {
    const { text } = await propfind(server, path, asked);
    assert(text.includes(kept), text);
  }
  for (const path of ["/a/f.txt", "/b/f.txt"]) {
    assert(!(await propfind(server, path, asked)).text.includes(kept));
  }
  const all = await propfind(server, "/c/", undefined, { depth: "1" });
  assert(all.text.includes(kept) && all.text.includes('<x:p xmlns:x="urn:x">folder</x:p>'), all.text);
  assert(
    /<D:displayname[^>]*>Shown<\/D:displayname>/.test(all.text) && !all.text.includes(">c</D:displayname>"),
    all.text,
  );
  const removed = await proppatch(server, "/c/g.txt", remove("<x:p/><x:never/>"));
  assert(removed.text.includes("200 OK") && !removed.text.includes("424"), removed.text);
  assert(!(await propfind(server, "/c/g.txt")).text.includes("urn:x"));
});

Deno.test("serve changes all properties of a PROPPATCH or none", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const { status, text } = await proppatch(
    server,
    "/f",
    set("<x:p>1</x:p>") + set("<D:getetag>no</D:getetag>"),
  );
  assertEquals(status, 207);
  assert(
    /<D:getetag\/><\/D:prop><D:status>HTTP\/1.1 403 .*<D:cannot-modify-protected-property\/>/.test(text),
    text,
  );
  assert(/<x:p xmlns:x="urn:x"\/><\/D:prop><D:status>HTTP\/1.1 424 Failed Dependency/.test(text), text);
  assert(!(await propfind(server, "/f")).text.includes("urn:x"));
  assertEquals((await proppatch(server, "/missing", set("<x:p/>"))).status, 404);
  assertEquals((await proppatch(server, "/f", "")).status, 400);
  const response = await fetch(`${server.url}/f`, {
    method: "PROPPATCH",
    headers: { "if-match": '"other"' },
    body: `<D:propertyupdate xmlns:D="DAV:">${set("<D:p/>")}</D:propertyupdate>`,
  });
  await response.body?.cancel();
  assertEquals(response.status, 412);
});

Deno.test("serve lets nobody change properties or lock who may not write", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path);
  assertEquals((await proppatch(server, "/f", set("<x:p>1</x:p>"))).status, 403);
  const lock = await fetch(`${server.url}/f`, {
    method: "LOCK",
    body:
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  });
  await lock.body?.cancel();
  assertEquals(lock.status, 403);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["f"]);
  await using closed = await serve(dir.path, ["--anonymous", "w"]);
  assertEquals((await propfind(closed, "/f")).status, 403);
});

Deno.test("serve refuses XML that is an attack, broken or too much", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const bomb = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>';
  const cases: [string, number][] = [
    [`${bomb}<propfind xmlns="DAV:"><prop><x>&c;</x></prop></propfind>`, 400],
    ['<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><p>&e;</p>', 400],
    ["<".repeat(1000), 400],
    ["<a>".repeat(50_000), 400],
    ['<other xmlns="DAV:"/>', 400],
    ["not xml", 400],
  ];
  for (const method of ["PROPFIND", "PROPPATCH", "LOCK"]) {
    for (const [body, status] of cases) {
      const response = await fetch(`${server.url}/f`, { method, body });
      const text = await response.text();
      assertEquals(response.status, status, `${method} ${body.slice(0, 60)}`);
      assert(!text.includes("root:"), text);
    }
    const packed = await fetch(`${server.url}/f`, {
      method,
      headers: { "content-encoding": "gzip" },
      body: "x",
    });
    await packed.body?.cancel();
    assertEquals(packed.status, 415);
  }
});
