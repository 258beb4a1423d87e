import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { HttpClient } from "./http_client.ts";

Deno.test("HttpClient.fetch() takes redirects as answers and maps failures", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    if (request.url.endsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 3000));
    return new Response("x", { status: 302, headers: { location: "/y" } });
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}/`);
  using client = new HttpClient(url);
  const response = await client.fetch(url);
  assertEquals([response.status, await response.text()], [302, "x"]);
  const late = await assertRejects(() => client.fetch(new URL("/slow", url), { timeout: 100 }), FerryError);
  assertEquals(late.code, "timeout");
  const reason = new FerryError("guard", "enough");
  const controller = new AbortController();
  const aborted = client.fetch(new URL("/slow", url), { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => aborted, FerryError), reason);
  await server.shutdown();
  const gone = await assertRejects(() => client.fetch(url), FerryError, url.host);
  assertEquals(gone.code, "no_connection");
});
