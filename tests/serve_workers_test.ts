/** Several workers behind one port: whichever is asked, the answer is the same. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, rawRequest, serve, tempDir } from "./harness.ts";

Deno.test("serve --workers answers reading, writing and syncing alike on every connection", async () => {
  using dir = tempDir();
  using other = tempDir();
  await using server = await serve(dir.path, ["--workers", "3", "--writable", "--log", "json"]);
  // Each request has a connection of its own, and the kernel deals them out.
  for (let i = 0; i < 24; i++) {
    const url = `${server.url}/folder ${i}/naïve & odd.txt`;
    const headers = { connection: "close" };
    const put = await fetch(url, { method: "PUT", body: `body ${i}`, headers });
    assertEquals([put.status, await put.text()], [201, ""]);
    const got = await fetch(url, { headers });
    assertEquals([got.status, await got.text()], [200, `body ${i}`]);
    const moved = await fetch(url, {
      method: "MOVE",
      headers: { ...headers, destination: `${server.url}/moved-${i}` },
    });
    assertEquals([moved.status, await moved.text()], [201, ""]);
    const gone = await fetch(url, { headers });
    await gone.body?.cancel();
    assertEquals(gone.status, 404);
  }
  Deno.writeTextFileSync(`${other.path}/new`, "new");
  Deno.symlinkSync("new", `${other.path}/link`);
  const push = await ferry(["sync", other.path, `${server.url}/pushed/`]);
  assertEquals([push.code, push.stderr], [0, ""]);
  assertEquals(Deno.readLinkSync(`${dir.path}/pushed/link`), "new");
  const pull = await ferry(["sync", `${server.url}/`, `${other.path}/back`]);
  assertEquals([pull.code, pull.stderr], [0, ""]);
  assertEquals(Deno.readTextFileSync(`${other.path}/back/moved-7`), "body 7");
  assertEquals(await server.stop(), 0);
  const lines = server.log().split("\n").filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line)
  );
  assertEquals(lines.filter(({ method }) => method === "PUT").length >= 24, true);
  assert(lines.every(({ remote }) => remote === "127.0.0.1"), "the log names who really asked");
});

Deno.test("serve --workers on a socket is refused: only one of them could listen", async () => {
  using dir = tempDir();
  const { code, stderr } = await ferry(["serve", dir.path, "--unix", `${dir.path}/s`, "--workers", "2"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--workers");
});

Deno.test("serve refuses a port that is taken, also where ports could be shared", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path);
  const { code, stderr } = await ferry(["serve", dir.path, "--port", String(server.port)]);
  assertEquals(code, 7);
  assertStringIncludes(stderr, `port ${server.port}`);
});

Deno.test("serve --workers takes a query of any characters on every connection", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--workers", "3", "--writable"]);
  const target = "/f?a\\b=/../x";
  const head = `PUT ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`;
  const answers = await Promise.all(Array.from({ length: 12 }, () => rawRequest(server.port, head)));
  assertEquals(answers.map(({ status }) => status).sort(), [201, ...Array(11).fill(204)].sort());
});
