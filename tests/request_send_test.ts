import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, ferryCommand, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { createHash } from "node:crypto";

/** Answers with what it got, as JSON. */
function mirror() {
  return hostile(async (visit) => {
    const { method, target, headers, body } = visit;
    const seen = {
      method,
      target,
      length: headers.get("content-length"),
      encoding: headers.get("transfer-encoding"),
      type: headers.get("content-type"),
      sha256: await sha256(body),
    };
    await visit.answer("200 OK", JSON.stringify(seen));
  });
}

Deno.test("request -T sends a file with its length and a pipe in chunks", async () => {
  const big = crypto.getRandomValues(new Uint8Array(60_000));
  using dir = tempDir({ "big": big, "empty": "", "odd name é.txt": "odd" });
  await using server = mirror();
  const cases: [string[], string, Record<string, unknown>, Uint8Array?][] = [
    [["-T", dir.at("big")], "/x", {
      target: "/x",
      length: "60000",
      encoding: null,
      sha256: await sha256(big),
    }],
    [["-T", dir.at("empty")], "/e", { target: "/e", length: "0", encoding: null, sha256: await sha256("") }],
    [["-T", dir.at("odd name é.txt")], "/in/", { target: "/in/odd%20name%20%C3%A9.txt", length: "3" }],
    [["-T", "-"], "/p", { length: null, encoding: "chunked", sha256: await sha256(big) }, big],
    [["POST", "-T", dir.at("big")], "/x", { method: "POST", length: "60000" }],
  ];
  await Promise.all(cases.map(async ([args, path, expected, stdin]) => {
    const run = await ferry(["request", ...args, server.url + path], { stdin });
    assertEquals(run.code, 0, run.stderr);
    const seen = JSON.parse(run.stdout);
    for (const [name, value] of Object.entries({ method: "PUT", ...expected })) {
      assertEquals([args, name, seen[name]], [args, name, value]);
    }
  }));
});

Deno.test("request waits for who writes to a named pipe, and for nobody longer than it may", async () => {
  using dir = tempDir();
  const pipe = dir.at("pipe");
  new Deno.Command("mkfifo", { args: [pipe] }).outputSync();
  await using server = mirror();
  const late = await ferry(["request", "--timeout", "1s", "-T", pipe, `${server.url}/x`]);
  assertEquals(late.code, 28, late.stderr);
  const waiting = ferryCommand(["request", "--input", pipe]);
  const child = new Deno.Command(waiting.path, { args: waiting.args, stdout: "null", stderr: "piped" })
    .spawn();
  // A first line is answered, so that it waits for the next one.
  const writer = await Deno.open(pipe, { write: true });
  await writer.write(new TextEncoder().encode(`url\n`));
  const stderr = child.stderr.getReader();
  await stderr.read();
  child.kill("SIGINT");
  stderr.releaseLock();
  await child.stderr.cancel();
  assertEquals((await child.status).code, 130);
  writer.close();
  for (const content of ["", "some", "x".repeat(300_000)]) {
    const sending = ferry(["request", "-T", pipe, `${server.url}/x`]);
    await Deno.writeTextFile(pipe, content);
    const { code, stdout, stderr } = await sending;
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout).sha256, await sha256(content));
  }
});

Deno.test("request -d and --data-json POST text, files and stdin", async () => {
  using dir = tempDir({ "data.bin": "from\na file\n" });
  await using server = mirror();
  const form = "application/x-www-form-urlencoded";
  const cases: [string[], string, string, string, string?][] = [
    [["-d", "a=1"], "POST", form, "a=1"],
    [["-d", "a=1", "-d", "b=2"], "POST", form, "a=1&b=2"],
    [["-d", "@" + dir.at("data.bin")], "POST", form, "from\na file\n"],
    [["-d", "@-"], "POST", form, "stdin", "stdin"],
    [["-d", "x", "-d", "@-"], "POST", form, "x&stdin", "stdin"],
    [["PUT", "-d", "é", "-H", "Content-Type: text/plain"], "PUT", "text/plain", "é"],
    [["--data-json", '{"a":1}'], "POST", "application/json", '{"a":1}'],
  ];
  await Promise.all(cases.map(async ([args, method, type, body, stdin]) => {
    const run = await ferry(["request", ...args, server.url], { stdin });
    assertEquals(run.code, 0, run.stderr);
    const seen = JSON.parse(run.stdout);
    assertEquals([seen.method, seen.type, seen.sha256], [method, type, await sha256(body)]);
  }));
});

Deno.test("request sends all of a file that is said to be empty and is not, as those of /proc are", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", new TextDecoder().decode(visit.body)));
  using dir = tempDir({ "empty": "" });
  const version = Deno.readTextFileSync("/proc/version");
  const cases: [args: string[], sent: string][] = [
    [["-T", "/proc/version"], version],
    [["-d", "@/proc/version"], version],
    [["-d", "a=1", "-d", "@/proc/version"], `a=1&${version}`],
    [["-T", dir.at("empty")], ""],
  ];
  await Promise.all(cases.map(async ([args, sent]) => {
    const run = await ferry(["request", ...args, `${server.url}/f`]);
    assertEquals([args, run.code, run.stdout], [args, 0, sent], run.stderr);
  }));
});

Deno.test("request sends a method of its own and headers in UTF-8", async () => {
  await using server = hostile(async (visit) => {
    await visit.answer("200 OK", `${visit.method} ${visit.headers.get("x-name")}`);
  });
  const run = await ferry(["request", "DELETE", "-H", "X-Name: é", server.url]);
  assertEquals([run.code, run.stdout], [0, "DELETE é"]);
});

Deno.test("request sends an upload from a file again after a 503, and what it read from a pipe never", async () => {
  using dir = tempDir({ "f": "content" });
  await using server = hostile((visit) =>
    visit.index === 0 ? visit.answer("503 Busy", "", "Retry-After: 0") : visit.answer("201 Created")
  );
  const file = await ferry(["request", "-T", dir.at("f"), server.url + "/x", "--json"]);
  assertEquals([file.code, server.visits.length], [0, 2]);
  assertEquals(new TextDecoder().decode(server.visits[1].body), "content");
  const outcome = JSON.parse(file.stderr.trim().split("\n").at(-1)!);
  assertEquals([outcome.bytes, outcome.retries, outcome.status], [7, 1, 201]);
  await using busy = hostile((visit) => visit.answer("503 Busy", "busy\n"));
  const pipe = await ferry(["request", "-T", "-", busy.url + "/x"], { stdin: "content" });
  assertEquals([pipe.code, busy.visits.length], [22, 1]);
  assertStringIncludes(pipe.stderr, "busy\n");
  const post = await ferry(["request", "-d", "x", busy.url + "/x"]);
  assertEquals([post.code, busy.visits.length], [22, 2]);
});

Deno.test("request sends a file again after 307, and says that what was read from a pipe cannot be", async () => {
  using dir = tempDir({ "f": "content" });
  await using server = hostile((visit) =>
    visit.target === "/a" ? visit.answer("307 Go", "", "Location: /b") : visit.answer("200 OK", visit.target)
  );
  const file = await ferry(["request", "-T", dir.at("f"), server.url + "/a"]);
  assertEquals([file.code, file.stdout], [0, "/b"]);
  const pipe = await ferry(["request", "-T", "-", server.url + "/a"], { stdin: "content" });
  assertEquals(pipe.code, 22);
  assertStringIncludes(pipe.stderr, "/b");
});

Deno.test("request -T - holds little of a long pipe in memory, and garbles none of it for a slow server", async () => {
  let received = 0;
  const hash = createHash("sha256");
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const reader = request.body!.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      hash.update(value);
      // Now and then the queues on the way fill up.
      if (received >> 23 !== (received += value.length) >> 23) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    return new Response("ok");
  });
  using dir = tempDir();
  const bin = Deno.env.get("FERRY_BIN");
  const main = new URL("../main.ts", import.meta.url).pathname;
  const program = bin
    ? `'${Deno.realPathSync(bin)}'`
    : `'${Deno.execPath()}' run -A --no-check --quiet '${main}'`;
  const megabytes = 300;
  const script =
    `head -c ${megabytes}M /dev/urandom | tee >(sha256sum > '${
      dir.at("sum")
    }') | { ${program} request -T - http://127.0.0.1:${server.addr.port}/x & ` +
    `p=$!; peak=0; while kill -0 $p 2>/dev/null; do r=$(awk '/VmHWM/{print $2}' /proc/$p/status 2>/dev/null); ` +
    `[ -n "$r" ] && peak=$r; sleep 0.05; done; echo " $peak" > '${dir.at("peak")}'; wait $p; }`;
  // A background job of a shell has no stdin unless it is told so.
  const output = await new Deno.Command("bash", {
    args: ["-c", script.replace("& p=$!", "<&0 & p=$!")],
    stdout: "piped",
    stderr: "piped",
  }).output();
  await server.shutdown();
  assertEquals(new TextDecoder().decode(output.stdout), "ok", new TextDecoder().decode(output.stderr));
  assertEquals(received, megabytes * 1024 * 1024);
  assertEquals(hash.digest("hex"), Deno.readTextFileSync(dir.at("sum")).slice(0, 64));
  const peak = Number(Deno.readTextFileSync(dir.at("peak"))) / 1024;
  assert(peak > 10 && peak < 200, `the peak was ${peak} MB`);
});
