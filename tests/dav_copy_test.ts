/** COPY and MOVE of folders, and what goes along. */
import { assertEquals } from "@std/assert";
import { serve, type Server, tempDir, treeDigest } from "./harness.ts";

async function ask(server: Server, method: string, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(server.url + path, { method, headers });
  await response.body?.cancel();
  return response.status;
}

const TREE = { "src/a.txt": "a", "src/deep/b": "b", "src/empty": null, "src/.env": "secret", "full/y": "y" };

Deno.test("serve copies folders whole, with modes and links, and without what it does not serve", async () => {
  using dir = tempDir(TREE);
  Deno.chmodSync(dir.at("src/a.txt"), 0o640);
  Deno.chmodSync(dir.at("src/empty"), 0o550);
  Deno.symlinkSync("../full/y", dir.at("src/link"));
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals(await ask(server, "COPY", "/src/", { destination: "/copy/" }), 201);
  assertEquals([...Deno.readDirSync(dir.at("copy"))].map(({ name }) => name).sort(), [
    "a.txt",
    "deep",
    "empty",
    "link",
  ]);
  Deno.removeSync(dir.at("src/.env"));
  const plain = async (path: string) => (await treeDigest(path)).replace(/ \d{13}/g, "");
  assertEquals(await plain(dir.at("copy")), await plain(dir.at("src")));
  assertEquals(await ask(server, "COPY", "/src", { destination: "/full", overwrite: "F" }), 412);
  assertEquals(await ask(server, "COPY", "/src", { destination: "/full" }), 204);
  assertEquals(await plain(dir.at("full")), await plain(dir.at("src")));
  assertEquals(await ask(server, "COPY", "/src", { destination: "/flat", depth: "0" }), 201);
  assertEquals([...Deno.readDirSync(dir.at("flat"))], []);
  assertEquals(await ask(server, "COPY", "/src/a.txt", { destination: "/flat" }), 204);
  assertEquals(Deno.readTextFileSync(dir.at("flat")), "a");
});

Deno.test("serve refuses to copy or move a folder in a way that cannot be, and changes nothing", async () => {
  using dir = tempDir(TREE);
  await using server = await serve(dir.path, ["--writable"]);
  const before = await treeDigest(dir.path);
  const cases: [string, string, Record<string, string>, number][] = [
    ["COPY", "/src", { destination: "/src/deep/in" }, 409],
    ["COPY", "/src/deep", { destination: "/src" }, 409],
    ["COPY", "/src", { destination: "/src" }, 403],
    ["COPY", "/src", { destination: "/no/in" }, 409],
    ["COPY", "/src", { destination: "/new", depth: "1" }, 400],
    ["COPY", "/src", { destination: "/.ferry/x" }, 404],
    ["COPY", "/", { destination: "/new" }, 403],
    ["MOVE", "/src", { destination: "/new", depth: "0" }, 400],
    ["DELETE", "/src", { depth: "0" }, 400],
    ["COPY", "/src", { destination: "/new", if: "(<urn:x:1>)" }, 412],
    ["DELETE", "/src", { if: "broken" }, 400],
  ];
  for (const [method, path, headers, status] of cases) {
    assertEquals(
      await ask(server, method, path, headers),
      status,
      `${method} ${path} ${JSON.stringify(headers)}`,
    );
  }
  assertEquals(await treeDigest(dir.path), before);
});

Deno.test("serve copies no folder past the rules of its users", async () => {
  using dir = tempDir({ "a/open.txt": "x", "a/closed/secret": "x", "b": null });
  const auth = ["--anonymous", "none", "--auth", "ann:pw@/:rwd,/a/closed:w,/b/kept:r"];
  await using server = await serve(dir.path, auth);
  const headers = { authorization: `Basic ${btoa("ann:pw")}` };
  assertEquals(await ask(server, "COPY", "/a", { ...headers, destination: "/b/a" }), 403);
  assertEquals(await ask(server, "COPY", "/a", { ...headers, destination: "/b/a", depth: "0" }), 201);
  assertEquals(await ask(server, "COPY", "/b/a", { ...headers, destination: "/b/kept" }), 403);
  const listed = await fetch(`${server.url}/a/`, {
    method: "PROPFIND",
    headers: { ...headers, depth: "infinity" },
  });
  const hrefs = [...(await listed.text()).matchAll(/<D:href>([^<]*)/g)].map(([, href]) => href);
  assertEquals(hrefs, ["/a/", "/a/open.txt"]);
});
