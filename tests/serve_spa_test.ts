import { assert, assertEquals } from "@std/assert";
import { serve, tempDir, variesByAccept } from "./harness.ts";

const PAGE = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

Deno.test("serve --spa answers browsers with the page where nothing is, and programs with 404", async () => {
  using dir = tempDir({ "index.html": "<h1>app", "assets/x.js": "x", ".env": "secret" });
  await using server = await serve(dir.path, ["--spa", "--index", "index.html"]);
  for (const path of ["/", "/users/7", "/users/", "/.env", "/assets/x.js/", "/index.html"]) {
    const response = await fetch(server.url + path, { headers: PAGE });
    const wanted = path === "/assets/x.js" ? "x" : "<h1>app";
    assertEquals([response.status, await response.text()], [200, wanted], path);
    assertEquals(response.headers.get("content-type"), "text/html; charset=UTF-8", path);
    if (path !== "/index.html") assert(variesByAccept(response), path);
  }
  assertEquals(await (await fetch(`${server.url}/assets/x.js`, { headers: PAGE })).text(), "x");
  for (const headers of [{ accept: "application/json" }, { accept: "*/*" }]) {
    const response = await fetch(`${server.url}/users/7`, { headers });
    await response.body?.cancel();
    assertEquals([response.status, variesByAccept(response)], [404, true]);
  }
  const first = await fetch(`${server.url}/users/7`, { method: "HEAD", headers: PAGE });
  const again = await fetch(`${server.url}/users/7`, {
    headers: { ...PAGE, "if-none-match": first.headers.get("etag") ?? "" },
  });
  assertEquals([again.status, await again.text()], [304, ""]);
});

Deno.test("serve --spa without its page answers 404, and refusals stay refusals", async () => {
  using dir = tempDir({ "a.txt": "x", "secret/x": "x" });
  await using server = await serve(dir.path, ["--spa", "--auth", "ann:pw@/secret:r", "--anonymous", "none"]);
  const headers = { ...PAGE, authorization: `Basic ${btoa("ann:pw")}` };
  for (
    const [path, given, status] of [["/none", headers, 403], ["/secret/none", headers, 404], [
      "/x",
      PAGE,
      401,
    ]]
  ) {
    const response = await fetch(server.url + path, { headers: given as Record<string, string> });
    await response.body?.cancel();
    assertEquals(response.status, status, String(path));
  }
});
