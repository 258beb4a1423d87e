/** Resumable uploads as tus 1.0 writes them: core and extensions, request by request. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve, sha256, tempDir } from "./harness.ts";
import { base64, create, metadata, offsetOf, patch, PIECE, send, TUS } from "./tus_requests.ts";

/** Names below `path`, without Ferry's own. */
function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).filter((name) => name !== ".ferry").sort();
}

Deno.test("tus: OPTIONS tells the version, the extensions, the sums and the largest upload", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable", "--max-upload", "1k"]);
  for (const path of ["/.ferry/tus", "/.ferry/tus/", "/.ferry/tus/some/folder/"]) {
    const response = await send(server.url + path, { method: "OPTIONS" });
    assertEquals(response.status, 204);
    const told = (name: string) => response.headers.get(name);
    assertEquals(
      [told("tus-resumable"), told("tus-version"), told("tus-max-size")],
      ["1.0.0", "1.0.0", "1024"],
    );
    assertEquals(
      told("tus-extension"),
      "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation",
    );
    assertMatch(told("tus-checksum-algorithm") ?? "", /\bsha1\b/);
  }
});

Deno.test("tus: a file is under its name when its last byte came, and not before", async () => {
  using dir = tempDir({ "in/old.txt": "old" });
  Deno.chmodSync(dir.at("in/old.txt"), 0o640);
  await using server = await serve(dir.path, ["--writable"]);
  for (const [folder, name] of [["in", "old.txt"], ["new/deep", "ä b.txt"]]) {
    const created = await send(`${server.url}/.ferry/tus/${folder}/`, {
      method: "POST",
      headers: {
        ...TUS,
        "upload-length": "11",
        "upload-metadata": metadata({ filename: name, mtime: "1500000000123" }),
      },
    });
    assertEquals(created.status, 201);
    assertEquals(created.headers.get("tus-resumable"), "1.0.0");
    assert(Date.parse(created.headers.get("upload-expires") ?? "") > Date.now());
    const url = server.url + created.headers.get("location");

    assertEquals(await offsetOf(url), 0);
    const first = await patch(url, 0, "hello ");
    assertEquals([first.status, first.headers.get("upload-offset")], [204, "6"]);
    assert(first.headers.has("upload-expires"));
    const head = await send(url, { method: "HEAD", headers: TUS });
    assertEquals([head.status, head.headers.get("upload-offset")], [200, "6"]);
    assertEquals([head.headers.get("upload-length"), head.headers.get("cache-control")], ["11", "no-store"]);
    assertEquals(
      head.headers.get("upload-metadata"),
      metadata({ filename: name, mtime: "1500000000123" }),
    );
    if (folder === "in") assertEquals(Deno.readTextFileSync(dir.at("in/old.txt")), "old");
    else assertEquals(names(dir.path), ["in"]);

    const last = await patch(url, 6, "world");
    assertEquals([last.status, last.headers.get("upload-offset")], [204, "11"]);
    const file = dir.at(`${folder}/${name}`);
    assertEquals(Deno.readTextFileSync(file), "hello world");
    assertEquals(Deno.statSync(file).mtime?.getTime(), 1500000000123);
    // Who missed the answer can ask, and do it again.
    assertEquals(await offsetOf(url), 11);
    assertEquals((await patch(url, 11, "")).status, 204);
    assertEquals((await patch(url, 11, "more")).status, 413);
  }
  assertEquals((Deno.statSync(dir.at("in/old.txt")).mode ?? 0) & 0o777, 0o640, "the mode stays");
});

Deno.test("tus: creation-with-upload takes bytes, all of them or some, and files of none", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const post = (name: string, length: number, body: string, headers: Record<string, string> = PIECE) =>
    send(`${server.url}/.ferry/tus/`, {
      method: "POST",
      headers: {
        ...headers,
        "upload-length": String(length),
        "upload-metadata": metadata({ filename: name }),
      },
      body,
    });
  const whole = await post("whole", 5, "12345");
  assertEquals([whole.status, whole.headers.get("upload-offset")], [201, "5"]);
  const some = await post("some", 5, "123");
  assertEquals([some.status, some.headers.get("upload-offset")], [201, "3"]);
  const none = await post("none", 0, "", TUS);
  assertEquals([none.status, none.headers.get("upload-offset")], [201, "0"]);
  assertEquals(names(dir.path), ["none", "whole"]);
  assertEquals((await patch(server.url + some.headers.get("location"), 3, "45")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("some")), "12345");
  assertEquals((await post("more", 5, "123456")).status, 413);
  assertEquals(names(dir.path), ["none", "some", "whole"]);
});

Deno.test("tus: a length that comes later", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable", "--max-upload", "10"]);
  const created = await send(`${server.url}/.ferry/tus/`, {
    method: "POST",
    headers: { ...TUS, "upload-defer-length": "1", "upload-metadata": metadata({ filename: "late" }) },
  });
  const url = server.url + created.headers.get("location");
  assertEquals((await patch(url, 0, "12345")).status, 204);
  const head = await send(url, { method: "HEAD", headers: TUS });
  assertEquals([head.headers.get("upload-defer-length"), head.headers.get("upload-length")], ["1", null]);
  assertEquals((await patch(url, 5, "678901", {})).status, 413);
  assertEquals((await patch(url, 5, "6", { "upload-length": "11" })).status, 413);
  assertEquals((await patch(url, 5, "6", { "upload-length": "4" })).status, 400);
  assertEquals((await patch(url, 5, "6", { "upload-length": "7" })).status, 204);
  assertEquals((await patch(url, 6, "7", { "upload-length": "8" })).status, 400);
  assertEquals((await patch(url, 6, "7")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("late")), "1234567");
});

Deno.test("tus: a body that has not the sum of its Upload-Checksum is 460, and nothing of it is kept", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const half = bytes.slice(0, 30_000);
  const sum = async (algorithm: string, of: Uint8Array<ArrayBuffer>) =>
    base64(new Uint8Array(await crypto.subtle.digest(algorithm, of)));
  const url = await create(server.url, "a", bytes.length);
  const sums = { "upload-checksum": `sha1 ${await sum("SHA-1", half)}` };
  const wrong = await patch(url, 0, bytes.slice(1, 30_001), sums);
  assertEquals([wrong.status, await offsetOf(url)], [460, 0]);
  assertEquals((await patch(url, 0, half, sums)).status, 204);
  const unknown = await patch(url, 30_000, bytes.slice(30_000), { "upload-checksum": "sha3 AAAA" });
  assertEquals([unknown.status, await offsetOf(url)], [400, 30_000]);
  const rest = bytes.slice(30_000);
  const right = { "upload-checksum": `sha256 ${await sum("SHA-256", rest)}` };
  assertEquals((await patch(url, 30_000, rest, right)).status, 204);
  assertEquals(await sha256(Deno.readFileSync(dir.at("a"))), await sha256(bytes));
});

Deno.test("tus: a whole file that has not the digest of its creation is refused, and gone", async () => {
  using dir = tempDir({ "a": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const digest = async (text: string) => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return { "repr-digest": `sha-256=:${base64(new Uint8Array(hash))}:` };
  };
  const url = await create(server.url, "a", 5, await digest("other"));
  assertEquals([(await patch(url, 0, "12345")).status, await offsetOf(url)], [400, "status 404"]);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "old");
  const right = await create(server.url, "a", 5, await digest("12345"));
  assertEquals((await patch(right, 0, "12")).status, 204);
  assertEquals((await patch(right, 2, "345")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "12345");
});

Deno.test("tus: DELETE ends an upload, and forgets one that ended but leaves its file", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const url = await create(server.url, "a", 10);
  await patch(url, 0, "12345");
  assertEquals((await send(url, { method: "DELETE", headers: TUS })).status, 204);
  assertEquals((await send(url, { method: "DELETE", headers: TUS })).status, 404);
  assertEquals([await offsetOf(url), (await patch(url, 5, "67890")).status], ["status 404", 404]);
  assertEquals([...Deno.readDirSync(dir.path)], []);
  const done = await create(server.url, "b", 1);
  await patch(done, 0, "b");
  assertEquals((await send(done, { method: "DELETE", headers: TUS })).status, 204);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["b"]);
});

Deno.test("tus: uploads are joined in the order that is given, each as often as it is named", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const part = async (text: string) => {
    const partial = { "upload-concat": "partial", "upload-metadata": "" };
    const url = await create(server.url, "", text.length, partial);
    assertEquals((await patch(url, 0, text)).status, 204);
    return url;
  };
  const [a, b] = [await part("hello "), await part("world")];
  const final = (name: string, urls: string[]) =>
    send(`${server.url}/.ferry/tus/sub`, {
      method: "POST",
      headers: {
        ...TUS,
        "upload-concat": `final;${urls.join(" ")}`,
        "upload-metadata": metadata({ filename: name }),
      },
    });
  assertEquals(names(dir.path), []);
  const head = await send(a, { method: "HEAD", headers: TUS });
  assertEquals([head.headers.get("upload-concat"), head.headers.get("upload-offset")], ["partial", "6"]);

  const open = await create(server.url, "", 3, { "upload-concat": "partial", "upload-metadata": "" });
  assertEquals((await final("x", [a, open])).status, 400, "not whole yet");
  const list = [a, new URL(b).pathname, a];
  const joined = await final("x", list);
  assertEquals(joined.status, 201);
  assertEquals(Deno.readTextFileSync(dir.at("sub/x")), "hello worldhello ");
  const url = server.url + joined.headers.get("location");
  const told = await send(url, { method: "HEAD", headers: TUS });
  assertEquals([told.headers.get("upload-length"), told.headers.get("upload-offset")], ["17", "17"]);
  assertEquals(told.headers.get("upload-concat"), `final;${list.join(" ")}`);
  assertEquals((await patch(url, 17, "")).status, 403);
  // Whoever missed the answer asks again, and the parts are known as whole.
  assertEquals(await offsetOf(a), 6);
  const again = await final("x", list);
  assertEquals([again.status, again.headers.get("location")], [201, joined.headers.get("location")]);
  assertEquals((await final("y", list)).status, 410);
  assertEquals((await final("y", [`${server.url}/.ferry/tus/${"0".repeat(32)}`])).status, 404);
});

Deno.test("tus: requests that are not as they must be change nothing", async () => {
  using dir = tempDir({ "folder/x": "x" });
  await using server = await serve(dir.path, ["--writable", "--max-upload", "100"]);
  const url = await create(server.url, "a", 10);
  await patch(url, 0, "12345");
  const at = { "upload-offset": "5" };
  const name = { "upload-length": "1", "upload-metadata": metadata({ filename: "a" }) };
  const home = `${server.url}/.ferry/tus/`;
  const cases: [string, string, Record<string, string>, number][] = [
    [url, "HEAD", {}, 412],
    [url, "HEAD", { "tus-resumable": "0.2.2" }, 412],
    [url, "PATCH", { ...PIECE, ...at, "tus-resumable": "2.0.0" }, 412],
    [url, "PATCH", { ...TUS, ...at, "content-type": "text/plain" }, 415],
    [url, "PATCH", PIECE, 400],
    [url, "PATCH", { ...PIECE, "upload-offset": "-5" }, 400],
    [url, "PATCH", { ...PIECE, "upload-offset": "4" }, 409],
    [url, "PATCH", { ...PIECE, "upload-offset": "6" }, 409],
    [url, "PATCH", { ...PIECE, ...at, "upload-length": "11" }, 400],
    [url, "GET", TUS, 405],
    [url, "PUT", TUS, 405],
    [home, "GET", TUS, 405],
    [home, "HEAD", TUS, 404],
    [home, "PATCH", { ...PIECE, ...at }, 404],
    [`${home}${"0".repeat(32)}`, "PATCH", { ...PIECE, ...at }, 404],
    [`${home}a%2fb/`, "POST", { ...TUS, ...name }, 400],
    [`${home}a//b/`, "POST", { ...TUS, ...name }, 400],
    [`${home}.ferry/`, "POST", { ...TUS, ...name }, 404],
    [`${home}.hidden/`, "POST", { ...TUS, ...name }, 404],
    [home, "POST", { ...TUS, "upload-length": "1" }, 400],
    [home, "POST", { ...TUS, "upload-metadata": name["upload-metadata"] }, 400],
    [home, "POST", { ...TUS, ...name, "upload-length": "101" }, 413],
    [home, "POST", { ...TUS, ...name, "upload-metadata": metadata({ filename: "folder" }) }, 409],
    [home, "POST", { ...TUS, ...name, "upload-metadata": metadata({ filename: "../a" }) }, 400],
    [home, "POST", { ...TUS, ...name, "upload-metadata": metadata({ filename: "a", mtime: "now" }) }, 400],
    [home, "POST", { ...TUS, ...name, "upload-concat": "final;" }, 400],
    [home, "POST", { ...TUS, ...name, "repr-digest": "sha-256=abc" }, 400],
  ];
  for (const [to, method, headers, status] of cases) {
    const response = await send(to, { method, headers, body: method === "PATCH" ? "1" : undefined });
    const about = `${method} ${to} ${JSON.stringify(headers)}`;
    assertEquals(response.status, status, about);
    assertEquals(response.headers.get("tus-resumable"), "1.0.0", about);
    if (status === 412) assertEquals(response.headers.get("tus-version"), "1.0.0");
  }
  assertEquals([await offsetOf(url), names(dir.path)], [5, ["folder"]]);
});

Deno.test("tus: X-HTTP-Method-Override stands for the method, and --cors lets scripts do all of it", async () => {
  using dir = tempDir();
  const origin = "https://app.example";
  await using server = await serve(dir.path, ["--writable", "--cors", origin]);
  const preflight = await send(`${server.url}/.ferry/tus/`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "tus-resumable,upload-offset,content-type",
    },
  });
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-methods"), "OPTIONS, POST, HEAD, PATCH, DELETE");
  assertEquals(
    preflight.headers.get("access-control-allow-headers"),
    "tus-resumable, upload-offset, content-type",
  );
  const created = await send(`${server.url}/.ferry/tus/`, {
    method: "POST",
    headers: { ...TUS, origin, "upload-length": "3", "upload-metadata": metadata({ filename: "a" }) },
  });
  assertEquals(created.headers.get("access-control-allow-origin"), origin);
  const exposed = created.headers.get("access-control-expose-headers")?.split(", ") ?? [];
  for (const name of ["Location", "Upload-Offset", "Upload-Length", "Tus-Resumable", "Upload-Expires"]) {
    assert(exposed.includes(name), name);
  }
  const url = server.url + created.headers.get("location");
  const added = await send(url, {
    method: "POST",
    headers: { ...PIECE, "upload-offset": "0", "x-http-method-override": "PATCH" },
    body: "123",
  });
  assertEquals(added.status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "123");
});
