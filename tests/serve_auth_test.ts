import { assert, assertEquals } from "@std/assert";
import { scryptSync } from "node:crypto";
import { ferry, serve, tempDir } from "./harness.ts";

const TREE = { "public.txt": "p", "in/x.txt": "x", "secret/y.txt": "y", "secret/open/z.txt": "z" };

const login = (user: string, password = "pw") => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

/** Sends each request and compares the statuses. */
async function expectAll(url: string, cases: [string, string, HeadersInit, number][]): Promise<void> {
  for (const [method, path, headers, status] of cases) {
    const response = await fetch(url + path, {
      method,
      headers,
      redirect: "manual",
      body: method === "PUT" ? "new" : undefined,
    });
    await response.body?.cancel();
    assertEquals(response.status, status, `${method} ${path} ${JSON.stringify(headers)}`);
    assertEquals(response.headers.has("www-authenticate"), status === 401, `${method} ${path}`);
  }
}

Deno.test("serve gives each user the rights of the longest path and those of everybody", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, [
    "--anonymous",
    "none",
    "--auth",
    "ann:pw@/:r,/in:rw,/secret:none,/secret/open:rwd",
    "--auth",
    "bob:pw@/in:w",
    "--auth",
    "root:pw",
  ]);
  await expectAll(server.url, [
    ["GET", "/public.txt", {}, 401],
    ["GET", "/missing", {}, 401],
    ["PUT", "/new", {}, 401],
    ["GET", "/public.txt", login("ann"), 200],
    ["GET", "/public.txt", login("ann", "wrong"), 401],
    ["GET", "/public.txt", login("eve"), 401],
    ["GET", "/public.txt", { authorization: "Basic rubbish" }, 401],
    ["GET", "/public.txt", { authorization: "Bearer x" }, 401],
    ["GET", "/secret/y.txt", login("ann"), 403],
    ["GET", "/secret/missing", login("ann"), 403],
    ["GET", "/secret/open/z.txt", login("ann"), 200],
    ["PUT", "/new", login("ann"), 403],
    ["PUT", "/in/new", login("ann"), 201],
    ["DELETE", "/in/new", login("ann"), 403],
    ["DELETE", "/secret/open", login("ann"), 204],
    ["PUT", "/in/drop", login("bob"), 201],
    ["GET", "/in/drop", login("bob"), 403],
    ["PUT", "/inner", login("bob"), 403],
    ["DELETE", "/secret", login("root"), 204],
    ["GET", "/.ferry/health", {}, 200],
  ]);
});

Deno.test("serve lets everybody do what --anonymous says, and refuses wrong credentials all the same", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, ["--auth", "ann:pw@/in:w"]);
  await expectAll(server.url, [
    ["GET", "/secret/y.txt", {}, 200],
    ["GET", "/secret/y.txt", login("ann"), 200],
    ["GET", "/secret/y.txt", login("ann", "wrong"), 401],
    ["PUT", "/in/a", {}, 401],
    ["PUT", "/in/a", login("ann"), 201],
    ["PUT", "/a", login("ann"), 403],
  ]);
});

Deno.test("serve --auth USER:PASSWORD lets anybody read, and the user alone write", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, ["--auth", "ann:pw"]);
  await expectAll(server.url, [
    ["GET", "/secret/y.txt", {}, 200],
    ["PUT", "/new", {}, 401],
    ["DELETE", "/public.txt", {}, 401],
    ["PUT", "/new", login("ann"), 201],
    ["DELETE", "/public.txt", login("ann"), 204],
  ]);
});

Deno.test("serve leaves out of a listing what the user may not read", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", "ann:pw@/:r,/secret:none"]);
  const listing = await (await fetch(`${server.url}/?format=json`, { headers: login("ann") })).json();
  assertEquals(listing.entries.map((entry: { name: string }) => entry.name), ["in", "public.txt"]);
});

Deno.test("serve deletes and moves a folder only for who may do so everywhere in it", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, [
    "--anonymous",
    "none",
    "--auth",
    "ann:pw@/:rwd,/secret/open:r",
  ]);
  await expectAll(server.url, [
    ["DELETE", "/secret", login("ann"), 403],
    ["MOVE", "/secret", { ...login("ann"), destination: "/moved" }, 403],
    ["MOVE", "/in", { ...login("ann"), destination: "/secret" }, 403],
    ["DELETE", "/secret/y.txt", login("ann"), 204],
  ]);
  assertEquals(Deno.readTextFileSync(dir.at("secret/open/z.txt")), "z");
});

Deno.test("serve checks the Destination as it checks the target, and a move gives nobody something to read", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, [
    "--anonymous",
    "none",
    "--auth",
    "ann:pw@/:r,/in:rwd,/secret:wd",
  ]);
  await expectAll(server.url, [
    ["COPY", "/public.txt", { ...login("ann"), destination: "/copied" }, 403],
    ["COPY", "/secret/y.txt", { ...login("ann"), destination: "/in/stolen" }, 403],
    ["MOVE", "/secret/y.txt", { ...login("ann"), destination: "/in/stolen" }, 403],
    ["MOVE", "/secret", { ...login("ann"), destination: "/in/stolen" }, 403],
    ["MOVE", "/public.txt", { ...login("ann"), destination: "/in/p" }, 403],
    ["MOVE", "/in/x.txt", { ...login("ann"), destination: "/secret/x.txt" }, 201],
    ["COPY", "/public.txt", { ...login("ann"), destination: "/in/p" }, 201],
  ]);
});

Deno.test("serve gives no rights by way of a link", async () => {
  using dir = tempDir(TREE);
  Deno.symlinkSync("../secret", dir.at("in/way"));
  Deno.symlinkSync("../secret/y.txt", dir.at("in/file"));
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", "ann:pw@/in:rwd"]);
  await expectAll(server.url, [
    ["GET", "/in/way/y.txt", login("ann"), 403],
    ["GET", "/in/way/", login("ann"), 403],
    ["GET", "/in/file", login("ann"), 403],
    ["PUT", "/in/file", login("ann"), 403],
    ["PUT", "/in/way/new", login("ann"), 403],
    ["DELETE", "/in/way/y.txt", login("ann"), 403],
    ["COPY", "/in/x.txt", { ...login("ann"), destination: "/in/way/x" }, 403],
    ["COPY", "/in/file", { ...login("ann"), destination: "/in/stolen" }, 403],
  ]);
  const listing = await (await fetch(`${server.url}/in/?format=json`, { headers: login("ann") })).json();
  assertEquals(listing.entries.map((entry: { name: string }) => entry.name), ["x.txt"]);
  assertEquals(Deno.readTextFileSync(dir.at("secret/y.txt")), "y");
});

Deno.test("serve lists below a link no name that may not be read where the link leads", async () => {
  using dir = tempDir({ "in/x": "x", "real/open": "o", "real/secret": "s", "real/sub/y": "y" });
  Deno.symlinkSync("../real", dir.at("in/way"));
  const rules = "ann:pw@/:r,/real/secret:none,/real/sub:none";
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", rules]);
  const names = async (path: string) => {
    const response = await fetch(`${server.url}${path}?format=json`, { headers: login("ann") });
    return (await response.json()).entries.map((entry: { name: string }) => entry.name);
  };
  assertEquals([await names("/in/way/"), await names("/real/")], [["open"], ["open"]]);
});

Deno.test("serve takes a scrypt hash for a password, and shows neither in its log", async () => {
  using dir = tempDir(TREE);
  const unpadded = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const key = new Uint8Array(scryptSync("höchst geheim", salt, 32, { N: 2 ** 12, r: 8, p: 1 }));
  const hash = `$scrypt$ln=12,r=8,p=1$${unpadded(salt)}$${unpadded(key)}`;
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", `ann:${hash}@/:r`]);
  const utf8 = btoa(String.fromCharCode(...new TextEncoder().encode("ann:höchst geheim")));
  await expectAll(server.url, [
    ["GET", "/public.txt", { authorization: `Basic ${utf8}` }, 200],
    ["GET", "/public.txt", { authorization: `Basic ${utf8}` }, 200],
    ["GET", "/public.txt", login("ann", hash), 401],
    ["GET", "/public.txt", login("ann"), 401],
    ["GET", "/public.txt", login("eve"), 401],
  ]);
  assertEquals(await server.stop(), 0);
  assert(
    !server.log().includes("scrypt") && !server.log().includes("geheim") && !server.log().includes(utf8),
  );
  assert(server.log().includes(" - ann ["), server.log());
});

Deno.test("serve refuses bad --auth and --anonymous values with exit 2, and does not repeat the password", async () => {
  using dir = tempDir();
  const cases = [
    ["--auth", "TOPSECRET"],
    ["--auth", ":TOPSECRET"],
    ["--auth", "ann:TOPSECRET@/x:q"],
    ["--auth", "ann:TOPSECRET@/../x"],
    ["--auth", "ann:$scrypt$TOPSECRET"],
    ["--anonymous", "x"],
    ["--anonymous", ""],
  ];
  await Promise.all(cases.map(async (args) => {
    const { code, stderr, stdout } = await ferry(["serve", dir.path, "--port", "0", ...args]);
    assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], args.join(" "));
    assert(stderr.includes(args[0]) && !stderr.includes("TOPSECRET"), stderr);
  }));
});
