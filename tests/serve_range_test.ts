import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve, tempDir } from "./harness.ts";

const TEXT = "0123456789".repeat(100_000);

Deno.test("serve sends one range with 206, of a small file and of a large one", async () => {
  using dir = tempDir({ small: "0123456789", large: TEXT });
  await using server = await serve(dir.path);
  const cases: [string, string, string, string][] = [
    ["small", "bytes=2-4", "234", "bytes 2-4/10"],
    ["small", "bytes=-3", "789", "bytes 7-9/10"],
    ["small", "bytes=8-100", "89", "bytes 8-9/10"],
    ["small", "bytes=0-4,3-6", "0123456", "bytes 0-6/10"],
    ["large", "bytes=999990-", "0123456789", "bytes 999990-999999/1000000"],
    ["large", "bytes=1-500000", TEXT.slice(1, 500_001), "bytes 1-500000/1000000"],
  ];
  for (const [name, range, wanted, contentRange] of cases) {
    const response = await fetch(`${server.url}/${name}`, { headers: { range } });
    assertEquals(response.status, 206, range);
    assert(await response.text() === wanted, range);
    assertEquals(response.headers.get("content-range"), contentRange);
    assertEquals(response.headers.get("content-length"), String(wanted.length));
  }
});

Deno.test("serve sends several ranges as multipart/byteranges", async () => {
  using dir = tempDir({ "a.txt": "0123456789" });
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/a.txt`, { headers: { range: "bytes=0-1,-2,4-5" } });
  assertEquals(response.status, 206);
  const type = response.headers.get("content-type") ?? "";
  assertMatch(type, /^multipart\/byteranges; boundary=/);
  assertEquals(response.headers.get("content-range"), null);
  const boundary = type.split("boundary=")[1];
  const body = await response.text();
  assertEquals(response.headers.get("content-length"), String(body.length));
  const parts = body.split(`--${boundary}`).slice(1, -1).map((part) => part.trim().split("\r\n\r\n"));
  assertEquals(parts.map(([, text]) => text), ["01", "89", "45"]);
  assertEquals(
    parts.map(([head]) => /content-range: (.*)/i.exec(head)?.[1]),
    ["bytes 0-1/10", "bytes 8-9/10", "bytes 4-5/10"],
  );
  assert(body.endsWith(`--${boundary}--\r\n`));
});

Deno.test("serve answers 416 beyond the end, and ignores what is malformed or absurd", async () => {
  using dir = tempDir({ "a.txt": "0123456789", empty: "" });
  await using server = await serve(dir.path);
  for (const [name, range] of [["a.txt", "bytes=10-"], ["a.txt", "bytes=-0"], ["empty", "bytes=0-"]]) {
    const response = await fetch(`${server.url}/${name}`, { headers: { range } });
    const { code } = await response.json();
    assertEquals([response.status, code], [416, "range_not_satisfiable"]);
    assertEquals(response.headers.get("content-range"), `bytes */${name === "empty" ? 0 : 10}`);
  }
  const many = "bytes=" + Array.from({ length: 101 }, (_, i) => `${i % 10}-${i % 10}`).join(",");
  for (
    const range of ["bytes=5-2", "bytes=a-b", "bytes=", "lines=0-1", "bytes=0-,0-,0-,0-", many, "\u00ff"]
  ) {
    const response = await fetch(`${server.url}/a.txt`, { headers: { range } });
    assertEquals([response.status, await response.text()], [200, "0123456789"], range);
  }
  const head = await fetch(`${server.url}/a.txt`, { method: "HEAD", headers: { range: "bytes=0-1" } });
  assertEquals([head.status, head.headers.get("content-length")], [200, "10"], "Range means nothing to HEAD");
});

Deno.test("serve obeys If-Range by strong tag and by exact date", async () => {
  using dir = tempDir({ "a.txt": "0123456789" });
  Deno.utimeSync(dir.at("a.txt"), 1_700_000_000, 1_700_000_000);
  await using server = await serve(dir.path);
  const first = await fetch(`${server.url}/a.txt`, { method: "HEAD" });
  const etag = first.headers.get("etag") ?? "";
  const date = first.headers.get("last-modified") ?? "";
  const cases: [string, number][] = [
    [etag, 206],
    [date, 206],
    [`W/${etag}`, 200],
    ['"x"', 200],
    ["Tue, 14 Nov 2023 22:13:21 GMT", 200],
    ["rubbish", 200],
  ];
  for (const [ifRange, status] of cases) {
    const response = await fetch(`${server.url}/a.txt`, {
      headers: { range: "bytes=0-1", "if-range": ifRange },
    });
    assertEquals(
      [response.status, await response.text()],
      [status, status === 206 ? "01" : "0123456789"],
      ifRange,
    );
  }
  const failed = await fetch(`${server.url}/a.txt`, { headers: { range: "bytes=0-1", "if-match": '"x"' } });
  await failed.body?.cancel();
  assertEquals(failed.status, 412, "preconditions come before ranges");
});
