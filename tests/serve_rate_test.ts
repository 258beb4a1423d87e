/** Limits of `ferry serve` on how much a client asks for, and how fast bodies go. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";

/** The statuses of `count` requests, one after the other. */
async function statuses(
  server: Server,
  count: number,
  headers: Record<string, string> = {},
): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const response = await fetch(`${server.url}/file`, { headers });
    await response.body?.cancel();
    all.push(response.status);
  }
  return all;
}

/** Milliseconds that `work` takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

Deno.test("serve --client-requests answers 429 with Retry-After to a client that asks too often, until it may", async () => {
  using dir = tempDir({ file: "content" });
  for (const workers of ["1", "2"]) {
    await using server = await serve(dir.path, ["--client-requests", "2", "--workers", workers]);
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 30 }, () => statuses(server, 1)));
    const passed = answers.flat().filter((status) => status === 200).length;
    const refused = answers.flat().filter((status) => status === 429).length;
    assertEquals(passed + refused, 30);
    assert(passed >= 10 && passed <= 11 + 2 * (performance.now() - began) / 1000, `${passed}`);
    // A slow machine may have waited until it may again.
    let response = await fetch(`${server.url}/file`);
    for (let more = 0; response.status === 200 && more < 20; more++) {
      await response.body?.cancel();
      response = await fetch(`${server.url}/file`);
    }
    assertEquals(response.status, 429);
    assertMatch(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    assertEquals((await response.json()).code, "too_many_requests");
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("retry-after"))));
    assertEquals(await statuses(server, 1), [200]);
    await server.stop();
    assertMatch(server.log(), /"GET \/file HTTP\/1.1" 429 /);
  }
});

Deno.test("serve --trusted-proxy takes that proxy's word about who a client is, and nobody else's", async () => {
  using dir = tempDir({ file: "content" });
  const from = (address: string) => ({ "x-forwarded-for": `198.51.100.99, ${address}` });
  {
    await using server = await serve(dir.path, ["--client-requests", "1", "--trusted-proxy", "127.0.0.0/8"]);
    assertEquals(await statuses(server, 6, from("192.0.2.1")), [200, 200, 200, 200, 200, 429]);
    assertEquals(await statuses(server, 1, from("192.0.2.2")), [200]);
    await server.stop();
    assertMatch(server.log(), /^192\.0\.2\.1 - - .*\n(.*\n)*192\.0\.2\.2 - - /m);
  }
  await using server = await serve(dir.path, ["--client-requests", "1", "--trusted-proxy", "10.0.0.1"]);
  assertEquals(await statuses(server, 6, from("192.0.2.1")), [200, 200, 200, 200, 200, 429]);
  assertEquals(await statuses(server, 1, from("192.0.2.2")), [429]);
  await server.stop();
  assertMatch(server.log(), /" 429 /);
  assert(!server.log().includes("192.0.2."));
});

Deno.test("serve --limit-rate and --client-limit-rate hold downloads and uploads to a rate", async () => {
  const content = crypto.getRandomValues(new Uint8Array(50_000));
  using dir = tempDir({ file: content, small: content.subarray(0, 5000) });
  const get = async (url: string) => assertEquals(await (await fetch(url)).bytes(), content);
  for (const flag of ["--limit-rate", "--client-limit-rate"]) {
    await using server = await serve(dir.path, [flag, "100000", "--writable"]);
    const down = await time(() => Promise.all([get(`${server.url}/file`), get(`${server.url}/file`)]));
    assert(down > 700, `${flag}: 100,000 bytes down in ${down} ms`);
    const up = await time(async () => {
      const response = await fetch(`${server.url}/new`, { method: "PUT", body: content });
      assertEquals(response.status, 201);
    });
    assert(up > 200, `${flag}: 50,000 bytes up in ${up} ms`);
    assertEquals(Deno.readFileSync(dir.at("new")), content);
    Deno.removeSync(dir.at("new"));
    const small = await time(async () => {
      for (let i = 0; i < 10; i++) await (await fetch(`${server.url}/small`)).body?.cancel();
    });
    assert(small > 200, `${flag}: 50,000 bytes in small files in ${small} ms`);
    const head = await fetch(`${server.url}/file`, { method: "HEAD" });
    assertEquals(head.headers.get("content-length"), "50000");
  }
});
