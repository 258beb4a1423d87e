/** `ferry serve --metrics`, `/.ferry/ready`, request ids, and the log in a file. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, rawRequest, serve, tempDir } from "./harness.ts";

/** The samples of a page, by name and labels. */
async function scrape(url: string, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const response = await fetch(`${url}/.ferry/metrics`, { headers });
  assertEquals(response.status, 200);
  assertMatch(response.headers.get("content-type") ?? "", /^text\/plain; version=0.0.4/);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

const GOT = 'ferry_http_requests_total{method="GET",code="2xx"}';

/** Waits until `holds`. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    assert(Date.now() < end, "it did not come about");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

Deno.test("serve --metrics counts requests, bytes, times, and files in memory, over all workers", async () => {
  using dir = tempDir({ "f": "x".repeat(1000) });
  Deno.utimeSync(dir.at("f"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path, ["--metrics", "--writable", "--workers", "2", "--log", "none"]);
  const before = await scrape(server.url);
  assertEquals(before.get("ferry_workers"), 2);
  for (let i = 0; i < 20; i++) {
    // Each on a connection of its own, so that both workers have some.
    const { body } = await rawRequest(server.port, "GET /f HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assertEquals(body.length, 1000);
  }
  await (await fetch(`${server.url}/nothing`)).body?.cancel();
  await (await fetch(`${server.url}/up`, { method: "PUT", body: "y".repeat(5000) })).body?.cancel();
  await until(async () => {
    const after = await scrape(server.url);
    // Each worker has counted its own by then.
    return after.get(GOT)! >= 20 && after.get("ferry_http_request_bytes_total") === 5000 &&
      after.has('ferry_http_requests_total{method="GET",code="4xx"}') &&
      after.has('ferry_http_requests_total{method="PUT",code="2xx"}');
  });
  const after = await scrape(server.url);
  assertEquals(after.get('ferry_http_requests_total{method="GET",code="4xx"}'), 1);
  assertEquals(after.get('ferry_http_requests_total{method="PUT",code="2xx"}'), 1);
  assert(after.get("ferry_http_response_bytes_total")! >= 20_000);
  const counted = [...after].filter(([name]) => name.startsWith("ferry_http_requests_total")).map(([, n]) =>
    n
  );
  assertEquals(after.get("ferry_http_request_duration_seconds_count"), counted.reduce((a, b) => a + b));
  assertEquals(
    after.get('ferry_http_request_duration_seconds_bucket{le="+Inf"}'),
    counted.reduce((a, b) => a + b),
  );
  if (Deno.build.os === "linux") {
    await until(async () => (await scrape(server.url)).get("ferry_http_connections")! >= 1);
  }
  assert(after.get("process_resident_memory_bytes")! > 1e6);
});

Deno.test("metrics are for programs on this machine, and for users who may read everything", async () => {
  using dir = tempDir({ "f": "x" });
  const auth = ["--auth", "ann:pw@/:r", "--auth", "bob:pw@/sub:r", "--anonymous", "none"];
  await using server = await serve(dir.path, ["--metrics", ...auth]);
  const status = async (headers: Record<string, string>) => {
    const response = await fetch(`${server.url}/.ferry/metrics`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  const login = (user: string) => ({ authorization: `Basic ${btoa(user)}` });
  assertEquals(await status({}), 200);
  // What a proxy on this machine passes on comes from elsewhere.
  for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
    assertEquals(await status({ [name]: "203.0.113.7" }), 401, name);
    assertEquals(await status({ [name]: "203.0.113.7", ...login("ann:pw") }), 200, name);
    assertEquals(await status({ [name]: "203.0.113.7", ...login("bob:pw") }), 403, name);
  }
  const wrong = await fetch(`${server.url}/.ferry/metrics`, { method: "PUT", body: "x" });
  assertEquals([wrong.status, wrong.headers.get("allow")], [405, "GET, HEAD"]);
  await wrong.body?.cancel();
});

Deno.test("without --metrics there are none", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, []);
  const response = await fetch(`${server.url}/.ferry/metrics`);
  assertEquals(response.status, 404);
  await response.body?.cancel();
});

Deno.test("/.ferry/ready is 503 while the shared folder is away, and health is not", async () => {
  using dir = tempDir({ "share/f": "x" });
  await using server = await serve(dir.at("share"), ["--anonymous", "none", "--auth", "a:b"]);
  const status = async (page: string) => {
    const response = await fetch(`${server.url}/.ferry/${page}`);
    const text = await response.text();
    assert(!text.includes(dir.path), text);
    return response.status;
  };
  assertEquals([await status("ready"), await status("health")], [200, 200]);
  Deno.renameSync(dir.at("share"), dir.at("away"));
  assertEquals([await status("ready"), await status("health")], [503, 200]);
  Deno.renameSync(dir.at("away"), dir.at("share"));
  assertEquals(await status("ready"), 200);
});

Deno.test("/.ferry/ready is 503 while a server that stops ends what is under way", async () => {
  using dir = tempDir({ "share": null });
  const server = await serve(dir.at("share"), ["--writable"]);
  const held = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const write = (text: string) => held.write(new TextEncoder().encode(text));
  await write("PUT /f HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\na");
  await until(async () => (await fetch(`${server.url}/.ferry/ready`)).status === 200);
  const ending = server.stop();
  await until(async () => (await fetch(`${server.url}/.ferry/ready`)).status === 503);
  await write("b");
  const buffer = new Uint8Array(1024);
  const count = await held.read(buffer);
  assertStringIncludes(new TextDecoder().decode(buffer.subarray(0, count ?? 0)), "201");
  held.close();
  assertEquals(await ending, 0);
  assertEquals(Deno.readTextFileSync(dir.at("share/f")), "ab");
});

Deno.test("a request has one id in its answer, in a problem and in the log: the client's where that is sane", async () => {
  using dir = tempDir({ "f": "x" });
  await using server = await serve(dir.path, ["--log", "json"]);
  const ask = async (path: string, given?: string) => {
    const response = await fetch(server.url + path, {
      headers: given === undefined ? {} : { "x-request-id": given },
    });
    return { text: await response.text(), id: response.headers.get("x-request-id") };
  };
  const good = await ask("/f", "client-1");
  assertEquals([good.text, good.id], ["x", "client-1"]);
  const bad = await ask("/nothing", "client-2");
  assertEquals([JSON.parse(bad.text).request_id, bad.id], ["client-2", "client-2"]);
  const odd = await ask("/nothing", '"}{ <b>');
  assertMatch(odd.id ?? "", /^[0-9a-f-]{36}$/);
  assertEquals(JSON.parse(odd.text).request_id, odd.id);
  await until(() => server.log().includes(odd.id!));
  const ids = server.log().split("\n").filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line).id
  );
  assertEquals(ids, ["client-1", "client-2", odd.id]);
  // Without such a log only failures have one.
  await using quiet = await serve(dir.path, ["--log", "none"]);
  const plain = await fetch(`${quiet.url}/f`, { headers: { "x-request-id": "z" } });
  assertEquals([await plain.text(), plain.headers.get("x-request-id")], ["x", null]);
  const failed = await fetch(`${quiet.url}/nothing`, { headers: { "x-request-id": "z" } });
  assertEquals([(await failed.json()).request_id, failed.headers.get("x-request-id")], ["z", "z"]);
});

Deno.test("serve --log-file appends to a file, and SIGHUP goes on in a new one", async () => {
  using dir = tempDir({ "share/f": "x", "log": "before\n" });
  const path = dir.at("log");
  await using server = await serve(dir.at("share"), ["--log-file", path]);
  const get = async (name: string) => await (await fetch(`${server.url}/${name}`)).body?.cancel();
  const has = (file: string, name: string) => () => Deno.readTextFileSync(file).includes(`GET /${name} `);
  await get("one");
  await until(has(path, "one"));
  Deno.renameSync(path, dir.at("log.1"));
  await get("two");
  await until(has(dir.at("log.1"), "two"));
  Deno.kill(server.pid, "SIGHUP");
  await until(() => [...Deno.readDirSync(dir.path)].some(({ name }) => name === "log"));
  await get("three");
  await until(has(path, "three"));
  assertMatch(Deno.readTextFileSync(dir.at("log.1")), /^before\n.*GET \/one .*\n.*GET \/two .*\n$/);
  assertEquals(Deno.readTextFileSync(path).split("\n").length, 2);
  assert(!server.log().includes("GET /"), server.log());
  const wrong = await ferry(["serve", dir.at("share"), "--port", "0", "--log-file", dir.at("no/such/log")]);
  assertEquals(wrong.code, 2, wrong.stderr);
  assertStringIncludes(wrong.stderr, "--log-file");
});
