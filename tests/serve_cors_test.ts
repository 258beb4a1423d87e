import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";

const APP = "https://app.example";

Deno.test("serve --cors lets scripts of that origin read, and tells caches that answers differ by it", async () => {
  using dir = tempDir({ "a.txt": "hello", "sub/x": "x" });
  await using server = await serve(dir.path, ["--cors", APP, "--cors", "http://localhost:5173"]);
  for (const path of ["/a.txt", "/sub/", "/missing", "/sub", "/.ferry/health", "/.ferry/v1/info"]) {
    for (const [origin, wanted] of [[APP, APP], ["https://evil.example", null], [null, null]]) {
      const headers = new Headers(origin === null ? {} : { origin });
      const response = await fetch(server.url + path, { headers, redirect: "manual" });
      await response.body?.cancel();
      assertEquals(response.headers.get("access-control-allow-origin"), wanted, `${path} ${origin}`);
      assert((response.headers.get("vary") ?? "").split(/, */).includes("Origin"), `${path} ${origin}`);
      assertEquals(response.headers.get("access-control-allow-credentials"), null);
    }
  }
  const exposed = await fetch(`${server.url}/a.txt`, { headers: { origin: APP, range: "bytes=0-1" } });
  assertEquals([exposed.status, await exposed.text()], [206, "he"]);
  assertStringIncludes(exposed.headers.get("access-control-expose-headers") ?? "", "Content-Range");
});

Deno.test("serve --cors answers a preflight without a login, and the request itself only with one", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  await using server = await serve(dir.path, ["--cors", APP, "--anonymous", "none", "--auth", "ann:pw"]);
  const preflight = (origin: string) =>
    fetch(`${server.url}/new.txt`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization,if-match",
      },
    });
  const granted = await preflight(APP);
  assertEquals(granted.status, 204);
  assertEquals(granted.headers.get("access-control-allow-origin"), APP);
  assertStringIncludes(granted.headers.get("access-control-allow-methods") ?? "", "PUT");
  assertEquals(granted.headers.get("access-control-allow-headers"), "authorization, if-match");

  const refused = await preflight("https://evil.example");
  await refused.body?.cancel();
  assertEquals(refused.headers.get("access-control-allow-methods"), null);
  assertEquals(refused.headers.get("access-control-allow-origin"), null);

  const put = (headers: Record<string, string>) =>
    fetch(`${server.url}/new.txt`, { method: "PUT", headers: { origin: APP, ...headers }, body: "x" });
  const without = await put({});
  await without.body?.cancel();
  // A script may read why it was refused.
  assertEquals([without.status, without.headers.get("access-control-allow-origin")], [401, APP]);
  assertEquals((await put({ authorization: `Basic ${btoa("ann:pw")}` })).status, 201);
});

Deno.test("serve --cors '*' lets any origin in, and without --cors nobody is", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  const ask = async (url: string) => {
    const response = await fetch(`${url}/a.txt`, { headers: { origin: "https://x.example" } });
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  };
  {
    await using server = await serve(dir.path, ["--cors", "*"]);
    assertEquals(await ask(server.url), "*");
  }
  await using server = await serve(dir.path);
  assertEquals(await ask(server.url), null);
});

Deno.test("serve --cors refuses what is no origin", async () => {
  using dir = tempDir();
  for (const origin of ["https://app.example/", "app.example", "null", ""]) {
    const { code, stderr } = await ferry(["serve", dir.path, "--port", "0", "--cors", origin]);
    assertEquals([code, stderr.includes("--cors")], [2, true], stderr);
  }
});
