/** Large uploads of `ferry request`: they go on where they broke off, at a server that has tus. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { ferry, serve, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { bearer, tokenServer } from "./token_tools.ts";
import { sha256OfFile, writeLarge } from "./tus_client.ts";

const MIB = 1024 * 1024;

function outcomeOf(stderr: string) {
  return JSON.parse(stderr.trim().split("\n").at(-1)!);
}

Deno.test("request -T of a large file goes on where its connection was cut", async () => {
  using dir = tempDir({ "share": null });
  const digest = writeLarge(dir.at("large"), 24 * MIB);
  await using server = await serve(dir.at("share"), ["--writable"]);
  await using proxy = cuttingProxy(server.port, [5 * MIB, 11 * MIB, 20 * MIB]);
  const args = ["request", "-T", dir.at("large"), `${proxy.url}/in/a%20b/`, "--json"];
  const { code, stdout, stderr } = await ferry(args);
  assertEquals([code, stdout, proxy.cuts()], [0, "", 3], stderr);
  assert(proxy.passed() < 24 * MIB + 3 * 8 * MIB, `${proxy.passed()} bytes`);
  assertEquals(await sha256OfFile(dir.at("share/in/a b/large")), digest);
  const { url, method, status, bytes, resumed, retries } = outcomeOf(stderr);
  assertEquals([url, method, bytes, resumed], [`${proxy.url}/in/a%20b/large`, "PUT", 24 * MIB, true]);
  assert(status >= 200 && status < 300 && retries >= 3, `${status}, ${retries} retries`);
});

Deno.test("request -T of a large file goes on at a server that was killed and started again", async () => {
  using dir = tempDir({ "share": null });
  const digest = writeLarge(dir.at("large"), 16 * MIB);
  const socket = dir.at("socket");
  const start = () => serve(dir.at("share"), ["--writable", "--unix", socket]);
  const first = await start();
  // A few seconds for all of it, so that the server is killed in between.
  const args = [
    "request",
    "-T",
    dir.at("large"),
    "http://x/large",
    "--unix",
    socket,
    "--limit-rate",
    "8M",
    "--json",
  ];
  const sending = ferry(args);
  const partSize = () => {
    try {
      const [owner] = Deno.readDirSync(dir.at("share/.ferry/tus"));
      const names = [...Deno.readDirSync(dir.at(`share/.ferry/tus/${owner.name}`))].map(({ name }) => name);
      const id = names.find((name) => !name.includes("."));
      return Deno.statSync(dir.at(`share/.ferry/tus/${owner.name}/${id}`)).size;
    } catch {
      return 0;
    }
  };
  for (let i = 0; i < 1000 && partSize() < 4 * MIB; i++) await new Promise((ok) => setTimeout(ok, 10));
  assert(partSize() >= 4 * MIB);
  await first.stop("SIGKILL");
  await using _second = await start();
  const { code, stderr } = await sending;
  assertEquals(code, 0, stderr);
  assertEquals(await sha256OfFile(dir.at("share/large")), digest);
  assertEquals(outcomeOf(stderr).resumed, true);
});

Deno.test("request -T of a large file is a plain PUT where the server has no tus, or PUT is asked for", async () => {
  using dir = tempDir({ "large": new Uint8Array(9 * MIB) });
  await using plain = hostile((visit) => visit.answer("201 Created"));
  const run = await ferry(["request", "-T", dir.at("large"), `${plain.url}/x`, `${plain.url}/y`]);
  assertEquals(run.code, 0, run.stderr);
  const seen = plain.visits.map(({ method, target, body }) => `${method} ${target} ${body.length}`);
  assertEquals(seen, ["OPTIONS /.ferry/tus/ 0", `PUT /x ${9 * MIB}`, `PUT /y ${9 * MIB}`]);

  using share = tempDir();
  await using server = await serve(share.path, ["--writable"]);
  const asked = await ferry(["request", "PUT", "-T", dir.at("large"), `${server.url}/x`]);
  assertEquals([asked.code, [...Deno.readDirSync(share.path)].map(({ name }) => name)], [0, ["x"]]);
});

Deno.test("request -T of a large file ends as a PUT would: refused, with a condition, or not allowed", async () => {
  using dir = tempDir({ "share/old": "old", "large": new Uint8Array(9 * MIB) });
  await using server = await serve(dir.at("share"), ["--writable", "--max-upload", "9M"]);
  await using reading = await serve(dir.at("share"));
  const send = (...args: string[]) => ferry(["request", "-T", dir.at("large"), ...args]);
  const held = await send("-H", "If-None-Match: *", `${server.url}/old`);
  assertEquals(held.code, 22);
  assertStringIncludes(held.stderr, "412");
  assertEquals((await send(`${reading.url}/new`)).code, 67);
  assertEquals((await send("-H", "If-None-Match: *", `${server.url}/new`)).code, 0);
  const large = await ferry(["request", "-T", "-", `${server.url}/more`], {
    stdin: new Uint8Array(9 * MIB + 1),
  });
  assertEquals(large.code, 22);
  assertEquals(Deno.readTextFileSync(dir.at("share/old")), "old");
  assertEquals(Deno.statSync(dir.at("share/new")).size, 9 * MIB);
});

Deno.test("request -T says what the server has to get: other bytes are refused, exit 43", async () => {
  using dir = tempDir({ "share": null, "small": "small" });
  writeLarge(dir.at("large"), 9 * MIB);
  await using server = await serve(dir.at("share"), ["--writable"]);
  await using proxy = flippingProxy(server.port, 5 * MIB);
  const { code, stderr } = await ferry(["request", "-T", dir.at("large"), `${proxy.url}/x`]);
  assertEquals(code, 43, stderr);
  assertEquals([...Deno.readDirSync(dir.at("share"))].filter(({ name }) => name !== ".ferry"), []);

  // A file that fits into one request is refused alike.

  writeLarge(dir.at("medium"), 2 * MIB);
  await using flipping = flippingProxy(server.port, MIB);
  const refused = await ferry(["request", "-T", dir.at("medium"), `${flipping.url}/y`, "--json"]);
  assertEquals(refused.code, 43, refused.stderr);
  assertEquals(outcomeOf(refused.stderr).error.code, "checksum_mismatch");
  assertEquals([...Deno.readDirSync(dir.at("share"))].filter(({ name }) => name !== ".ferry"), []);

  await using mirror = hostile((visit) => visit.answer("201 Created"));
  assertEquals((await ferry(["request", "-T", dir.at("small"), `${mirror.url}/x`])).code, 0);
  const hash = Uint8Array.from((await sha256("small")).match(/../g)!, (hex) => parseInt(hex, 16));
  const digest = `sha-256=:${btoa(String.fromCharCode(...hash))}:`;
  assertEquals(mirror.visits.map(({ headers }) => headers.get("content-digest")), [digest]);
});

Deno.test("request -T holds little of a large file in memory", async () => {
  using dir = tempDir({ "share": null });
  writeLarge(dir.at("large"), 300 * MIB);
  await using server = await serve(dir.at("share"), ["--writable"]);
  const program = Deno.env.get("FERRY_BIN") ? [Deno.realPathSync(Deno.env.get("FERRY_BIN")!)] : [
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    "--quiet",
    new URL("../main.ts", import.meta.url).pathname,
  ];
  const child = new Deno.Command(program[0], {
    args: [...program.slice(1), "request", "-T", dir.at("large"), `${server.url}/large`],
    stderr: "inherit",
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const text = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? peak);
    } catch {
      // It has ended.
    }
  }, 20);
  const { code } = await child.status;
  clearInterval(timer);
  assertEquals([code, Deno.statSync(dir.at("share/large")).size], [0, 300 * MIB]);
  assert(peak > 10_000 && peak < 200_000, `the peak was ${peak} kB`);
});

Deno.test("request -T of a large file takes one use of a token", async () => {
  await using tokens = await tokenServer({ "in/old": "old" });
  using dir = tempDir();
  const digest = writeLarge(dir.at("large"), 9 * MIB);
  const token = await tokens.token("--path", "/in", "--perms", "w", "--uses", "1");
  const send = () => ferry(["request", "-T", dir.at("large"), "--token", token, `${tokens.server.url}/in/`]);
  const first = await send();
  assertEquals(first.code, 0, first.stderr);
  const get = await fetch(`${tokens.server.url}/in/large`, {
    headers: bearer(await tokens.token("--path", "/in")),
  });
  assertEquals(await sha256(new Uint8Array(await get.arrayBuffer())), digest);
  assertEquals((await send()).code, 67);
});

/** A proxy that changes one byte of what goes to the server. */
function flippingProxy(port: number, at: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const work = new Set<Promise<unknown>>();
  let passed = 0;
  const accepting = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const changed = new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          if (passed <= at && at < passed + bytes.length) bytes[at - passed] ^= 1;
          passed += bytes.length;
          controller.enqueue(bytes);
        },
      });
      const up = client.readable.pipeThrough(changed).pipeTo(server.writable).catch(() => {});
      const down = server.readable.pipeTo(client.writable).catch(() => {});
      work.add(up).add(down);
    }
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(work);
    },
  };
}
