import { assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";

Deno.test("serve weighs conditional headers on GET and HEAD", async () => {
  using dir = tempDir({ "a.txt": "hello" });
  Deno.utimeSync(dir.at("a.txt"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path);
  const first = await fetch(`${server.url}/a.txt`);
  await first.text();
  const etag = first.headers.get("etag") ?? "";
  const date = first.headers.get("last-modified") ?? "";
  assertEquals(date, "Tue, 14 Nov 2023 22:13:20 GMT");
  const before = "Tue, 14 Nov 2023 22:13:19 GMT";
  const cases: [Record<string, string>, number][] = [
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": `W/${etag}` }, 304],
    [{ "if-none-match": `"x", ${etag}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-none-match": "rubbish" }, 200],
    [{ "if-modified-since": date }, 304],
    [{ "if-modified-since": "Tuesday, 14-Nov-23 22:13:20 GMT" }, 304],
    [{ "if-modified-since": "Tue Nov 14 22:13:20 2023" }, 304],
    [{ "if-modified-since": before }, 200],
    [{ "if-modified-since": "not a date" }, 200],
    [{ "if-none-match": '"x"', "if-modified-since": date }, 200],
    [{ "if-match": etag }, 200],
    [{ "if-match": `W/${etag}` }, 412],
    [{ "if-match": '"x"' }, 412],
    [{ "if-match": "*" }, 200],
    [{ "if-unmodified-since": before }, 412],
    [{ "if-unmodified-since": date }, 200],
    [{ "if-unmodified-since": "31 Feb" }, 200],
    [{ "if-match": etag, "if-unmodified-since": before }, 200],
    [{ "if-match": etag, "if-none-match": etag }, 304],
  ];
  for (const method of ["GET", "HEAD"]) {
    for (const [headers, status] of cases) {
      const response = await fetch(`${server.url}/a.txt`, { method, headers });
      const body = await response.text();
      const about = `${method} ${JSON.stringify(headers)}`;
      assertEquals(response.status, status, about);
      if (status === 304) {
        assertEquals([body, response.headers.get("etag")], ["", etag], about);
        assertEquals(response.headers.get("content-type"), null, about);
      }
    }
  }
});

Deno.test("serve ignores conditions where it would answer with an error anyway", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path);
  for (const header of ["if-match", "if-none-match"]) {
    const response = await fetch(`${server.url}/missing`, { headers: { [header]: "*" } });
    await response.body?.cancel();
    assertEquals(response.status, 404);
  }
});

Deno.test("serve checks preconditions on every verb that changes something", async () => {
  using dir = tempDir({ "a.txt": "old" });
  Deno.utimeSync(dir.at("a.txt"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path, ["--writable"]);
  const first = await fetch(`${server.url}/a.txt`, { method: "HEAD" });
  const etag = first.headers.get("etag") ?? "";
  const failing: Record<string, string>[] = [
    { "if-match": '"x"' },
    { "if-match": `W/${etag}` },
    { "if-none-match": "*" },
    { "if-none-match": etag },
    { "if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT" },
  ];
  for (const method of ["PUT", "DELETE", "MOVE", "COPY"]) {
    for (const condition of failing) {
      const response = await fetch(`${server.url}/a.txt`, {
        method,
        headers: { ...condition, destination: "/b.txt" },
        body: method === "PUT" ? "new" : undefined,
      });
      const { code } = await response.json();
      assertEquals(
        [response.status, code],
        [412, "precondition_failed"],
        `${method} ${JSON.stringify(condition)}`,
      );
    }
  }
  const mkcol = await fetch(`${server.url}/dir`, { method: "MKCOL", headers: { "if-match": "*" } });
  await mkcol.body?.cancel();
  assertEquals(mkcol.status, 412);
  const made = await fetch(`${server.url}/new`, { method: "PUT", headers: { "if-match": "*" }, body: "x" });
  await made.body?.cancel();
  assertEquals(made.status, 412);
  assertEquals(Deno.readTextFileSync(dir.at("a.txt")), "old");
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["a.txt"]);

  const put = await fetch(`${server.url}/a.txt`, {
    method: "PUT",
    headers: { "if-match": etag },
    body: "new",
  });
  assertEquals(put.status, 204);
  const removed = await fetch(`${server.url}/a.txt`, {
    method: "DELETE",
    headers: { "if-match": put.headers.get("etag") ?? "" },
  });
  assertEquals(removed.status, 204);
});
