import { assert, assertEquals } from "@std/assert";
import { rawRequest, type RawResponse, serve, sha256, tempDir } from "./harness.ts";

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

/** Waits until `done` holds; what a client that hangs up leaves behind is cleared when the server notices. */
async function eventually(done: () => boolean, about: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(done(), about);
}

Deno.test("serve stores a PUT under its name, makes the parents, and says what it did", async () => {
  using dir = tempDir({ "old.txt": "old" });
  Deno.chmodSync(dir.at("old.txt"), 0o640);
  await using server = await serve(dir.path, ["--writable"]);
  const created = await fetch(`${server.url}/a%20b/c/new.txt`, { method: "PUT", body: "new" });
  assertEquals([created.status, created.headers.get("location")], [201, "/a%20b/c/new.txt"]);
  const head = await fetch(`${server.url}/a%20b/c/new.txt`, { method: "HEAD" });
  assertEquals(created.headers.get("etag"), head.headers.get("etag"));
  assertEquals(Deno.readTextFileSync(dir.at("a b/c/new.txt")), "new");

  const replaced = await fetch(`${server.url}/old.txt`, { method: "PUT", body: "other" });
  assertEquals(replaced.status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("old.txt")), "other");
  assertEquals((Deno.statSync(dir.at("old.txt")).mode ?? 0) & 0o777, 0o640, "the mode stays");
  const empty = await fetch(`${server.url}/empty`, { method: "PUT" });
  assertEquals([empty.status, Deno.statSync(dir.at("empty")).size], [201, 0]);
  assertEquals(names(dir.path), ["a b", "empty", "old.txt"], "no stage left");
});

Deno.test("serve stores a large body without knowing its length", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const block = crypto.getRandomValues(new Uint8Array(65536));
  let left = 100;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(block);
      else controller.close();
    },
  });
  const response = await fetch(`${server.url}/big`, { method: "PUT", body });
  assertEquals(response.status, 201);
  const wanted = new Uint8Array(6_553_600);
  for (let i = 0; i < 100; i++) wanted.set(block, i * 65536);
  assertEquals(await sha256(Deno.readFileSync(dir.at("big"))), await sha256(wanted));
});

Deno.test("serve refuses what PUT cannot do, and changes nothing", async () => {
  using dir = tempDir({ "dir/x": "x", "file": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  const cases: [string, Record<string, string>, number, string][] = [
    ["/dir", {}, 409, "conflict"],
    ["/dir/", {}, 409, "conflict"],
    ["/", {}, 409, "conflict"],
    ["/new/", {}, 409, "conflict"],
    ["/file/", {}, 409, "conflict"],
    ["/file/below", {}, 409, "conflict"],
    ["/file", { "content-range": "bytes 0-1/3" }, 400, "bad_request"],
    ["/.hidden", {}, 404, "not_found"],
    ["/.hidden/x", {}, 404, "not_found"],
    [`/${"n".repeat(256)}`, {}, 400, "bad_request"],
  ];
  for (const [path, headers, status, code] of cases) {
    const response = await fetch(server.url + path, { method: "PUT", headers, body: "new" });
    const problem = await response.json();
    assertEquals([response.status, problem.code], [status, code], path);
    assert(!problem.detail.includes(dir.path), problem.detail);
  }
  assertEquals(Deno.readTextFileSync(dir.at("file")), "old");
  assertEquals(names(dir.path), ["dir", "file"]);
});

Deno.test("serve keeps the old file when a body breaks off, and leaves no stage", async () => {
  using dir = tempDir({ "file": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  for (
    const framing of ["Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"]
  ) {
    const connection = await Deno.connect({ port: server.port });
    const request = `PUT /file HTTP/1.1\r\nHost: x\r\n${framing}`;
    await connection.write(new TextEncoder().encode(request));
    await eventually(() => names(dir.path).includes(".ferry"), "the upload began");
    connection.close();
    await eventually(() => !names(dir.path).includes(".ferry"), "the stage is gone");
    assertEquals(Deno.readTextFileSync(dir.at("file")), "old");
  }
});

Deno.test("serve shows the old file until the new one is whole", async () => {
  using dir = tempDir({ "file": "old" });
  await using server = await serve(dir.path, ["--writable"]);
  let send: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (send = controller) });
  const putting = fetch(`${server.url}/file`, { method: "PUT", body });
  send?.enqueue(new TextEncoder().encode("new "));
  await eventually(() => names(dir.path).includes(".ferry"), "the upload began");
  assertEquals(await (await fetch(`${server.url}/file`)).text(), "old");
  send?.enqueue(new TextEncoder().encode("file"));
  send?.close();
  assertEquals((await putting).status, 204);
  assertEquals(await (await fetch(`${server.url}/file`)).text(), "new file");
});

Deno.test("serve --max-upload refuses by Content-Length and while it receives", async () => {
  using dir = tempDir({ "file": "old" });
  await using server = await serve(dir.path, ["--writable", "--max-upload", "10"]);
  const fits = await fetch(`${server.url}/ten`, { method: "PUT", body: "0123456789" });
  assertEquals(fits.status, 201);
  const expect413 = (response: RawResponse) =>
    assertEquals([response.status, response.body.includes("too_large")], [413, true]);
  const head = "PUT /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  expect413(await rawRequest(server.port, `${head}Content-Length: 11\r\n\r\n01234567890`));
  expect413(
    await rawRequest(
      server.port,
      `${head}Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n`,
    ),
  );
  assertEquals(Deno.readTextFileSync(dir.at("file")), "old");
  assertEquals(names(dir.path), ["file", "ten"]);
});

Deno.test("serve lets one of many PUTs with If-None-Match: * win", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const statuses = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
    const headers = { "if-none-match": "*" };
    const response = await fetch(`${server.url}/one`, { method: "PUT", headers, body: `writer ${i}` });
    await response.body?.cancel();
    return response.status;
  }));
  assertEquals(statuses.sort(), [201, 412, 412, 412, 412, 412, 412, 412]);
});

Deno.test("serve writes nothing into a share that it only reads", async () => {
  using dir = tempDir({ "file": "old" });
  await using server = await serve(dir.path);
  for (const method of ["PUT", "DELETE", "MKCOL", "MOVE", "COPY"]) {
    const response = await fetch(`${server.url}/${method === "MKCOL" ? "new" : "file"}`, {
      method,
      headers: { destination: "/new" },
      body: method === "PUT" ? "new" : undefined,
    });
    assertEquals([response.status, (await response.json()).code], [403, "forbidden"], method);
  }
  assertEquals(names(dir.path), ["file"]);
  assertEquals(Deno.readTextFileSync(dir.at("file")), "old");
});
