/** What other users of a machine may lay into the way of a download. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile, type Visit } from "./hostile_server.ts";

const SIZE = 2_000_000;
const HEAD = ["HTTP/1.1 200 OK", 'ETag: "v1"', `Content-Length: ${2 * SIZE}`];

/** Sends half of a body, after which the note of the part is written; before that `lay` has had its turn. */
function halfServer(lay: () => void) {
  return hostile(async (visit: Visit) => {
    await visit.head(...HEAD);
    await visit.send("x".repeat(1000));
    await worked(lay);
    await visit.send("x".repeat(SIZE - 1000));
  });
}

/** Does `work` as soon as it can be done: when the other side has come so far. */
async function worked(work: () => void): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      return work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

Deno.test("request writes neither part nor note through what somebody lays into their place", async () => {
  using dir = tempDir({ victim: "precious" });
  const note = dir.at("f.ferry-part.json");
  const ways: [what: string, lay: (path: string) => void][] = [
    ["link", (path) => Deno.symlinkSync(dir.at("victim"), path)],
    ["second name", (path) => Deno.linkSync(dir.at("victim"), path)],
    ["pipe", (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync()],
  ];
  for (const [what, lay] of ways) {
    lay(dir.at("f.ferry-part"));
    // While it is under way: the part is a file of the program's own by then.
    const meanwhile = () => {
      assert(Deno.lstatSync(dir.at("f.ferry-part")).size >= 1000);
      assertEquals(Deno.readTextFileSync(dir.at("victim")), "precious");
      lay(note);
    };
    await using server = halfServer(meanwhile);
    const run = await ferry(["request", "--retry", "0", "-o", dir.at("f"), server.url + "/f"]);
    assertEquals([what, run.code], [what, 18], run.stderr);
    assertEquals([what, Deno.readTextFileSync(dir.at("victim"))], [what, "precious"]);
    assert(Deno.lstatSync(note).isFile);
    assertEquals(JSON.parse(Deno.readTextFileSync(note)).url, server.url + "/f");
    // The next run finds such a thing in place of the note.
    Deno.removeSync(note);
    lay(note);
    const again = await ferry(["request", "--retry", "0", "-C", "-o", dir.at("f"), server.url + "/f"], {
      timeoutMs: 20_000,
    });
    assertEquals([what, again.code], [what, 18], again.stderr);
    assertStringIncludes(again.stderr, "nothing says of what it is the beginning");
    assertEquals([what, Deno.readTextFileSync(dir.at("victim"))], [what, "precious"]);
    for (const name of ["f.ferry-part", "f.ferry-part.json"]) Deno.removeSync(dir.at(name));
  }
});

Deno.test({
  name: "request -C goes on with no part of another user's, whose bytes may be any",
  ignore: Deno.uid() !== 0,
  async fn() {
    const body = "0123456789";
    await using server = hostile((visit) => {
      const from = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
      const range = `Content-Range: bytes ${from}-9/10`;
      const status = from > 0 ? "206 Partial Content" : "200 OK";
      return visit.answer(status, body.slice(from), 'ETag: "v1"', ...(from > 0 ? [range] : []));
    });
    using dir = tempDir();
    const note = { url: server.url + "/f", size: 10, validator: { kind: "etag", value: '"v1"' }, boot: null };
    for (const owner of [0, 65534]) {
      Deno.writeTextFileSync(dir.at("f.ferry-part"), "evil!");
      Deno.writeTextFileSync(dir.at("f.ferry-part.json"), JSON.stringify(note));
      for (const name of ["f.ferry-part", "f.ferry-part.json"]) Deno.chownSync(dir.at(name), owner, owner);
      const run = await ferry(["request", "-C", "-o", dir.at("f"), server.url + "/f"]);
      const expected = owner === 0 ? "evil!56789" : body;
      assertEquals([run.code, Deno.readTextFileSync(dir.at("f"))], [0, expected], run.stderr);
      assertEquals(Deno.statSync(dir.at("f")).uid, 0);
      assertEquals(run.stderr.includes("it belongs to another user"), owner !== 0, run.stderr);
      Deno.removeSync(dir.at("f"));
    }
  },
});

Deno.test("request lets nobody read the new content of a file that nobody else may read", async () => {
  using dir = tempDir({ f: "old" });
  Deno.chmodSync(dir.at("f"), 0o600);
  let mode: number | null = null;
  await using server = hostile(async (visit) => {
    await visit.head("HTTP/1.1 200 OK", "Content-Length: 6");
    await visit.send("new");
    await worked(() => mode = Deno.statSync(dir.at("f.ferry-part")).mode);
    await visit.send("est");
  });
  const run = await ferry(["request", "-o", dir.at("f"), server.url + "/f"]);
  assertEquals([run.code, Deno.readTextFileSync(dir.at("f"))], [0, "newest"], run.stderr);
  assertEquals([mode! & 0o777, Deno.statSync(dir.at("f")).mode! & 0o777], [0o600, 0o600]);
});
