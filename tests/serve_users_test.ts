import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { statusOf } from "./token_tools.ts";

const login = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

async function hash(password: string): Promise<string> {
  const { code, stdout, stderr } = await ferry(["token", "hash"], { stdin: `${password}\n` });
  assertEquals(code, 0, stderr);
  return stdout.trim();
}

/** Waits until `url` answers with `status`; the time limit of the test run is the limit. */
async function until(status: number, url: string, init: RequestInit): Promise<void> {
  while (await statusOf(url, init) !== status) await new Promise((resolve) => setTimeout(resolve, 100));
}

Deno.test("serve --users reads who may do what from a file, and again when it changes", async () => {
  using dir = tempDir({ "docs/a.txt": "a", "in/x": "x" });
  using own = tempDir();
  const [ann, bob] = await Promise.all([hash("anns"), hash("bobs")]);
  const users = own.at("users");
  Deno.writeTextFileSync(users, `# staff\nann:${ann}:/docs:r\n`);
  await using server = await serve(dir.path, [
    "--anonymous",
    "none",
    "--users",
    users,
    "--auth",
    "root:pw@/:r",
  ]);
  const docs = `${server.url}/docs/a.txt`;
  const get = (headers: HeadersInit, path = "/docs/a.txt") => statusOf(server.url + path, { headers });
  assertEquals(await get(login("ann", "anns")), 200);
  assertEquals(await get(login("ann", "anns"), "/in/x"), 403);
  assertEquals(await get(login("ann", "bobs")), 401);
  assertEquals(await get(login("bob", "bobs")), 401);
  assertEquals(await get(login("root", "pw")), 200);
  // Bob comes, Ann goes, and the server has to be allowed to write for the first time.
  Deno.writeTextFileSync(`${users}.new`, `bob:${bob}:/:r,/in:rw\n`);
  Deno.renameSync(`${users}.new`, users);
  await until(200, docs, { headers: login("bob", "bobs") });
  assertEquals(await get(login("ann", "anns")), 401);
  await until(201, `${server.url}/in/new`, { method: "PUT", body: "new", headers: login("bob", "bobs") });
  // What is wrong changes nothing.
  Deno.writeTextFileSync(`${users}.new`, "ann:TOPSECRET\n");
  Deno.renameSync(`${users}.new`, users);
  while (!server.log().includes("stay in use")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(await get(login("bob", "bobs")), 200);
  assertStringIncludes(server.log(), "users line 1: the user ann has no $scrypt$ hash");
  assert(!server.log().includes("TOPSECRET"));
});

Deno.test("serve refuses a file of users that others may write to", async () => {
  using dir = tempDir();
  using own = tempDir({ users: `ann:${await hash("anns")}\n` });
  const users = own.at("users");
  const run = (...args: string[]) => ferry(["serve", dir.path, "--port", "0", "--users", users, ...args]);
  Deno.chmodSync(users, 0o666);
  const open = await run();
  assertEquals(open.code, 2);
  assertStringIncludes(open.stderr, "others may write to it (mode 666)");
});

Deno.test("serve --explain prints who may do what where, and does not serve", async () => {
  using dir = tempDir();
  const args = ["serve", dir.path, "--port", "0", "--explain", "--auth", "ann:TOPSECRET@/in:rw"];
  const { code, stdout, stderr } = await ferry(args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/).slice(0, 3).join(" ")), [
    "(everybody) / r",
    "(everybody) /in r",
    "ann / r",
    "ann /in rw",
  ]);
  assert(!stdout.includes("TOPSECRET"));
  const rows = (await ferry([...args, "--json"])).stdout.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(rows.length, 4);
  assertEquals(rows[0].user, null);
  assertEquals([rows[3].user, rows[3].path, rows[3].perms], ["ann", "/in", "rw"]);
  assert(rows[3].verbs.includes("sync to") && !rows[2].verbs.includes("PUT"));
});

Deno.test("what serve --explain says is what serve does, for each user, path and verb", async () => {
  using dir = tempDir({ "a/f": "f", "a/b/f": "f", "ab/f": "f", "f": "f" });
  const rules = ["--anonymous", "r", "--auth", "ann:pw@/a:rwd,/a/b:r", "--auth", "bob:pw@/:w,/ab:d"];
  const { stdout } = await ferry(["serve", dir.path, ...rules, "--explain", "--json"]);
  await using server = await serve(dir.path, rules);
  for (const line of stdout.trimEnd().split("\n")) {
    const { user, path, verbs } = JSON.parse(line);
    const headers = user === null ? {} : login(user, "pw");
    const base = `${path}/`.replace("//", "/");
    const tries: [verb: string, method: string, headers: HeadersInit][] = [
      ["GET", "GET", {}],
      ["PROPFIND", "PROPFIND", { depth: "0" }],
      ["PUT", "PUT", {}],
      ["DELETE", "DELETE", {}],
      ["MOVE from", "MOVE", { destination: `${base}moved` }],
      ["COPY from", "COPY", { destination: `${base}copied` }],
    ];
    for (const [verb, method, more] of tries) {
      Deno.writeTextFileSync(`${dir.path}${base}probe`, "probe");
      const status = await statusOf(`${server.url}${base}probe`, {
        method,
        headers: { ...headers, ...more },
        body: method === "PUT" ? "new" : undefined,
      });
      // Both ends of a transfer have to be allowed.
      const to = method === "MOVE" || method === "COPY" ? verbs.includes(`${method} to`) : true;
      const may = verbs.includes(verb) && to;
      assertEquals([user, path, verb, status < 400], [user, path, verb, may], `${status}`);
      for (const name of ["probe", "moved", "copied"]) {
        try {
          Deno.removeSync(`${dir.path}${base}${name}`);
        } catch {
          // It is not there.
        }
      }
    }
  }
});

Deno.test("a configuration file names the file of users and the key of tokens, from its own folder", async () => {
  using dir = tempDir({ "share/docs/a.txt": "a", "share/pub/b.txt": "b" });
  assertEquals((await ferry(["token", "key", dir.at("key")])).code, 0);
  Deno.writeTextFileSync(dir.at("users"), `ann:${await hash("anns")}:/docs:r\n`);
  const config = {
    "users": "users",
    "token-key": "key",
    "anonymous": { "/": "none", "/pub": "r" },
    "shares": [{ folder: "share" }],
  };
  Deno.writeTextFileSync(dir.at("ferry.jsonc"), JSON.stringify(config));
  const args = ["--config", dir.at("ferry.jsonc")];
  const { stdout } = await ferry(["serve", ...args, "--explain", "--json"], { cwd: "/" });
  const rows = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(rows.map(({ user, path, perms }) => `${user} ${path} ${perms}`), [
    ...["null / none", "null /docs none", "null /pub r"],
    ...["ann / none", "ann /docs r", "ann /pub r"],
  ]);
  await using server = await serve(null, args);
  const made = await ferry(["token", "create", "--token-key", dir.at("key"), "--path", "/docs"]);
  const get = (path: string, headers: HeadersInit = {}) => statusOf(server.url + path, { headers });
  const token = { authorization: `Bearer ${made.stdout.trim()}` };
  assertEquals([await get("/pub/b.txt"), await get("/docs/a.txt")], [200, 401]);
  assertEquals([await get("/docs/a.txt", login("ann", "anns")), await get("/docs/a.txt", token)], [200, 200]);
  assertEquals(await get("/pub/b.txt", token), 403);
});
