import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

const BODY = "0123456789".repeat(50);

/** An honest little server of one resource with ranges. */
function resource(body = BODY, etag = '"v1"') {
  return hostile(async (visit) => {
    const range = /^bytes=(\d*)-(\d*)$/.exec(visit.headers.get("range") ?? "");
    if (range === null) return await visit.answer("200 OK", body, `ETag: ${etag}`, "X-Note: caf\xc3\xa9");
    const size = body.length;
    const start = range[1] === "" ? size - Number(range[2]) : Number(range[1]);
    const end = range[1] === "" || range[2] === "" ? size : Math.min(size, Number(range[2]) + 1);
    if (start >= size) return await visit.answer("416 Nope", "", `Content-Range: bytes */${size}`);
    await visit.answer(
      "206 Partial Content",
      body.slice(start, end),
      `ETag: ${etag}`,
      `Content-Range: bytes ${start}-${end - 1}/${size}`,
    );
  });
}

Deno.test("request writes the body to stdout and nothing else", async () => {
  await using server = resource();
  const run = await ferry(["request", server.url + "/a"]);
  assertEquals([run.code, run.stdout, run.stderr], [0, BODY, ""]);
  assertEquals(server.visits[0].headers.get("accept-encoding"), "identity");
});

Deno.test("request -o writes a file, keeps its permissions, and leaves no part", async () => {
  await using server = resource();
  using dir = tempDir({ "out.bin": "old" });
  Deno.chmodSync(dir.at("out.bin"), 0o640);
  const run = await ferry(["request", "-o", dir.at("out.bin"), server.url + "/a"]);
  assertEquals([run.code, run.stdout], [0, ""]);
  assertEquals(Deno.readTextFileSync(dir.at("out.bin")), BODY);
  assertEquals(Deno.statSync(dir.at("out.bin")).mode! & 0o777, 0o640);
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["out.bin"]);
});

Deno.test("request -o writes through a symbolic link and into a device", async () => {
  await using server = resource();
  using dir = tempDir({ "real": "old" });
  Deno.symlinkSync("real", dir.at("link"));
  assertEquals((await ferry(["request", "-o", dir.at("link"), server.url + "/a"])).code, 0);
  assertEquals(Deno.readTextFileSync(dir.at("real")), BODY);
  assert(Deno.lstatSync(dir.at("link")).isSymlink);
  assertEquals((await ferry(["request", "-o", "/dev/null", server.url + "/a"])).code, 0);
  assert(Deno.statSync("/dev/null").isCharDevice);
});

Deno.test("request waits for the other end of a pipe no longer than it may", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", "body"));
  using dir = tempDir();
  new Deno.Command("mkfifo", { args: [dir.at("pipe")] }).outputSync();
  const short = ["--timeout", "300ms", "--retry", "0"];
  const late = await ferry(["request", ...short, "-o", dir.at("pipe"), server.url + "/x"], {
    timeoutMs: 20_000,
  });
  assertEquals(late.code, 28, late.stderr);
  const reading = new Deno.Command("cat", { args: [dir.at("pipe")], stdout: "piped" }).output();
  const run = await ferry(["request", "-o", dir.at("pipe"), server.url + "/x"]);
  assertEquals([run.code, new TextDecoder().decode((await reading).stdout)], [0, "body"], run.stderr);
});

Deno.test("request names files from the URL's path alone, and never lets them be hidden, a path or a control", async () => {
  await using server = resource("x");
  const cases: [string, string][] = [
    ["/dir/plain.txt?query=/etc/passwd", "plain.txt"],
    ["/a%2f..%2f..%2fevil", "a_.._.._evil"],
    ["/.bashrc", "_bashrc"],
    ["/%2e%2e%5cx", "_._x"],
    ["/a%1b%5b31mb%0ac", "a_[31mb_c"],
    ["/%F0%9F%98%80%20%E2%80%AEtxt", "😀 _txt"],
    ["/%ff", "%ff"],
    ["/" + "n".repeat(300) + ".tar", "n".repeat(251) + ".tar"],
  ];
  using dir = tempDir();
  const run = await ferry(["request", "--output-dir", dir.path, ...cases.map(([path]) => server.url + path)]);
  assertEquals([run.code, run.stderr], [0, ""]);
  assertEquals(
    [...Deno.readDirSync(dir.path)].map((entry) => entry.name).sort(),
    cases.map(([, name]) => name).sort(),
  );
});

Deno.test("request -O says what to do when the URL has no name", async () => {
  using dir = tempDir();
  const run = await ferry(["request", "-O", "http://127.0.0.1:9/folder/"], { cwd: dir.path });
  assertEquals(run.code, 2);
  assertStringIncludes(run.stderr, "--output FILE");
});

Deno.test("request goes on with the next URL after a failure and ends with the status of the worst", async () => {
  await using server = hostile(async (visit) => {
    if (visit.target === "/gone") await visit.answer("404 Not Found", "no such thing\n");
    else if (visit.target === "/secret") await visit.answer("403 Forbidden", "");
    else await visit.answer("200 OK", visit.target + "\n");
  });
  const urls = ["/a", "/gone", "/secret", "/b"].map((path) => server.url + path);
  const run = await ferry(["request", ...urls]);
  assertEquals([run.code, run.stdout], [67, "/a\n/b\n"]);
  assertEquals(
    run.stderr,
    `no such thing\nferry: ${urls[1]}: 404 Not Found\nferry: ${urls[2]}: 403 Forbidden\n`,
  );
});

Deno.test("request maps answers of 400 and more to the contract's exit status", async () => {
  await using server = hostile((visit) => visit.answer(visit.target.slice(1) + " Xx", "the body\n"));
  const cases: [string, number][] = [["400", 22], ["401", 67], ["403", 67], ["404", 22], ["507", 22], [
    "500",
    22,
  ]];
  await Promise.all(cases.map(async ([status, code]) => {
    using dir = tempDir();
    const run = await ferry(["request", "--retry", "0", "-o", dir.at("f"), `${server.url}/${status}`]);
    assertEquals([status, run.code, run.stdout], [status, code, ""]);
    assertStringIncludes(run.stderr, `the body\nferry: ${server.url}/${status}: ${status}`);
    assertEquals([...Deno.readDirSync(dir.path)].length, 0);
  }));
});

Deno.test("request --no-fail takes an error for an answer like any other", async () => {
  await using server = hostile((visit) => visit.answer("404 Not Found", "nothing here"));
  const run = await ferry(["request", "--no-fail", server.url]);
  assertEquals([run.code, run.stdout, run.stderr], [0, "nothing here", ""]);
});

Deno.test("request shows the detail of a problem document, without its control characters", async () => {
  const problem = JSON.stringify({ title: "No", detail: "quota of \u001b[31mred used up" });
  await using server = hostile((visit) =>
    visit.answer("409 Conflict", problem, "Content-Type: application/problem+json")
  );
  const run = await ferry(["request", "-q", server.url + "/x"]);
  assertEquals(run.code, 22);
  assertEquals(run.stderr, `ferry: ${server.url}/x: 409 Conflict: quota of \\x1b[31mred used up\n`);
});

Deno.test("request -I prints status line and headers, -i prints them before the body", async () => {
  await using server = resource();
  const head = await ferry(["request", "-I", server.url]);
  assertEquals([head.code, server.visits[0].method], [0, "HEAD"]);
  assertMatch(head.stdout, /^HTTP\/1\.1 200 OK\n(?:[A-Za-z-]+: .*\n)*ETag: "v1"\n(?:.+\n)*\n$/);
  assertStringIncludes(head.stdout, "X-Note: café\n");
  const both = await ferry(["request", "-i", server.url]);
  assertMatch(both.stdout, new RegExp(`^HTTP/1\\.1 200 OK\n(?:.+\n)+\n${BODY}$`));
});

Deno.test("request -r fetches ranges, and refuses what is not the range that was asked for", async () => {
  await using server = resource();
  await using deaf = hostile((visit) => visit.answer("200 OK", BODY));
  await using liar = hostile((visit) =>
    visit.answer("206 Partial", BODY.slice(5, 10), "Content-Range: bytes 5-9/500")
  );
  await using mute = hostile((visit) => visit.answer("206 Partial", "0123"));
  const cases: [string, string, number, string][] = [
    [server.url, "0-3", 0, "0123"],
    [server.url, "497-", 0, "789"],
    [server.url, "-2", 0, "89"],
    [server.url, "498-600", 0, "89"],
    [server.url, "500-", 22, ""],
    [deaf.url, "0-3", 33, ""],
    [liar.url, "0-4", 33, ""],
    [mute.url, "0-3", 33, ""],
    [server.url, "4-3", 2, ""],
    [server.url, "x", 2, ""],
  ];
  await Promise.all(cases.map(async ([url, range, code, stdout]) => {
    const run = await ferry(["request", "--retry", "0", "-r", range, url]);
    assertEquals([range, run.code, run.stdout], [range, code, stdout], run.stderr);
  }));
});

Deno.test("request -I -r takes whatever a server answers: there is no body to be wrong", async () => {
  await using server = hostile(async (visit) => {
    await visit.head("HTTP/1.1 206 Partial", "Content-Length: 5", "Content-Range: bytes 0-4/500");
  });
  const run = await ferry(["request", "-I", "-r", "0-4", server.url]);
  assertEquals([run.code, server.visits[0].headers.get("range")], [0, "bytes=0-4"], run.stderr);
  assertStringIncludes(run.stdout, "Content-Range: bytes 0-4/500\n");
});

Deno.test("request refuses a part that was not asked for", async () => {
  await using server = hostile((visit) => visit.answer("206 Partial", "01", "Content-Range: bytes 0-1/500"));
  using dir = tempDir();
  const run = await ferry(["request", "-o", dir.at("f"), server.url]);
  assertEquals(run.code, 22);
  assertEquals([...Deno.readDirSync(dir.path)].length, 0);
});

Deno.test("request keeps the file when the answer is that nothing has changed", async () => {
  await using server = hostile((visit) => visit.head("HTTP/1.1 304 Not Modified", 'ETag: "v1"'));
  using dir = tempDir({ "f": "the copy" });
  const run = await ferry(["request", "-H", 'If-None-Match: "v1"', "-o", dir.at("f"), server.url]);
  assertEquals([run.code, Deno.readTextFileSync(dir.at("f"))], [0, "the copy"], run.stderr);
  // To whom did not ask whether it has, that is no answer: no file is here.
  for (const args of [["-o", dir.at("g")], []]) {
    const unasked = await ferry(["request", ...args, server.url]);
    assertEquals([unasked.code, unasked.stdout], [22, ""], unasked.stderr);
    assertStringIncludes(unasked.stderr, "nothing has changed (304), unasked");
  }
});

Deno.test("request lets no URL of a call replace the file of an earlier one", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", visit.target));
  using dir = tempDir();
  const run = await ferry(["request", "--output-dir", dir.path, server.url + "/a/f", server.url + "/b/f"]);
  assertEquals([run.code, Deno.readTextFileSync(dir.at("f"))], [23, "/a/f"]);
  assertStringIncludes(run.stderr, "/b/f");
});

Deno.test("request makes the folder of --output-dir, once what is asked for makes sense", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", visit.target));
  using dir = tempDir({ "list": "{" });
  const args = ["request", "--output-dir", dir.at("new/one")];
  assertEquals((await ferry([...args, "--input", dir.at("list")])).code, 2);
  assertEquals([...Deno.readDirSync(dir.path)].length, 1);
  assertEquals((await ferry([...args, server.url + "/f"])).code, 0);
  assertEquals(Deno.readTextFileSync(dir.at("new/one/f")), "/f");
});

Deno.test("request --json tells on stdout of what was to become a file, also where it never came so far", async () => {
  using dir = tempDir({ "list": "ftp://h/x\n" });
  const closed = "http://127.0.0.1:9";
  const cases: [args: string[], exit: number, stream: "stdout" | "stderr"][] = [
    [["-O", "nonsense"], 3, "stdout"],
    [["-O", closed], 2, "stdout"],
    [["-J", `${closed}/x`], 7, "stdout"],
    [["-o", dir.at("no/f"), `${closed}/x`], 23, "stdout"],
    [["--output-dir", dir.path, "--input", dir.at("list")], 3, "stdout"],
    [["nonsense"], 3, "stderr"],
    [["-o", "-", "nonsense"], 3, "stderr"],
    [["-I", "-O", "nonsense"], 3, "stderr"],
    [["--input", dir.at("list")], 3, "stderr"],
  ];
  await Promise.all(cases.map(async ([args, exit, stream]) => {
    const run = await ferry(["request", "--json", "-q", "--retry", "0", ...args]);
    const lines = run[stream].trim().split("\n").filter((line) => line.startsWith("{"));
    assertEquals([args, run.code, lines.length], [args, exit, 1], run.stderr);
    assertEquals(JSON.parse(lines[0]).error.exit, exit);
  }));
});

Deno.test("request --json prints one object a URL where the contract says", async () => {
  await using server = resource();
  using dir = tempDir();
  const file = await ferry(["request", "--json", "-o", dir.at("f"), server.url + "/a"]);
  const { ms, ...outcome } = JSON.parse(file.stdout);
  assert(Number.isInteger(ms));
  assertEquals(outcome, {
    url: server.url + "/a",
    method: "GET",
    status: 200,
    bytes: 500,
    path: dir.at("f"),
    sha256: await sha256(BODY),
    retries: 0,
  });
  const pipe = await ferry(["request", "--json", server.url + "/a"]);
  assertEquals(pipe.stdout, BODY);
  assertEquals(JSON.parse(pipe.stderr).bytes, 500);
});

Deno.test("request --checksum lets only the right content appear", async () => {
  await using server = resource();
  using dir = tempDir();
  const right = "sha256:" + (await sha256(BODY)).toUpperCase();
  assertEquals((await ferry(["request", "--checksum", right, "-o", dir.at("good"), server.url])).code, 0);
  const wrong = await ferry([
    "request",
    "--checksum",
    "sha256:" + "0".repeat(64),
    "-o",
    dir.at("bad"),
    server.url,
  ]);
  assertEquals(wrong.code, 43);
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["good"]);
});

Deno.test("request names the file that cannot be written, and asks nobody for it", async () => {
  await using server = resource();
  using dir = tempDir({ "file": "x" });
  for (const path of [dir.at("none/f"), dir.path, dir.at("file/f")]) {
    const run = await ferry(["request", "-o", path, server.url]);
    assertEquals([path, run.code], [path, 23]);
    assertStringIncludes(run.stderr, path);
  }
  assertEquals(server.visits.length, 0);
  const full = await ferry(["request", "-o", "/dev/full", server.url]);
  assertEquals(full.code, 23);
  assertStringIncludes(full.stderr, "/dev/full");
});

Deno.test("request speaks over a unix socket", async () => {
  using dir = tempDir();
  const server = Deno.serve({ path: dir.at("sock"), onListen() {} }, (request) => new Response(request.url));
  const run = await ferry(["request", "--unix", dir.at("sock"), "http://any.invalid/x"]);
  await server.shutdown();
  assertEquals([run.code, run.stderr], [0, ""]);
  assertStringIncludes(run.stdout, "/x");
  const none = await ferry(["request", "--retry", "0", "--unix", dir.at("nothing"), "http://any.invalid/x"]);
  assertEquals(none.code, 7);
  assertStringIncludes(none.stderr, "nothing");
});

Deno.test("request --limit-rate takes the time that the rate asks for", async () => {
  await using server = resource("x".repeat(30_000));
  const start = performance.now();
  const run = await ferry(["request", "--limit-rate", "20K", server.url]);
  assertEquals([run.code, run.stdout.length], [0, 30_000]);
  assert(performance.now() - start > 1200);
});

Deno.test("request ends with 2 or 3 and a hint for what it cannot understand", async () => {
  const cases: [string[], number, string][] = [
    [["localhost:80/x"], 3, "did you mean http://localhost:80/x?"],
    [["ftp://user:geheim@host/"], 3, "ftp"],
    [["http://"], 3, "not a valid URL"],
    [["FETCH", "http://h/"], 2, "unknown method FETCH"],
    [["GET"], 2, "URL is missing"],
    [["--ouput", "f", "http://h/"], 2, "did you mean --output?"],
    [["-o", "a", "http://h/", "http://h/"], 2, "--remote-name"],
    [["-O", "-o", "a", "http://h/"], 2, "--remote-name"],
    [["-C", "http://h/"], 2, "--output"],
    [["--checksum", "md5:1", "http://h/"], 2, "sha256:"],
    [["-d", "x", "-T", "y", "http://h/"], 2, "--upload"],
    [["GET", "-d", "x", "http://h/"], 2, "GET"],
    [["--data-json", "{", "http://h/"], 2, "not JSON"],
    [["-H", "geheim", "http://h/"], 2, "Name: value"],
    [["-u", "geheim", "http://h/"], 2, "USER:PASSWORD"],
    [["--token", "ge heim", "http://h/"], 2, "token"],
    [["-T", "/nonexistent/file", "http://h/"], 26, "/nonexistent/file"],
    [["--cacert", "/nonexistent/file", "https://h/"], 26, "/nonexistent/file"],
    [["--cacert", "/dev/null", "https://h/"], 2, "PEM"],
  ];
  await Promise.all(cases.map(async ([args, code, text]) => {
    const run = await ferry(["request", ...args]);
    assertEquals([args, run.code, run.stdout], [args, code, ""], run.stderr);
    assertStringIncludes(run.stderr, text);
    assert(args[0] === "-H" || !run.stderr.includes("geheim"), run.stderr);
    assertEquals(run.stderr.trim().split("\n").length, 1);
  }));
});
