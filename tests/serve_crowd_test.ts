/** Limits of `ferry serve` on how many connections there are. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../bench/daemon.ts";
import { ENV, ferryCommand, serve, type Server, tempDir, untilEnd } from "./harness.ts";

const encoder = new TextEncoder();
const GET = "GET /file HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_AND_CLOSE = "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

async function connect(port: number, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(text));
  return connection;
}

/** One answer on a connection that stays; head and body may come one after the other. */
async function answer(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  for (let end = -1; end === -1 || text.length < end;) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    const head = text.indexOf("\r\n\r\n");
    if (head !== -1) end = head + 4 + Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1] ?? 0);
  }
  return text;
}

/** Asks on new connections until an answer matches; another one has to be a 200 that came before the server knew. */
async function until(server: Server, wanted: RegExp): Promise<string> {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    const text = await untilEnd(await connect(server.port, GET_AND_CLOSE));
    if (wanted.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`no answer was ${wanted}`);
}

for (
  const [flag, status, title] of [
    ["--max-connections", 503, "Service Unavailable"],
    ["--client-connections", 429, "Too Many Requests"],
  ] as const
) {
  Deno.test(`serve ${flag} answers ${status} to those beyond, and goes on with those that are there`, async () => {
    using dir = tempDir({ file: "content" });
    await using server = await serve(dir.path, [flag, "5"]);
    const kept = await Promise.all(Array.from({ length: 5 }, () => connect(server.port, GET)));
    for (const each of kept) assertMatch(await answer(each), /^HTTP\/1.1 200 /);
    const refused = await until(server, new RegExp(`^HTTP/1.1 ${status} ${title}\r\n`));
    assertMatch(refused, /\r\nretry-after: \d+\r\n/i);
    // Those who ask nothing are not kept either.
    const silent = await connect(server.port, "");
    assertMatch(
      await untilEnd(silent),
      new RegExp(`^HTTP/1.1 ${status} ${title}\r\n[^]*retry-after: \\d+\r\n`),
    );
    for (const each of kept) {
      await each.write(encoder.encode(GET));
      assertMatch(await answer(each), /^HTTP\/1.1 200 /);
    }
    kept.pop()!.close();
    await until(server, /^HTTP\/1.1 200 /);
    for (const each of kept) each.close();
  });
}

Deno.test("serve --client-connections counts each client by itself", async () => {
  using dir = tempDir({ file: "content" });
  await using server = await serve(dir.path, ["--client-connections", "3"]);
  const kept = await Promise.all(Array.from({ length: 3 }, () => connect(server.port, GET)));
  await until(server, /^HTTP\/1.1 429 /);
  const other = await new Deno.Command("curl", {
    args: ["-s", "--interface", "127.0.0.2", `${server.url}/file`],
  }).output();
  assertEquals(new TextDecoder().decode(other.stdout), "content");
  for (const each of kept) each.close();
});

Deno.test("SIGHUP: limits of the file hold for connections that are there, too", async () => {
  using dir = tempDir({ file: "content", "ferry.jsonc": "{}" });
  await using server = await serve(dir.path, ["--config", dir.at("ferry.jsonc")]);
  const first = await connect(server.port, GET);
  const second = await connect(server.port, GET);
  for (const each of [first, second]) assertMatch(await answer(each), /^HTTP\/1.1 200 /);
  Deno.writeTextFileSync(dir.at("ferry.jsonc"), '{ "max-connections": 1, "idle-timeout": "1s" }');
  Deno.kill(server.pid, "SIGHUP");
  await until(server, /^HTTP\/1.1 503 /);
  assertEquals(await untilEnd(first), "");
  assertEquals(await untilEnd(second), "");
  await until(server, /^HTTP\/1.1 200 /);
});

Deno.test({
  name: "serve -v says where connections cannot be guarded, and serves there",
  ignore: Deno.env.has("FERRY_BIN"),
  async fn() {
    using dir = tempDir({ file: "content" });
    const main = new URL("../main.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--deny-ffi", "--no-check", main, "serve", dir.path, "--port", "0", "-v"],
      env: ENV,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let log = "", answered = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      const port = Number(/:(\d+)\/\n/.exec(log)?.[1]);
      if (!(port > 0) || answered !== "") continue;
      answered = await connect(port, GET_AND_CLOSE).then(untilEnd).catch(String);
      child.kill("SIGTERM");
    }
    assertEquals((await child.status).code, 0);
    assertMatch(answered, /^HTTP\/1.1 200 [^]*content$/);
    assertMatch(log, /ferry: connections are not guarded here/);
  },
});

Deno.test("serve goes on, and comes back, when its descriptors run out", async () => {
  using dir = tempDir({ file: "content" });
  // A port of its own: to take any free one again is not what a sandbox allows.
  const port = freePort();
  const { path, args } = ferryCommand([
    "serve",
    dir.path,
    "--port",
    String(port),
    "--state-dir",
    dir.at(".s"),
  ]);
  const child = new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 150; exec "$0" "$@"', path, ...args],
    env: ENV,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let log = "";
  while (!log.includes("serving")) {
    const { value, done } = await lines.read();
    assert(!done, log);
    log += value;
  }
  const reading = (async () => {
    for (;;) {
      const { value, done } = await lines.read();
      if (done) return;
      log += value;
    }
  })();
  try {
    const early = await connect(port, GET);
    assertMatch(await answer(early), /^HTTP\/1.1 200 /);
    const many: Deno.Conn[] = [];
    for (let i = 0; i < 400; i++) {
      await Deno.connect({ hostname: "127.0.0.1", port }).then((c) => many.push(c), () => {});
    }
    assert(many.length > 75, `${many.length}`);
    // What needs no descriptor.
    await early.write(encoder.encode(GET.replace("/file", "/.ferry/health")));
    assertMatch(await answer(early), /^HTTP\/1.1 200 /);
    early.close();
    for (const each of many) each.close();
    let text = "";
    for (const end = Date.now() + 20_000; !text.startsWith("HTTP/1.1 200 ") && Date.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      text = await connect(port, GET_AND_CLOSE).then(untilEnd).catch(() => "");
    }
    assertMatch(text, /^HTTP\/1.1 200 /);
    assertMatch(log, /at most 75 connections at a time: this process may have 150 descriptors/);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await reading;
  }
});
