import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

/** Without what is another one each time. */
function steady(stderr: string, port: number): string[] {
  return stderr.replaceAll(String(port), "PORT").replace(/ in \d+(\.\d+)? m?s$/gm, " in TIME").split("\n");
}

Deno.test("request -v shows the exchange as it was, redirects and all, and no secret", async () => {
  await using server = hostile(async (visit) => {
    if (visit.target === "/from") {
      await visit.answer("302 Over There", "", "Location: /to?x=1", "Set-Cookie: id=geheim");
    } else await visit.answer("200 Fine \xc3\xa9", "hello\n", "X-Note: caf\xc3\xa9 \x9b");
  });
  const args = ["request", "-v", "-u", "me:geheim", "-H", "X-Api-Key: geheim", server.url + "/from"];
  const run = await ferry(args);
  assertEquals([run.code, run.stdout], [0, "hello\n"], run.stderr);
  const request = (target: string) => [
    "* connected to 127.0.0.1 (127.0.0.1) port PORT",
    `> GET ${target} HTTP/1.1`,
    "> host: 127.0.0.1:PORT",
    "> accept: */*",
    "> accept-encoding: identity",
    "> authorization: Basic [redacted]",
    "> user-agent: ferry/0.1.0",
    "> want-repr-digest: sha-256=1",
    "> x-api-key: [redacted]",
    ">",
  ];
  assertEquals(steady(run.stderr, server.port), [
    ...request("/from"),
    "< HTTP/1.1 302 Over There",
    "< Content-Length: 0",
    "< Connection: close",
    "< Location: /to?x=1",
    "< Set-Cookie: [redacted]",
    "<",
    "* redirected to http://127.0.0.1:PORT/to?x=1",
    ...request("/to?x=1"),
    "< HTTP/1.1 200 Fine é",
    "< Content-Length: 6",
    "< Connection: close",
    "< X-Note: cafÃ© \\x9b",
    "<",
    "* 6 bytes received in TIME",
    "",
  ]);
});

Deno.test("request -v tells of another origin, another method, and of tries", async () => {
  await using other = hostile((visit) => visit.answer(visit.index === 1 ? "503 Busy" : "200 OK", "x"));
  await using server = hostile((visit) => visit.answer("303 See", "", `Location: ${other.url}/there`));
  const post = await ferry(["request", "-v", "-d", "a=b", server.url + "/"]);
  assertEquals(post.code, 0, post.stderr);
  const led = "* redirected to http://127.0.0.1:PORT/there";
  const told = steady(post.stderr, other.port);
  assert(told.includes(led + ", by GET, another origin: no credentials go there"), post.stderr);
  assertEquals(told.at(-2), "* 3 bytes sent in TIME");
  const get = await ferry(["request", "-v", server.url + "/"]);
  assertEquals(get.code, 0, get.stderr);
  const lines = steady(get.stderr, other.port);
  assertEquals(lines.filter((line) => line === led + ", another origin: no credentials go there").length, 2);
  const retry = lines.find((line) => line.startsWith("ferry: "))!;
  assertMatch(
    retry,
    /^ferry: http:\/\/127\.0\.0\.1:PORT\/there: 503 Busy; trying again in 0\.\d s \(1 of 4\)$/,
  );
});

Deno.test("request -v says what was verified and which connection was used again, of several by a number", async () => {
  using dir = tempDir({ "share/a": "aaa\n", "share/b": "bbb\n", "out": null });
  await using server = await serve(dir.at("share"));
  const one = await ferry(["request", "-v", server.url + "/a"]);
  assertEquals([one.code, one.stdout], [0, "aaa\n"]);
  assertMatch(one.stderr, /^\* the sha-256 of the body is the one of Repr-Digest\n\* 4 bytes received in/m);
  const args = ["request", "-v", "--output-dir", dir.at("out"), server.url + "/a", server.url + "/b"];
  const inTurn = await ferry([...args, "--parallel", "1"]);
  assertMatch(inTurn.stderr, /^\* still connected to 127\.0\.0\.1 \(127\.0\.0\.1\) port \d+\n> GET \/b /m);
  const atOnce = await ferry([...args, "--parallel", "2"]);
  for (const [mark, name] of [["[1] ", "/a"], ["[2] ", "/b"]]) {
    const lines = atOnce.stderr.split("\n").filter((line) => line.startsWith(mark)).map((line) =>
      line.slice(4)
    );
    assertEquals(lines[0], `* ${server.url}${name}`);
    assert(lines.includes(`> GET ${name} HTTP/1.1`) && lines.includes("< HTTP/1.1 200 OK"), atOnce.stderr);
    assertMatch(lines.at(-1)!, /^\* 4 bytes received in /);
  }
  assert(atOnce.stderr.trimEnd().split("\n").every((line) => /^\[[12]\] [*<>]/.test(line)), atOnce.stderr);
});
