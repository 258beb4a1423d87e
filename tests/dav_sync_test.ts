/** What locks of WebDAV keep from runs of `ferry sync`. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";
import { paths, sync } from "./sync_fixtures.ts";

const INFO =
  '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

/** Locks a path, and gives what UNLOCK needs. */
async function lock(server: Server, path: string, depth = "infinity"): Promise<string> {
  const response = await fetch(server.url + path, { method: "LOCK", headers: { depth }, body: INFO });
  await response.body?.cancel();
  assertEquals(response.status, 200);
  return response.headers.get("lock-token") ?? "";
}

async function unlock(server: Server, path: string, token: string): Promise<void> {
  const response = await fetch(server.url + path, { method: "UNLOCK", headers: { "lock-token": token } });
  assertEquals(response.status, 204);
}

const SOURCE = {
  "a.txt": "new content",
  "kept/b.txt": "new content",
  "kept/added": "x",
  "open/c.txt": "new content",
  "open/added/deep": "x",
};
const DESTINATION = {
  "a.txt": "old",
  "kept/b.txt": "old",
  "kept/only here": "x",
  "open/c.txt": "old",
  "gone": "x",
};

/** What a run finds changed that is not locked, and the paths that it reports. */
async function check(run: () => ReturnType<typeof sync>, server: Server, root: string) {
  const file = await lock(server, "/in/a.txt");
  const folder = await lock(server, "/in/kept/");
  const alone = await lock(server, "/in/open/", "0");
  const first = await run();
  assertEquals(first.code, 1);
  assertEquals(
    first.problems.toSorted(),
    [
      "conflict open/added/deep",
      // Of locked folders it is mode and time that stay.
      ...["a.txt", "kept", "kept/added", "kept/b.txt", "kept/only here", "open", "open/added"].map((path) =>
        `forbidden ${path}`
      ),
    ],
  );
  assertEquals(
    first.events.find(({ event }) => event === "problem")?.message,
    "a WebDAV client has locked it",
  );
  assertEquals(paths(`${root}/in`), ["a.txt", "kept", "kept/b.txt", "kept/only here", "open", "open/c.txt"]);
  const text = (path: string) => Deno.readTextFileSync(`${root}/in/${path}`);
  assertEquals([text("a.txt"), text("kept/b.txt"), text("open/c.txt")], ["old", "old", "new content"]);
  await unlock(server, "/in/a.txt", file);
  await unlock(server, "/in/kept/", folder);
  await unlock(server, "/in/open/", alone);
  const second = await run();
  assertEquals([second.code, second.problems], [0, []]);
  assertEquals(text("kept/b.txt"), "new content");
}

Deno.test("a push leaves what is locked as it is, says so, and does the rest", async () => {
  using source = tempDir(SOURCE);
  using share = tempDir({ "in/x": null });
  for (const [name, content] of Object.entries(DESTINATION)) put(share.at(`in/${name}`), content);
  Deno.removeSync(share.at("in/x"));
  await using server = await serve(share.path, ["--writable"]);
  await check(() => sync([source.path, `${server.url}/in/`, "--delete", "--force"]), server, share.path);
});

Deno.test("a run from server to server leaves what is locked as it is too", async () => {
  using source = tempDir(SOURCE);
  using share = tempDir({ "in/x": null });
  for (const [name, content] of Object.entries(DESTINATION)) put(share.at(`in/${name}`), content);
  Deno.removeSync(share.at("in/x"));
  await using from = await serve(source.path, ["--auth", "ann:a@/:r"]);
  await using to = await serve(share.path, [
    "--anonymous",
    "rwd",
    "--auth",
    "bob:b@/:rwds",
    "--peer",
    from.url,
  ]);
  const urls = [`${from.url}/`, `${to.url}/in/`].map((url, at) =>
    url.replace("//", at === 0 ? "//ann:a@" : "//bob:b@")
  );
  await check(() => sync([...urls, "--delete", "--force"]), to, share.path);
});

Deno.test("a push makes no folder where a lock keeps it out", async () => {
  using source = tempDir({ "a": "x" });
  using share = tempDir({ "in/b": "x" });
  await using server = await serve(share.path, ["--writable"]);
  const token = await lock(server, "/in/", "0");
  const refused = await sync([source.path, `${server.url}/in/new/deep/`]);
  assertEquals(refused.code, 42);
  assertStringIncludes(refused.stderr, "a WebDAV client has locked the folder");
  assertEquals(paths(share.path), ["in", "in/b"]);
  await unlock(server, "/in/", token);
  assertEquals((await sync([source.path, `${server.url}/in/new/deep/`])).code, 0);
});

function put(path: string, content: string): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(path, content);
}
