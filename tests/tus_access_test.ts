/** Who may upload what where: as by PUT, at the beginning and at the end. */
import { assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { bearer, tokenServer } from "./token_tools.ts";
import { create, metadata, offsetOf, patch, PIECE, send, TUS } from "./tus_requests.ts";

function login(user: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`${user}:pw`)}` };
}

Deno.test("tus: a folder takes uploads from those who may write there", async () => {
  using dir = tempDir();
  const args = ["--anonymous", "r", "--auth", "ann:pw@/ann:rw", "--auth", "bob:pw@/:r"];
  await using server = await serve(dir.path, args);
  const post = async (folder: string, name: string, headers: Record<string, string>) => {
    const response = await send(`${server.url}/.ferry/tus/${folder}`, {
      method: "POST",
      headers: {
        ...TUS,
        ...headers,
        "upload-length": "1",
        "upload-metadata": metadata({ filename: name }),
      },
    });
    return response.status;
  };
  assertEquals(await post("ann/", "a", login("ann")), 201);
  assertEquals(await post("ann", "a", login("ann")), 201);
  assertEquals(await post("", "a", login("ann")), 403);
  assertEquals(await post("ann/", "a", login("bob")), 403);
  assertEquals(await post("ann/", "a", {}), 401);
  assertEquals(await post("ann/", "a", { authorization: `Basic ${btoa("ann:other")}` }), 401);
  const partial = { "upload-concat": "partial" };
  assertEquals(await post("ann/", "", { ...login("ann"), ...partial }), 201);
  assertEquals(await post("", "", { ...login("ann"), ...partial }), 403);
});

Deno.test("tus: an upload is its creator's: for all others it is not there", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--anonymous", "rw", "--auth", "ann:pw", "--auth", "bob:pw"]);
  const url = await create(server.url, "a", 10, login("ann"));
  assertEquals((await patch(url, 0, "12345", login("ann"))).status, 204);
  for (const other of [login("bob"), {} as Record<string, string>]) {
    assertEquals(await offsetOf(url, other), "status 404");
    assertEquals((await patch(url, 5, "67890", other)).status, 404);
    const deleted = await send(url, { method: "DELETE", headers: { ...TUS, ...other } });
    assertEquals(deleted.status, 404);
  }
  const part = { "upload-concat": "partial", "upload-metadata": "" };
  const partial = await create(server.url, "", 1, { ...login("ann"), ...part });
  assertEquals((await patch(partial, 0, "x", login("ann"))).status, 204);
  const stolen = await send(`${server.url}/.ferry/tus/`, {
    method: "POST",
    headers: {
      ...TUS,
      ...login("bob"),
      "upload-concat": `final;${partial}`,
      "upload-metadata": metadata({ filename: "stolen" }),
    },
  });
  assertEquals(stolen.status, 404);
  assertEquals((await patch(url, 5, "67890", login("ann"))).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "1234567890");
});

Deno.test("tus: who may not write any more cannot go on, and what was sent takes no place", async () => {
  using dir = tempDir();
  let path: string;
  {
    await using server = await serve(dir.path, ["--auth", "ann:pw@/:rw"]);
    const url = await create(server.url, "a", 10, login("ann"));
    assertEquals((await patch(url, 0, "12345", login("ann"))).status, 204);
    path = new URL(url).pathname;
  }
  {
    await using server = await serve(dir.path, ["--auth", "ann:pw@/:rw,/a:r"]);
    assertEquals(await offsetOf(server.url + path, login("ann")), "status 403");
    assertEquals((await patch(server.url + path, 5, "67890", login("ann"))).status, 403);
  }
  await using server = await serve(dir.path, ["--auth", "ann:pw@/:rw"]);
  assertEquals((await patch(server.url + path, 5, "67890", login("ann"))).status, 204);
});

Deno.test("tus: an upload is one use of a token, and its bytes are counted once", async () => {
  await using tokens = await tokenServer({ "in/old": "old" });
  const { url } = tokens.server;
  const [once, other] = await Promise.all([
    tokens.token("--path", "/in", "--perms", "w", "--uses", "1"),
    tokens.token("--path", "/in", "--perms", "w", "--bytes", "7"),
  ]);
  const at = { "upload-metadata": metadata({ relativePath: "in/a" }) };
  const upload = await create(url, "", 10, { ...at, ...bearer(once) });
  assertEquals((await patch(upload, 0, "12345", bearer(once))).status, 204);
  assertEquals(await offsetOf(upload, bearer(once)), 5);
  assertEquals((await patch(upload, 5, "67890", bearer(once))).status, 204);
  const again = await send(`${url}/.ferry/tus/in/`, {
    method: "POST",
    headers: {
      ...TUS,
      ...bearer(once),
      "upload-length": "1",
      "upload-metadata": metadata({ filename: "b" }),
    },
  });
  assertEquals(again.status, 403);

  const bounded = await create(url, "", 10, { ...at, ...bearer(other) });
  assertEquals((await patch(bounded, 0, "12345", bearer(other))).status, 204);
  assertEquals((await patch(bounded, 5, "67890", bearer(other))).status, 403);
  assertEquals(await offsetOf(bounded, bearer(once)), "status 404");
  assertEquals([
    await offsetOf(bounded, bearer(other)),
    (await patch(bounded, 5, "67", bearer(other))).status,
  ], [
    5,
    204,
  ]);
});

Deno.test("tus: the preconditions of a creation hold at its beginning and at its end", async () => {
  using dir = tempDir({ "old": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const only = { "if-none-match": "*" };
  const refused = await send(`${server.url}/.ferry/tus/`, {
    method: "POST",
    headers: { ...TUS, ...only, "upload-length": "1", "upload-metadata": metadata({ filename: "old" }) },
  });
  assertEquals(refused.status, 412);

  const url = await create(server.url, "new", 5, only);
  assertEquals((await patch(url, 0, "1234")).status, 204);
  Deno.writeTextFileSync(dir.at("new"), "somebody else's");
  assertEquals((await patch(url, 4, "5")).status, 412);
  assertEquals(await offsetOf(url), "status 412");
  assertEquals(Deno.readTextFileSync(dir.at("new")), "somebody else's");
  // Nothing is lost: once there is room for it, asking is enough.
  Deno.removeSync(dir.at("new"));
  assertEquals(await offsetOf(url), 5);
  assertEquals(Deno.readTextFileSync(dir.at("new")), "12345");

  const etag = (await send(`${server.url}/old`, { method: "HEAD" })).headers.get("etag") ?? "";
  const change = await create(server.url, "old", 3, { "if-match": etag });
  assertEquals((await patch(change, 0, "new")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("old")), "new");
  const stale = await send(`${server.url}/.ferry/tus/`, {
    method: "POST",
    headers: {
      ...PIECE,
      "if-match": etag,
      "upload-length": "3",
      "upload-metadata": metadata({ filename: "old" }),
    },
    body: "abc",
  });
  assertEquals([stale.status, Deno.readTextFileSync(dir.at("old"))], [412, "new"]);
});

Deno.test("tus: a WebDAV lock keeps uploads out, at their beginning and at their end, but for who holds it", async () => {
  using dir = tempDir({ "old": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const open = await create(server.url, "old", 3);
  const lock = await send(`${server.url}/old`, {
    method: "LOCK",
    body:
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  });
  assertEquals(lock.status, 200);
  const token = lock.headers.get("lock-token") ?? "";
  const post = async (headers: Record<string, string>) => {
    const init = {
      ...PIECE,
      "upload-length": "4",
      "upload-metadata": metadata({ filename: "old" }),
      ...headers,
    };
    return (await send(`${server.url}/.ferry/tus/`, { method: "POST", headers: init, body: "mine" })).status;
  };
  assertEquals([await post({}), (await patch(open, 0, "new")).status], [423, 423]);
  assertEquals(Deno.readTextFileSync(dir.at("old")), "old");
  assertEquals([await post({ "if": `(${token})` }), Deno.readTextFileSync(dir.at("old"))], [201, "mine"]);
  await send(`${server.url}/old`, { method: "UNLOCK", headers: { "lock-token": token } });
  assertEquals([await offsetOf(open), Deno.readTextFileSync(dir.at("old"))], [3, "new"]);
});

Deno.test("tus: a link that leads out of the share takes no upload", async () => {
  using dir = tempDir({ "share/x": "x", "outside/y": "y" });
  Deno.symlinkSync("../outside", dir.at("share/out"));
  await using server = await serve(dir.at("share"), ["--writable"]);
  const url = await create(server.url, "a", 1, {
    "upload-metadata": metadata({ relativePath: "made/a" }),
  });
  const refused = await send(`${server.url}/.ferry/tus/out/`, {
    method: "POST",
    headers: { ...TUS, "upload-length": "1", "upload-metadata": metadata({ filename: "z" }) },
  });
  assertEquals(refused.status, 404);
  // A link that comes while the bytes do.
  Deno.symlinkSync("../outside", dir.at("share/made"));
  assertEquals((await patch(url, 0, "1")).status, 404);
  assertEquals([...Deno.readDirSync(dir.at("outside"))].length, 1);
});
