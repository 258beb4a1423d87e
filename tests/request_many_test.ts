import { assert, assertEquals } from "@std/assert";
import { ENV, ferry, ferryCommand, sha256, tempDir } from "./harness.ts";

/** What file number `n` holds. */
function contentOf(n: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: (n * 37) % 5000 }, (_, at) => (n * 31 + at * 7) & 255);
}

/** A server of numbered files that answers some of them in its own way. */
function oddities() {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const n = Number(pathname.slice(pathname.lastIndexOf("/") + 1));
    const body = contentOf(n);
    if (pathname.startsWith("/gone/")) return new Response("no such thing", { status: 404 });
    if (pathname.startsWith("/moved/")) {
      return new Response(null, { status: 302, headers: { location: `/f/${n}` } });
    }
    if (pathname.startsWith("/unasked/")) return new Response(null, { status: 304 });
    if (pathname.startsWith("/huge/")) return new Response(new Uint8Array(1_500_000).fill(n));
    if (pathname.startsWith("/large/")) return new Response(new Uint8Array(200_000).fill(n));
    if (pathname.startsWith("/chunked/")) return new Response(new Blob([body]).stream());
    if (pathname.startsWith("/false/")) {
      const digest = btoa(String.fromCharCode(...new Uint8Array(32)));
      return new Response(body, { headers: { "repr-digest": `sha-256=:${digest}:` } });
    }
    if (pathname.startsWith("/true/")) {
      const digest = btoa(
        String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", body))),
      );
      return new Response(body, { headers: { "repr-digest": `sha-256=:${digest}:` } });
    }
    return new Response(body, { headers: { "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT" } });
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** What `--json` tells of each URL, without what differs from one run to the next, and the files. */
async function toldAndWritten(args: string[], stdin: string) {
  using dir = tempDir();
  const run = await ferry([
    "request",
    "--input",
    "-",
    "--output-dir",
    dir.path,
    "--json",
    "-q",
    "--retry",
    "0",
    ...args,
  ], {
    stdin,
  });
  const told = run.stdout.replaceAll(dir.path, "").trim().split("\n").map((line) => {
    const { ms, ...rest } = JSON.parse(line);
    assert(typeof ms === "number");
    return rest;
  });
  const files: [string, string][] = [];
  for (const { name } of Deno.readDirSync(dir.path)) {
    files.push([name, await sha256(Deno.readFileSync(dir.at(name)))]);
  }
  const byUrl = told.sort((a, b) => a.url < b.url ? -1 : 1);
  const errors = run.stderr.replaceAll(dir.path, "").split("\n").filter((line) => line.startsWith("ferry:"))
    .sort();
  return { code: run.code, told: byUrl, files: files.sort(), errors };
}

Deno.test("request brings many small files as it brings few, whatever is among them", async () => {
  await using server = oddities();
  const lines = Array.from({ length: 600 }, (_, n) => `${server.url}/f/${n}`);
  for (const [index, kind] of ["gone", "moved", "large", "chunked", "false", "true", "unasked"].entries()) {
    for (let n = 0; n < 3; n++) {
      lines.splice(50 + n * 60 + index * 10, 0, `${server.url}/${kind}/${1000 + index * 10 + n}`);
    }
  }
  // So many at once that the others wait until they are over.
  lines.splice(20, 0, ...Array.from({ length: 12 }, (_, n) => `${server.url}/huge/${2000 + n}`));
  // What has no name, and what is nothing.
  lines.push(`${server.url}/`, "not a URL");
  const stdin = lines.join("\n");
  const few = await toldAndWritten(["--parallel", "1"], stdin);
  const many = await toldAndWritten([], stdin);
  assertEquals(few.code, 43);
  assertEquals(few.files.length, 600 + 4 * 3 + 12);
  assertEquals(many, few);
});

Deno.test("request brings many small files over what is there, and each gets its own error", async () => {
  await using server = oddities();
  using dir = tempDir({
    "20": "old",
    "21/inside": "a folder",
    "real": "old",
    "24.ferry-part": "left by an earlier run",
  });
  Deno.chmodSync(dir.at("20"), 0o640);
  Deno.symlinkSync("real", dir.at("22"));
  Deno.symlinkSync("/dev/null", dir.at("23"));
  const stdin = Array.from({ length: 200 }, (_, n) => `${server.url}/f/${n}`).join("\n");
  const run = await ferry(["request", "--input", "-", "--output-dir", dir.path], { stdin });
  assertEquals([run.code, run.stderr.trim().split("\n").length], [23, 1], run.stderr);
  assert(run.stderr.includes("/21"), run.stderr);
  for (let n = 0; n < 200; n++) {
    if (n !== 21 && n !== 23) {
      assertEquals(Deno.readFileSync(dir.at(n === 22 ? "real" : `${n}`)), contentOf(n));
    }
  }
  assertEquals(Deno.statSync(dir.at("20")).mode! & 0o777, 0o640);
  assert(Deno.lstatSync(dir.at("22")).isSymlink && Deno.lstatSync(dir.at("23")).isSymlink);
  assertEquals([...Deno.readDirSync(dir.path)].filter(({ name }) => name.includes("part")), []);
});

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

const FLOOD = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n".repeat(100));

/**
 * A server that takes many requests on a connection, and breaks each of those off in another way; or then has nothing but
 * interim answers on it.
 */
function breaking(options: { floods?: boolean } = {}) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const open = new Set<Deno.Conn>();
  const serve = async (connection: Deno.Conn, index: number) => {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    // Every third one goes on to the end.
    let left = index % 3 === 2 ? Infinity : options.floods ? 2 : 3 + index * 5;
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += decoder.decode(buffer.subarray(0, count));
      const requests = text.split("\r\n\r\n");
      text = requests.pop()!;
      for (const request of requests) {
        const body = contentOf(Number(/^GET \/(\d+) /.exec(request)![1]));
        const last = left-- <= 0;
        while (last && options.floods) await writeAll(connection, FLOOD);
        const cut = last ? Math.floor(body.length / 2) : body.length;
        const head = last && index % 4 === 3
          ? "HTTP/1.1 200 OK\r\nContent-Le"
          : `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
        const answer = new Uint8Array([...new TextEncoder().encode(head), ...body.subarray(0, cut)]);
        await writeAll(connection, answer);
        if (last) return;
      }
    }
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serve(connection, connections++).catch(() => {}).finally(() => {
        if (open.delete(connection)) connection.close();
      });
    }
  })().catch(() => {});
  const { port } = listener.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      open.clear();
      await accepting;
    },
  };
}

Deno.test("request brings many small files whole from a server that keeps breaking off", async () => {
  await using server = breaking();
  using dir = tempDir();
  const stdin = Array.from({ length: 500 }, (_, n) => `${server.url}/${n}`).join("\n");
  const run = await ferry(["request", "-q", "--input", "-", "--output-dir", dir.path], { stdin });
  assertEquals([run.code, run.stderr], [0, ""]);
  for (let n = 0; n < 500; n++) assertEquals(Deno.readFileSync(dir.at(`${n}`)), contentOf(n));
  assertEquals([...Deno.readDirSync(dir.path)].length, 500);
});

Deno.test("request ends with many small files where a server has interim answers without end", async () => {
  await using server = breaking({ floods: true });
  using dir = tempDir();
  const stdin = Array.from({ length: 200 }, (_, n) => `${server.url}/${n}`).join("\n");
  const run = await ferry(["request", "-q", "--input", "-", "--output-dir", dir.path], { stdin });
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  for (const name of names) assertEquals(Deno.readFileSync(dir.at(name)), contentOf(Number(name)));
  const errors = run.stderr.split("\n").filter((line) => line.includes("more than 32 interim answers"));
  assertEquals(names.length + errors.length, 200, run.stderr.slice(0, 1000));
  assertEquals(run.code, errors.length > 0 ? 22 : 0);
});

Deno.test("request holds few connections open at a time, however many servers a list names", async () => {
  const open = new Set<Deno.Conn>();
  let most = 0;
  const serve = async (connection: Deno.Conn) => {
    most = Math.max(most, open.add(connection).size);
    const buffer = new Uint8Array(4096);
    try {
      // One request at a time is on its way.
      while (await connection.read(buffer) !== null) {
        await writeAll(
          connection,
          new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"),
        );
      }
    } finally {
      open.delete(connection);
      connection.close();
    }
  };
  const listeners = Array.from({ length: 400 }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const accepting = listeners.map(async (listener) => {
    const serving: Promise<void>[] = [];
    for await (const connection of listener) serving.push(serve(connection).catch(() => {}));
    await Promise.all(serving);
  });
  using dir = tempDir();
  const stdin = listeners.map((listener, n) => `http://127.0.0.1:${listener.addr.port}/${n}`).join("\n");
  const run = await ferry(["request", "--input", "-", "--output-dir", dir.path], { stdin });
  assertEquals([run.code, [...Deno.readDirSync(dir.path)].length], [0, 400], run.stderr);
  // 256 that wait for another request, and those under way.
  assert(most <= 300, `${most} at a time`);
  for (const listener of listeners) listener.close();
  await Promise.all(accepting);
});

Deno.test("request takes its connections for many small files from a server that is slow", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let served = 0, busy = 0, most = 0;
  const serve = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
    let asked = "";
    for (let count; (count = await connection.read(buffer)) !== null;) {
      asked += new TextDecoder("latin1").decode(buffer.subarray(0, count));
      for (let end; (end = asked.indexOf("\r\n\r\n")) !== -1; asked = asked.slice(end + 4)) {
        busy++;
        // The first ones are requested in the ordinary way.
        if (served >= 100) most = Math.max(most, busy);
        await new Promise((resolve) => setTimeout(resolve, 40));
        await writeAll(connection, answer);
        busy--;
        served++;
      }
    }
    connection.close();
  };
  const accepting = (async () => {
    const serving: Promise<void>[] = [];
    for await (const connection of listener) serving.push(serve(connection).catch(() => {}));
    await Promise.all(serving);
  })();
  using dir = tempDir();
  const url = `http://127.0.0.1:${listener.addr.port}`;
  const stdin = Array.from({ length: 400 }, (_, n) => `${url}/${n}`).join("\n");
  const args = ["request", "-q", "--parallel", "12", "--input", "-", "--output-dir", dir.path];
  const run = await ferry(args, { stdin });
  assertEquals([run.code, run.stderr, [...Deno.readDirSync(dir.path)].length], [0, "", 400]);
  assertEquals(most, 12);
  listener.close();
  await accepting;
});

Deno.test("request stopped among many small files leaves whole files and no parts", async () => {
  await using server = oddities();
  using dir = tempDir();
  const command = ferryCommand(["request", "--input", "-", "--output-dir", dir.path]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    env: ENV,
    stdin: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const lines = Array.from({ length: 400 }, (_, n) => `${server.url}/f/${n}\n`).join("");
  // More might come: it is waiting when it is stopped.
  await writer.write(new TextEncoder().encode(lines));
  const names = () => [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  let ended = false;
  child.status.then(() => ended = true);
  while (names().filter((name) => /^\d+$/.test(name)).length < 400) {
    assert(!ended, "it did not wait for more");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGINT");
  assertEquals((await child.status).code, 130);
  await writer.abort().catch(() => {});
  for (const name of names()) assertEquals(Deno.readFileSync(dir.at(name)), contentOf(Number(name)));
});
