import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ENV, ferry, ferryCommand, serve, tempDir } from "./harness.ts";

Deno.test("serve says on stderr what it serves and where, and on stdout with --json", async () => {
  using dir = tempDir({ "a.txt": "x" });
  await using server = await serve(dir.path);
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(await (await fetch(`${server.url}/a.txt`)).text(), "x");
  assertEquals(await server.stop(), 0);
  assertStringIncludes(server.log(), `ferry: serving ${dir.path} at ${server.url}/\n`);
});

Deno.test("serve ends with 0 on SIGINT, with idle connections open", async () => {
  using dir = tempDir({ "a.txt": "x" });
  await using server = await serve(dir.path);
  using connection = await Deno.connect({ port: server.port });
  await connection.write(new TextEncoder().encode("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"));
  assert(await connection.read(new Uint8Array(1000)) !== null);
  const began = performance.now();
  assertEquals(await server.stop("SIGINT"), 0);
  assert(performance.now() - began < 8000, "it did not wait for the idle connection");
});

Deno.test("serve lets a transfer under way end after SIGTERM, and takes no new connection", async () => {
  using dir = tempDir();
  Deno.writeFileSync(dir.at("big"), new Uint8Array(0));
  Deno.truncateSync(dir.at("big"), 30_000_000);
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/big`);
  const reader = response.body!.getReader();
  let received = (await reader.read()).value?.length ?? 0;
  const stopped = server.stop();
  for (let refused = false, i = 0; !refused; i++) {
    assert(i < 800, "new connections are refused");
    await new Promise((resolve) => setTimeout(resolve, 25));
    refused = await Deno.connect({ port: server.port }).then((c) => (c.close(), false), () => true);
  }
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    received += value.length;
  }
  assertEquals(received, 30_000_000);
  assertEquals(await stopped, 0);
});

Deno.test("serve lets an upload under way end after SIGTERM", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  let send: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (send = controller) });
  const putting = fetch(`${server.url}/file`, { method: "PUT", body });
  send?.enqueue(new TextEncoder().encode("first "));
  for (let i = 0; [...Deno.readDirSync(dir.path)].length === 0; i++) {
    assert(i < 800, "the upload begins");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const stopped = server.stop();
  await new Promise((resolve) => setTimeout(resolve, 300));
  send?.enqueue(new TextEncoder().encode("last"));
  send?.close();
  const response = await putting;
  await response.body?.cancel();
  assertEquals(response.status, 201);
  assertEquals(await stopped, 0);
  assertEquals(Deno.readTextFileSync(dir.at("file")), "first last");
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["file"]);
});

Deno.test("serve --unix answers on a socket, replaces a stale one, and removes it at the end", async () => {
  using dir = tempDir({ "share/a.txt": "over the socket" });
  const path = dir.at("sock");
  // What a killed server leaves: a socket file that nobody listens on.
  const stale = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `Deno.listen({transport:"unix",path:${JSON.stringify(path)}}); Deno.kill(Deno.pid, "SIGKILL")`,
    ],
  });
  await stale.output();
  assert(Deno.lstatSync(path).isSocket);
  const server = await serve(dir.at("share"), ["--unix", path, "--writable"]);
  assertStringIncludes(server.url, "http+unix://");
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(
    new TextEncoder().encode("GET /a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
  );
  const answer = await new Response(connection.readable).text();
  assertStringIncludes(answer, "over the socket");

  const second = await ferry(["serve", dir.at("share"), "--unix", path]);
  assertEquals(second.code, 7);
  assertStringIncludes(second.stderr, path);
  assertEquals(await server.stop(), 0);
  assert(![...Deno.readDirSync(dir.path)].some((entry) => entry.name === "sock"), "the socket file is gone");
});

Deno.test("serve ends with 7 and one line when the port is taken", async () => {
  using dir = tempDir();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  const { code, stdout, stderr } = await ferry(["serve", dir.path, "--port", port, "--json"]);
  assertEquals([code, stdout], [7, ""]);
  assertMatch(stderr, new RegExp(`^ferry: [^\\n]*${port}[^\\n]*--port[^\\n]*\\n$`));
});

Deno.test("serve ends with 2 and one line for what it cannot share or be told", async () => {
  using dir = tempDir({ "file": "x" });
  const cases: [string[], string][] = [
    [[dir.at("missing")], "missing"],
    [[dir.at("file")], "not a folder"],
    [[dir.path, "--writable", "--host", "0.0.0.0"], "--auth"],
    [[dir.path, "--writable", "--host", "192.168.0.1"], "--auth"],
    [[dir.path, "--host", "no.such.host.invalid"], "--host"],
    [[dir.path, "--port", "65536"], "--port"],
    [[dir.path, "--unix", dir.at("file")], "--unix"],
    [[dir.path, "--follow-symlinks", "all"], "--follow-symlinks"],
    [[dir.path, "--log", "xml"], "--log"],
    [[dir.path, "--index", "a/b"], "--index"],
    [[dir.path, "--max-upload", "much"], "--max-upload"],
    [[dir.path, "--writeable"], "--writable"],
    [[dir.path, "other"], "unexpected argument"],
  ];
  await Promise.all(cases.map(async ([args, wanted]) => {
    const port = args.includes("--port") ? [] : ["--port", "0"];
    const { code, stdout, stderr } = await ferry(["serve", ...args, ...port], { timeoutMs: 30_000 });
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, /^ferry: [^\n]+\n$/);
    assertStringIncludes(stderr, wanted);
  }));
});

Deno.test("serve --help shows every flag with its default, examples and exit statuses", async () => {
  const { code, stdout } = await ferry(["serve", "--help"]);
  assertEquals(code, 0);
  for (
    const text of [
      "--port PORT",
      "(default 8420)",
      "--writable",
      "--auth",
      "--log",
      "Examples:",
      "Exit status:",
    ]
  ) {
    assertStringIncludes(stdout, text);
  }
});

Deno.test("serve without DIR shares the current folder", async () => {
  using dir = tempDir({ "here.txt": "here" });
  const { path, args } = ferryCommand(["serve", "--port", "0", "--json", "-q"]);
  const child = new Deno.Command(path, { args, cwd: dir.path, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const { url } = JSON.parse(value ?? "");
  assertEquals(await (await fetch(`${url}here.txt`)).text(), "here");
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
  await reader.cancel();
});

Deno.test("serve ends with its terminal, and goes on at a SIGHUP while that is there", async () => {
  using dir = tempDir({ "share/f": "x" });
  const { path, args } = ferryCommand(["serve", dir.at("share"), "--port", "0", "--log", "none"]);
  const line = [path, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  let terminal: Deno.ChildProcess;
  try {
    terminal = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--command", `echo $$ >'${dir.at("pid")}'; exec ${line}`, "/dev/null"],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      env: ENV,
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return console.log("no script(1) here: not tried");
    throw error;
  }
  const reader = terminal.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/at http:\S+/.test(text)) {
    const { value, done } = await reader.read();
    assert(!done, text);
    text += value;
  }
  const pid = Number(Deno.readTextFileSync(dir.at("pid")));
  try {
    Deno.kill(pid, "SIGHUP");
    const url = /at (http:\S+)/.exec(text)![1];
    // What the sandbox refuses is refused: nobody at the terminal is asked whether it may be done.
    Deno.symlinkSync("/etc/passwd", dir.at("share/out"));
    const signal = AbortSignal.timeout(10_000);
    assertEquals(await (await fetch(`${url}f`, { signal })).text(), "x");
    const out = await fetch(`${url}out`, { signal });
    await out.body?.cancel();
    assertEquals(out.status, 404);
    assert(isRunning(pid));
    terminal.kill("SIGKILL");
    await terminal.status;
    for (let i = 0; i < 400 && isRunning(pid); i++) await new Promise((resolve) => setTimeout(resolve, 25));
    assert(!isRunning(pid));
  } finally {
    if (isRunning(pid)) Deno.kill(pid, "SIGKILL");
    await reader.cancel();
  }
});

/** Whether there is a process `pid` that is no zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
