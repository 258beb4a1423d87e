import { assertEquals } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";

async function status(
  server: Server,
  method: string,
  path: string,
  headers: HeadersInit = {},
): Promise<number> {
  const body = method === "PUT" ? "new" : undefined;
  const response = await fetch(server.url + path, { method, headers, body, redirect: "manual" });
  await response.body?.cancel();
  return response.status;
}

function makeTree() {
  const dir = tempDir({ "outside/o.txt": "o", "share/real/a.txt": "a" });
  Deno.symlinkSync("real", dir.at("share/within"));
  Deno.symlinkSync("real/a.txt", dir.at("share/a-link"));
  Deno.symlinkSync(dir.at("share/real/a.txt"), dir.at("share/absolute"));
  Deno.symlinkSync("../outside", dir.at("share/out"));
  Deno.symlinkSync("../outside/o.txt", dir.at("share/out-file"));
  Deno.symlinkSync("../outside/new.txt", dir.at("share/out-new"));
  return dir;
}

Deno.test("serve follows links that stay inside, for reading and for writing", async () => {
  using dir = makeTree();
  await using server = await serve(dir.at("share"), ["--writable"]);
  for (const path of ["/a-link", "/within/a.txt", "/absolute"]) {
    assertEquals(await status(server, "GET", path), 200, path);
  }
  assertEquals(await status(server, "PUT", "/a-link"), 204);
  assertEquals(Deno.readTextFileSync(dir.at("share/real/a.txt")), "new");
  assertEquals(Deno.lstatSync(dir.at("share/a-link")).isSymlink, true);
  assertEquals(await status(server, "PUT", "/within/b.txt"), 201);
  assertEquals(Deno.readTextFileSync(dir.at("share/real/b.txt")), "new");
  assertEquals(await status(server, "DELETE", "/a-link"), 204, "the link itself");
  assertEquals(await status(server, "MOVE", "/within", { destination: "/moved" }), 201, "the link itself");
  assertEquals(Deno.readLinkSync(dir.at("share/moved")), "real");
  assertEquals(await status(server, "GET", "/real/a.txt"), 200);
});

Deno.test("serve never follows a link out, for no verb", async () => {
  using dir = makeTree();
  await using server = await serve(dir.at("share"), ["--writable"]);
  for (const path of ["/out/", "/out/o.txt", "/out-file", "/out-new", "/out/new.txt"]) {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "MKCOL", "MOVE", "COPY"]) {
      assertEquals(await status(server, method, path, { destination: "/x" }), 404, `${method} ${path}`);
    }
    for (const method of ["MOVE", "COPY"]) {
      assertEquals(
        await status(server, method, "/real/a.txt", { destination: path }),
        404,
        `${method} to ${path}`,
      );
    }
  }
  assertEquals([...Deno.readDirSync(dir.at("outside"))].map((entry) => entry.name), ["o.txt"]);
  assertEquals(Deno.readTextFileSync(dir.at("outside/o.txt")), "o");
});

Deno.test("serve notices when a folder becomes a link that leads out", async () => {
  using dir = makeTree();
  await using server = await serve(dir.at("share"));
  assertEquals(await status(server, "GET", "/real/a.txt"), 200);
  Deno.renameSync(dir.at("share/real"), dir.at("outside/real"));
  Deno.symlinkSync("../outside/real", dir.at("share/real"));
  // A file that was kept in memory may be believed for a second.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assertEquals(await status(server, "GET", "/real/a.txt"), 404);
  assertEquals(await status(server, "GET", "/real/"), 404);
});

Deno.test("serve --follow-symlinks none knows no path with a link in it", async () => {
  using dir = makeTree();
  await using server = await serve(dir.at("share"), ["--writable", "--follow-symlinks", "none"]);
  for (const path of ["/a-link", "/within/", "/within/a.txt", "/absolute", "/out-file"]) {
    for (const method of ["GET", "PUT", "COPY"]) {
      assertEquals(await status(server, method, path, { destination: "/x" }), 404, `${method} ${path}`);
    }
  }
  const listing = await (await fetch(`${server.url}/?format=json`)).json();
  assertEquals(listing.entries.map((entry: { name: string }) => entry.name), ["real"]);
  assertEquals(await status(server, "GET", "/real/a.txt"), 200);
});
