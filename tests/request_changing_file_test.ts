/** `ferry request -T` of files that cannot be read, or change while they are sent. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

const MIB = 1024 * 1024;

/** A server that takes one request and calls `within` when the first piece of its body has come. */
function within(work: () => void) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    const decoder = new TextDecoder("latin1");
    const buffer = new Uint8Array(64 * 1024);
    let head = "";
    let body = 0;
    let announced = Infinity;
    while (body < announced) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) break;
      if (announced !== Infinity) {
        body += count;
        continue;
      }
      head += decoder.decode(buffer.subarray(0, count));
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) continue;
      if (/^expect: 100-continue/im.test(head)) {
        await connection.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
      }
      announced = Number(/^content-length: (\d+)/im.exec(head)![1]);
      body = head.length - end - 4;
      work();
    }
    if (body === announced) {
      await connection.write(new TextEncoder().encode("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
    }
    return { announced, body };
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/x`,
    /** What came, when it is over. */
    seen: serving,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await serving.catch(() => {});
    },
  };
}

Deno.test("request -T of a file that becomes shorter ends with 26, and never looks whole to the server", async () => {
  using dir = tempDir({ "f": "" });
  Deno.truncateSync(dir.at("f"), 64 * MIB);
  await using server = within(() => Deno.truncateSync(dir.at("f"), MIB));
  const { code, stderr } = await ferry(["request", "PUT", "-T", dir.at("f"), server.url]);
  assertEquals(code, 26, stderr);
  assertStringIncludes(stderr, dir.at("f"));
  assertStringIncludes(stderr, "shorter");
  const { announced, body } = await server.seen;
  assertEquals(announced, 64 * MIB);
  assert(body < announced);
});

Deno.test("request -T of a file that grows sends what it had when it was announced", async () => {
  using dir = tempDir({ "f": "" });
  Deno.truncateSync(dir.at("f"), 16 * MIB);
  await using server = within(() => Deno.writeFileSync(dir.at("f"), new Uint8Array(MIB), { append: true }));
  const { code, stderr } = await ferry(["request", "PUT", "-T", dir.at("f"), server.url]);
  assertEquals(code, 0, stderr);
  assertEquals(await server.seen, { announced: 16 * MIB, body: 16 * MIB });
});

Deno.test("request -T and -d of what cannot be read is 26 before a server hears of it", async () => {
  using dir = tempDir({ "folder": null, "f": "file" });
  await using server = hostile((visit) => visit.answer("200 OK"));
  const cases: [string[], string][] = [
    [["-T", dir.at("none")], "none"],
    [["-T", dir.at("folder")], "folder"],
    [["-T", dir.at("f/x")], "f/x"],
    [["-d", "@" + dir.at("none")], "none"],
    [["-d", "a=1", "-d", "@" + dir.at("none")], "none"],
    [["--data-json", "@" + dir.at("none")], "none"],
  ];
  await Promise.all(cases.map(async ([args, text]) => {
    const { code, stderr } = await ferry(["request", ...args, server.url]);
    assertEquals([args, code], [args, 26], stderr);
    assertStringIncludes(stderr, text);
  }));
  assertEquals(server.visits.length, 0);
});

Deno.test("request -T sends a file to each URL, and one from a pipe to one alone", async () => {
  using dir = tempDir({ "f": "content" });
  await using server = hostile((visit) => visit.answer(visit.target === "/b" ? "403 No" : "201 Created"));
  const urls = ["/a", "/b", "/c/"].map((path) => server.url + path);
  const files = await ferry(["request", "-T", dir.at("f"), ...urls]);
  assertEquals(files.code, 67, files.stderr);
  const seen = server.visits.map(({ target, body }) => `${target} ${new TextDecoder().decode(body)}`).sort();
  assertEquals(seen, ["/a content", "/b content", "/c/f content"]);
  const pipe = await ferry(["request", "-T", "-", ...urls], { stdin: "content" });
  assertEquals([pipe.code, server.visits.length], [2, 3], pipe.stderr);
});
