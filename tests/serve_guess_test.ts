import { assert, assertEquals } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { bearer, statusOf, tokenServer } from "./token_tools.ts";

const login = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

Deno.test("serve slows down who guesses passwords, says until when, and lets others in as ever", async () => {
  using dir = tempDir({ f: "f" });
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", "ann:pw", "--auth", "bob:pw"]);
  const url = `${server.url}/f`;
  const get = (headers: HeadersInit) => statusOf(url, { headers });
  const tried: number[] = [];
  for (let i = 0; i < 14; i++) tried.push(await get(login("ann", `guess ${i}`)));
  assertEquals(tried, [...Array(10).fill(401), ...Array(4).fill(429)]);
  // The right password would tell, too.
  const response = await fetch(url, { headers: login("ann", "pw") });
  assertEquals([response.status, (await response.json()).code], [429, "too_many_requests"]);
  assert(/^([1-9]|1[0-5])$/.test(response.headers.get("retry-after") ?? ""));
  // Others do not feel it, and who says nothing is not asked to wait.
  assertEquals([await get(login("bob", "pw")), await get({})], [200, 401]);
});

Deno.test("serve slows down a thousand guesses at once, of names that are there and that are not alike", async () => {
  using dir = tempDir({ f: "f" });
  const { stdout } = await ferry(["token", "hash"], { stdin: "pw\n" });
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", `ann:${stdout.trim()}`]);
  for (const name of ["ann", "nobody"]) {
    const statuses: number[] = [];
    await Promise.all(Array.from({ length: 8 }, async (_, lane) => {
      for (let i = 0; i < 25; i++) {
        statuses.push(await statusOf(`${server.url}/f`, { headers: login(name, `${lane} ${i}`) }));
      }
    }));
    assertEquals(new Set(statuses), new Set([401, 429]));
    // Ten, and those that time has brought.
    assert(statuses.filter((status) => status === 401).length <= 14, name);
  }
});

Deno.test("serve slows down each client that a trusted proxy tells of by itself, whatever the names", async () => {
  using dir = tempDir({ f: "f" });
  const args = [
    "--anonymous",
    "none",
    "--auth",
    "ann:pw",
    "--auth",
    "bob:pw",
    "--trusted-proxy",
    "127.0.0.1",
  ];
  await using server = await serve(dir.path, args);
  const get = (client: string, headers: Record<string, string>) =>
    statusOf(`${server.url}/f`, { headers: { ...headers, "x-forwarded-for": client } });
  for (let i = 0; i < 10; i++) assertEquals(await get("192.0.2.1", login(`name ${i}`, "x")), 401);
  assertEquals([await get("192.0.2.1", login("ann", "pw")), await get("192.0.2.1", login("bob", "pw"))], [
    429,
    429,
  ]);
  // What the client itself says before that counts for nothing.
  assertEquals(await get("192.0.2.9, 192.0.2.1", login("ann", "pw")), 429);
  assertEquals([await get("192.0.2.2", login("ann", "pw")), await get("2001:db8::1", login("bob", "pw"))], [
    200,
    200,
  ]);
  for (let i = 0; i < 10; i++) assertEquals(await get(`2001:db8::${i + 2}`, login(`name ${i}`, "x")), 401);
  assertEquals(await get("2001:db8::ffff", login("ann", "pw")), 429);
  assertEquals(await get("2001:db8:0:1::1", login("ann", "pw")), 200);
});

Deno.test("a token that is wrong is no guess at a password", async () => {
  await using tokens = await tokenServer({ f: "f" }, ["--anonymous", "none", "--auth", "ann:pw"]);
  const url = `${tokens.server.url}/f`;
  for (let i = 0; i < 30; i++) assertEquals(await statusOf(url, { headers: bearer(`ferry1.a.${i}`) }), 401);
  assertEquals(await statusOf(url, { headers: login("ann", "pw") }), 200);
});
