import { assert, assertEquals } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

/** Status and error code of one request without a body. */
async function ask(server: Server, method: string, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, { method, headers });
  const text = await response.text();
  return [response.status, text === "" ? null : JSON.parse(text).code];
}

Deno.test("serve deletes files, links and whole folders, and nothing else", async () => {
  using dir = tempDir({ "a.txt": "x", "kept/x": "x", "dir/sub/y": "x", "dir/.env": "x" });
  Deno.symlinkSync("kept", dir.at("link"));
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals(await ask(server, "DELETE", "/a.txt"), [204, null]);
  assertEquals(await ask(server, "DELETE", "/a.txt"), [404, "not_found"]);
  assertEquals(await ask(server, "DELETE", "/link"), [204, null]);
  assertEquals(await ask(server, "DELETE", "/dir/"), [204, null]);
  assertEquals(await ask(server, "DELETE", "/kept/x/"), [404, "not_found"]);
  assertEquals(await ask(server, "DELETE", "/"), [403, "forbidden"]);
  assertEquals(names(dir.path), ["kept"]);
  assertEquals(Deno.readTextFileSync(dir.at("kept/x")), "x");
});

Deno.test("serve makes one folder with MKCOL", async () => {
  using dir = tempDir({ "file": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals(await ask(server, "MKCOL", "/new/"), [201, null]);
  assertEquals(await ask(server, "MKCOL", "/new/sub"), [201, null]);
  assertEquals(await ask(server, "MKCOL", "/new"), [405, "method_not_allowed"]);
  assertEquals(await ask(server, "MKCOL", "/file"), [405, "method_not_allowed"]);
  assertEquals(await ask(server, "MKCOL", "/"), [405, "method_not_allowed"]);
  assertEquals(await ask(server, "MKCOL", "/no/sub"), [409, "conflict"]);
  assertEquals(await ask(server, "MKCOL", "/file/sub"), [409, "conflict"]);
  const body = await fetch(`${server.url}/other`, { method: "MKCOL", body: "<x/>" });
  await body.body?.cancel();
  assertEquals(body.status, 415);
  assertEquals([names(dir.path), names(dir.at("new"))], [["file", "new"], ["sub"]]);
});

Deno.test("serve moves files and folders", async () => {
  using dir = tempDir({ "a.txt": "a", "b.txt": "b", "dir/x": "x", "full/y": "y" });
  await using server = await serve(dir.path, ["--writable"]);
  const move = (from: string, to: string, headers: Record<string, string> = {}) =>
    ask(server, "MOVE", from, { destination: to, ...headers });
  assertEquals(await move("/a.txt", "/dir/a%20moved.txt"), [201, null]);
  assertEquals(Deno.readTextFileSync(dir.at("dir/a moved.txt")), "a");
  assertEquals(await move("/dir/a%20moved.txt", `${server.url}/b.txt`, { overwrite: "F" }), [
    412,
    "precondition_failed",
  ]);
  assertEquals(await move("/dir/a%20moved.txt", `${server.url}/b.txt`), [204, null]);
  assertEquals(Deno.readTextFileSync(dir.at("b.txt")), "a");
  assertEquals(await move("/dir/", "/moved/"), [201, null]);
  assertEquals(await move("/moved", "/full"), [204, null]);
  assertEquals([names(dir.path), names(dir.at("full"))], [["b.txt", "full"], ["x"]]);
  assertEquals(await move("/b.txt", "/full"), [204, null]);
  assertEquals([names(dir.path), Deno.readTextFileSync(dir.at("full"))], [["full"], "a"]);
});

Deno.test("serve moves onto another name of the same file by removing the old name", async () => {
  using dir = tempDir({ "a": "a" });
  Deno.linkSync(dir.at("a"), dir.at("b"));
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals(await ask(server, "MOVE", "/a", { destination: "/b" }), [204, null]);
  assertEquals(names(dir.path), ["b"]);
});

Deno.test("serve copies files", async () => {
  using dir = tempDir({ "a.txt": "a", "b.txt": "b", "dir/x": "x" });
  Deno.chmodSync(dir.at("a.txt"), 0o640);
  Deno.symlinkSync("a.txt", dir.at("link"));
  await using server = await serve(dir.path, ["--writable"]);
  const copy = (from: string, to: string, headers: Record<string, string> = {}) =>
    ask(server, "COPY", from, { destination: to, ...headers });
  assertEquals(await copy("/a.txt", "/dir/c.txt"), [201, null]);
  assertEquals([Deno.readTextFileSync(dir.at("dir/c.txt")), Deno.readTextFileSync(dir.at("a.txt"))], [
    "a",
    "a",
  ]);
  assertEquals((Deno.statSync(dir.at("dir/c.txt")).mode ?? 0) & 0o777, 0o640);
  assertEquals(await copy("/a.txt", "/b.txt", { overwrite: "F" }), [412, "precondition_failed"]);
  assertEquals(await copy("/link", "/b.txt", { overwrite: "T" }), [204, null]);
  assertEquals([Deno.readTextFileSync(dir.at("b.txt")), Deno.lstatSync(dir.at("b.txt")).isFile], ["a", true]);
  assertEquals(names(dir.path), ["a.txt", "b.txt", "dir", "link"]);
});

Deno.test("serve refuses a MOVE or COPY that cannot be, and changes nothing", async () => {
  using dir = tempDir({ "a.txt": "a", "dir/sub/x": "x" });
  await using server = await serve(dir.path, ["--writable"]);
  const cases: [string, Record<string, string>, number][] = [
    ["/a.txt", {}, 400],
    ["/a.txt", { destination: "" }, 400],
    ["/a.txt", { destination: "b.txt" }, 400],
    ["/a.txt", { destination: "//x/b.txt" }, 400],
    ["/a.txt", { destination: "http://elsewhere/b.txt" }, 400],
    ["/a.txt", { destination: "/b.txt?x" }, 400],
    ["/a.txt", { destination: "/b.txt", overwrite: "perhaps" }, 400],
    ["/a.txt", { destination: "/../b.txt" }, 400],
    ["/a.txt", { destination: "/dir/%2e%2e/%2e%2e/b.txt" }, 400],
    ["/a.txt", { destination: "/dir%2fb.txt" }, 400],
    ["/a.txt", { destination: "/.ferry/b.txt" }, 404],
    ["/a.txt", { destination: "/.env" }, 404],
    ["/a.txt", { destination: "/a.txt" }, 403],
    ["/a.txt", { destination: "/" }, 403],
    ["/a.txt", { destination: "/no/b.txt" }, 409],
    ["/a.txt", { destination: "/b/" }, 409],
    ["/a.txt", { destination: "/a.txt/b" }, 409],
    ["/dir/sub/x", { destination: "/dir" }, 409],
    ["/missing", { destination: "/b.txt" }, 404],
    ["/", { destination: "/b" }, 403],
  ];
  for (const method of ["MOVE", "COPY"]) {
    for (const [path, headers, status] of cases) {
      assertEquals(
        (await ask(server, method, path, headers))[0],
        status,
        `${method} ${path} ${headers.destination}`,
      );
    }
  }
  assertEquals(await ask(server, "MOVE", "/dir", { destination: "/dir/sub/dir" }), [409, "conflict"]);
  assertEquals(await ask(server, "MOVE", "/dir", { destination: "/dir" }), [403, "forbidden"]);
  assertEquals([names(dir.path), names(dir.at("dir/sub"))], [["a.txt", "dir"], ["x"]]);
  assert(Deno.readTextFileSync(dir.at("a.txt")) === "a");
});
