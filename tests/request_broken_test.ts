import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { freePort } from "../bench/daemon.ts";
import { ferry, ferryCommand, sha256, tempDir } from "./harness.ts";
import { hostile, silence } from "./hostile_server.ts";

const BODY = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join("");
const SIZE = BODY.length;

interface Flaw {
  /** Bytes after which an answer breaks off, by the index of the request; then answers are whole. */
  cuts: number[];
  /** The ETag by the index of the request; null for none. */
  etag?: (index: number) => string | null;
  /** The body by the index of the request. */
  body?: (index: number) => string;
  /** Ignores Range. */
  deaf?: boolean;
  /** Takes If-Range for true whatever it says. */
  careless?: boolean;
  /** Adds so much to where a range starts. */
  shift?: number;
  /** The coding that an answer comes under. */
  coding?: (index: number) => string | undefined;
}

/** A server of ranges whose connection breaks off. `flaw` is read anew for each request. */
function flawed(flaw: Flaw) {
  return hostile(async (visit) => {
    const { cuts, etag = () => '"v1"', body = () => BODY } = flaw;
    const content = body(visit.index);
    const tag = etag(visit.index);
    const lines = tag === null ? [] : [`ETag: ${tag}`];
    const coding = flaw.coding?.(visit.index);
    if (coding !== undefined) lines.push(`Content-Encoding: ${coding}`);
    const range = /^bytes=(\d+)-(\d*)$/.exec(visit.headers.get("range") ?? "");
    const condition = visit.headers.get("if-range");
    let [start, end] = [0, content.length];
    if (range && !flaw.deaf && (flaw.careless || condition === null || condition === tag)) {
      start = Number(range[1]) + (flaw.shift ?? 0);
      end = range[2] === "" ? end : Math.min(end, Number(range[2]) + 1);
      lines.push(`Content-Range: bytes ${start}-${end - 1}/${content.length}`);
    }
    const status = lines.some((line) => line.startsWith("Content-Range")) ? "206 Partial Content" : "200 OK";
    await visit.head(`HTTP/1.1 ${status}`, `Content-Length: ${end - start}`, ...lines);
    await visit.send(content.slice(start, start + Math.min(end - start, cuts[visit.index] ?? Infinity)));
  });
}

const CHANGED = BODY.replaceAll("line", "LINE");

Deno.test("request resumes a broken transfer to the byte, or gives up without a wrong one", async () => {
  const cases: { about: string; flaw: Flaw; pipe: [number, string]; file: [number, string | null] }[] = [
    { about: "whole", flaw: { cuts: [] }, pipe: [0, BODY], file: [0, BODY] },
    { about: "breaks twice", flaw: { cuts: [3000, 10] }, pipe: [0, BODY], file: [0, BODY] },
    {
      about: "breaks, no validator",
      flaw: { cuts: [3000], etag: () => null },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, BODY],
    },
    {
      about: "breaks, weak validator",
      flaw: { cuts: [3000], etag: () => 'W/"v1"' },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, BODY],
    },
    {
      about: "ignores ranges, same strong validator",
      flaw: { cuts: [3000], deaf: true },
      pipe: [0, BODY],
      file: [0, BODY],
    },
    {
      about: "changes after the break",
      flaw: { cuts: [3000], etag: (index) => `"v${index}"`, body: (index) => index === 0 ? BODY : CHANGED },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, CHANGED],
    },
    {
      about: "changes, and ignores If-Range",
      flaw: {
        cuts: [3000],
        careless: true,
        etag: (index) => `"v${index}"`,
        body: (index) => index === 0 ? BODY : CHANGED,
      },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, CHANGED],
    },
    {
      about: "sends another range than it was asked for",
      flaw: { cuts: [3000], shift: 5 },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, BODY],
    },
    {
      about: "sends ranges compressed, under the same validator",
      flaw: {
        cuts: [3000],
        coding: (index) => index === 1 ? "gzip" : undefined,
        body: (index) => index === 1 ? CHANGED : BODY,
      },
      pipe: [18, BODY.slice(0, 3000)],
      file: [0, BODY],
    },
    {
      about: "sends everything under the same coding",
      flaw: { cuts: [3000], coding: () => "x-own" },
      pipe: [0, BODY],
      file: [0, BODY],
    },
    {
      about: "breaks for ever",
      flaw: { cuts: Array(50).fill(5) },
      pipe: [18, BODY.slice(0, 15)],
      file: [18, null],
    },
  ];
  await Promise.all(cases.map(async ({ about, flaw, pipe, file }) => {
    await using a = flawed(flaw);
    const piped = await ferry(["request", "--retry", "2", a.url + "/x"]);
    assertEquals([about, piped.code, piped.stdout], [about, ...pipe], piped.stderr);
    await using b = flawed(flaw);
    using dir = tempDir();
    const saved = await ferry(["request", "--retry", "2", "-o", dir.at("f"), b.url + "/x"]);
    assertEquals([about, saved.code], [about, file[0]], saved.stderr);
    const names = [...Deno.readDirSync(dir.path)].map((entry) => entry.name).sort();
    if (file[1] === null) assertEquals(names, ["f.ferry-part", "f.ferry-part.json"]);
    else assertEquals([about, names, Deno.readTextFileSync(dir.at("f"))], [about, ["f"], file[1]]);
  }));
});

Deno.test("request resumes inside the range that was asked for", async () => {
  await using server = flawed({ cuts: [40] });
  const run = await ferry(["request", "-r", "100-199", server.url]);
  assertEquals([run.code, run.stdout], [0, BODY.slice(100, 200)]);
  assertEquals(server.visits[1].headers.get("range"), "bytes=140-199");
  assertEquals(server.visits[1].headers.get("if-range"), '"v1"');
});

Deno.test("request never lets the body of an error follow half a transfer, even with --no-fail", async () => {
  await using server = hostile(async (visit) => {
    if (visit.index > 0) return await visit.answer("404 Not Found", "gone meanwhile");
    await visit.head("HTTP/1.1 200 OK", `Content-Length: ${SIZE}`, 'ETag: "v1"');
    await visit.send(BODY.slice(0, 3000));
  });
  const run = await ferry(["request", "--no-fail", server.url]);
  assertEquals([run.code, run.stdout], [22, BODY.slice(0, 3000)]);
});

Deno.test("request counts no try that brought much against --retry", async () => {
  const big = BODY.repeat(1200);
  const cut = 1_100_000;
  await using server = flawed({ cuts: Array(8).fill(cut), body: () => big });
  const run = await ferry(["request", "--retry", "1", "--json", server.url], { timeoutMs: 55_000 });
  assertEquals(
    [run.code, run.stdout.length, run.stdout === big],
    [0, big.length, true],
    run.stderr.slice(-500),
  );
  assertEquals(JSON.parse(run.stderr.trim().split("\n").at(-1)!).retries, 8);
});

Deno.test("request checks the checksum over a resumed transfer, and tells of the resumption", async () => {
  await using server = flawed({ cuts: [3000, 2000] });
  using dir = tempDir();
  const hex = await sha256(BODY);
  const run = await ferry([
    "request",
    "--json",
    "--checksum",
    `sha256:${hex}`,
    "-o",
    dir.at("f"),
    server.url,
  ]);
  assertEquals(run.code, 0, run.stderr);
  const { bytes, resumed, retries, sha256: told } = JSON.parse(run.stdout);
  assertEquals([bytes, resumed, retries, told], [SIZE, true, 2, hex]);
});

Deno.test("request -C goes on where an earlier run stopped, and starts over when the content has changed", async () => {
  const hex = await sha256(BODY);
  const cases: { about: string; second: Omit<Flaw, "cuts">; body: string }[] = [
    { about: "same", second: {}, body: BODY },
    { about: "changed", second: { etag: () => '"v2"', body: () => CHANGED }, body: CHANGED },
    { about: "ignores ranges", second: { deaf: true }, body: BODY },
    {
      about: "changed, careless",
      second: { etag: () => '"v2"', body: () => CHANGED, careless: true },
      body: CHANGED,
    },
    { about: "no validator any more", second: { etag: () => null, body: () => CHANGED }, body: CHANGED },
  ];
  await Promise.all(cases.map(async ({ about, second, body }) => {
    const flaw: Flaw = { cuts: [3000] };
    await using server = flawed(flaw);
    using dir = tempDir();
    const args = ["request", "--retry", "0", "-o", dir.at("f"), server.url + "/x"];
    const broken = await ferry(args);
    assertEquals([about, broken.code], [about, 18]);
    assertStringIncludes(broken.stderr, "3000 bytes are kept");
    Object.assign(flaw, second);
    const run = await ferry([...args, "-C", "--json"]);
    assertEquals([about, run.code], [about, 0], run.stderr);
    assertEquals(Deno.readTextFileSync(dir.at("f")), body);
    assertEquals(server.visits[1].headers.get("range"), `bytes=3000-${SIZE - 1}`);
    assertEquals(JSON.parse(run.stdout).sha256, body === BODY ? hex : await sha256(CHANGED));
    assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["f"]);
  }));
});

Deno.test("request -C takes a file that is whole already for done, and trusts no part without a note", async () => {
  await using server = hostile(async (visit) => {
    const start = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
    if (start >= SIZE) await visit.answer("416 No", "", `Content-Range: bytes */${SIZE}`, 'ETag: "v1"');
    else if (start > 0) {
      const range = `Content-Range: bytes ${start}-${SIZE - 1}/${SIZE}`;
      await visit.answer("206 Partial", BODY.slice(start), range, 'ETag: "v1"');
    } else await visit.answer("200 OK", BODY, 'ETag: "v1"');
  });
  const note = JSON.stringify({
    url: server.url + "/x",
    size: SIZE,
    validator: { kind: "etag", value: '"v1"' },
    boot: null,
  });
  using dir = tempDir({
    "whole": BODY,
    "short": "some other bytes",
    "g.ferry-part": "some other bytes",
    "h.ferry-part": BODY,
    "h.ferry-part.json": note,
  });
  const ended = await ferry(["request", "-C", "--json", "-o", dir.at("h"), server.url + "/x"]);
  assertEquals([ended.code, JSON.parse(ended.stdout).bytes, Deno.readTextFileSync(dir.at("h"))], [
    0,
    0,
    BODY,
  ]);
  const whole = await ferry(["request", "-C", "--json", "-o", dir.at("whole"), server.url + "/x"]);
  const { bytes, resumed } = JSON.parse(whole.stdout);
  assertEquals([whole.code, bytes, resumed], [0, 0, true]);
  for (const name of ["short", "g"]) {
    assertEquals((await ferry(["request", "-C", "-o", dir.at(name), server.url + "/x"])).code, 0);
    assertEquals(Deno.readTextFileSync(dir.at(name)), BODY);
  }
});

Deno.test("request tries again what is safe to, and waits as Retry-After says", async () => {
  for (const status of ["408", "425", "429", "500", "503", "520"]) {
    await using server = hostile((visit) =>
      visit.index < 2
        ? visit.answer(`${status} Later`, "", "Retry-After: 0")
        : visit.answer("200 OK", "at last")
    );
    const run = await ferry(["request", server.url]);
    assertEquals([status, run.code, run.stdout], [status, 0, "at last"]);
    assertStringIncludes(run.stderr, "trying again");
  }
  await using dated = hostile((visit) =>
    visit.index === 0
      ? visit.answer("503 Later", "", `Retry-After: ${new Date(Date.now() + 3000).toUTCString()}`)
      : visit.answer("200 OK", "at last")
  );
  const start = performance.now();
  assertEquals((await ferry(["request", "-q", dated.url])).stdout, "at last");
  assert(performance.now() - start > 1500);
  await using never = hostile((visit) => visit.answer("503 Later", "busy", "Retry-After: 0"));
  const given = await ferry(["request", "--retry", "2", never.url]);
  assertEquals([given.code, never.visits.length], [22, 3]);
  await using patient = hostile((visit) => {
    const later = visit.target === "/s" ? "3600" : new Date(Date.now() + 3_600_000).toUTCString();
    return visit.answer("503 Later", "busy", `Retry-After: ${later}`);
  });
  for (const path of ["/s", "/date"]) {
    const run = await ferry(["request", "--timeout", "20s", patient.url + path], { timeoutMs: 15_000 });
    assertEquals(run.code, 22);
    assertMatch(run.stderr, /the server asks to come back in (3600|35\d\d) s, after the time limit/);
  }
  assertEquals(patient.visits.length, 2);
  for (const status of ["501", "505", "507"]) {
    await using server = hostile((visit) => visit.answer(`${status} Never`, ""));
    assertEquals([(await ferry(["request", server.url])).code, server.visits.length], [22, 1]);
  }
  await using off = hostile((visit) => visit.answer("503 Later", "busy"));
  assertEquals([(await ferry(["request", "--retry", "0", off.url])).code, off.visits.length], [22, 1]);
});

Deno.test("request tries again after a connection that was closed without an answer, but never a POST", async () => {
  await using server = hostile((visit) =>
    visit.index === 0 ? Promise.resolve() : visit.answer("200 OK", "ok")
  );
  assertEquals((await ferry(["request", server.url])).stdout, "ok");
  await using post = hostile(() => Promise.resolve());
  const run = await ferry(["request", "-d", "x", post.url]);
  assertEquals([run.code, post.visits.length], [18, 1]);
});

Deno.test("request --connect-timeout bounds a connection that does not come about", async () => {
  // A listener that never accepts TLS: the handshake hangs.
  await using server = hostile(() => silence());
  const start = performance.now();
  const url = server.url.replace("http", "https");
  const run = await ferry(["request", "--retry", "0", "--connect-timeout", "500ms", url], {
    timeoutMs: 30_000,
  });
  assertEquals(run.code, 28, run.stderr);
  assertStringIncludes(run.stderr, "--connect-timeout");
  assert(performance.now() - start < 15_000);
  await using fine = hostile((visit) => visit.answer("200 OK", "ok"));
  assertEquals((await ferry(["request", "--connect-timeout", "5s", fine.url])).stdout, "ok");
});

Deno.test("request tells what is wrong with the other side", async () => {
  await using garbage = hostile((visit) => visit.send("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  await using flood = hostile((visit) => visit.head("HTTP/1.1 200 OK", `X: ${"y".repeat(1_000_000)}`));
  await using lies = hostile((visit) => visit.head("HTTP/1.1 200 OK", "Content-Length: -5"));
  const plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("plain"));
  const closed = freePort();
  const cases: [string, number, string][] = [
    [garbage.url, 22, "did not answer in HTTP"],
    [flood.url, 22, "headers"],
    [lies.url, 22, "content-length"],
    [`https://127.0.0.1:${plain.addr.port}/`, 35, "http://"],
    [`http://127.0.0.1:${closed}/`, 7, `127.0.0.1:${closed}`],
    ["http://no-such-host.invalid/", 6, "no-such-host.invalid"],
  ];
  await Promise.all(cases.map(async ([url, code, text]) => {
    const run = await ferry(["request", "--retry", "0", url]);
    assertEquals([url, run.code, run.stdout], [url, code, ""], run.stderr);
    assertStringIncludes(run.stderr, text);
    assertEquals(run.stderr.trim().split("\n").length, 1);
  }));
  await plain.shutdown();
});

Deno.test("request reads no further than Content-Length says", async () => {
  await using server = hostile(async (visit) => {
    await visit.head("HTTP/1.1 200 OK", "Content-Length: 5");
    await visit.send("hellofrom another answer");
  });
  const run = await ferry(["request", server.url]);
  assertEquals([run.code, run.stdout], [0, "hello"]);
});

Deno.test("request stopped by a signal keeps the part and ends with 130 or 143", async () => {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    let begun: () => void = () => {};
    const started = new Promise<void>((resolve) => begun = resolve);
    await using server = hostile(async (visit) => {
      await visit.head("HTTP/1.1 200 OK", "Content-Length: 100000", 'ETag: "v1"');
      await visit.send("x".repeat(5000));
      begun();
      await silence();
    });
    using dir = tempDir();
    const command = ferryCommand(["request", "-o", dir.at("f"), server.url]);
    const child = new Deno.Command(command.path, { args: command.args, stdout: "null", stderr: "null" })
      .spawn();
    await started;
    while (partSize(dir.at("f.ferry-part")) < 5000) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill(signal);
    assertEquals((await child.status).code, code);
    assertEquals(
      [...Deno.readDirSync(dir.path)].map((entry) => entry.name).sort(),
      ["f.ferry-part", "f.ferry-part.json"],
    );
  }
});

function partSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}

Deno.test("request into a pipe whose reader leaves ends quietly", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", "x".repeat(3_000_000)));
  const { path, args } = ferryCommand(["request", server.url]);
  const child = new Deno.Command("bash", {
    args: ["-c", '"$@" | head -c 5; echo " ${PIPESTATUS[0]}"', "bash", path, ...args],
    stdout: "piped",
    stderr: "piped",
  });
  const output = await child.output();
  assertEquals(new TextDecoder().decode(output.stdout), "xxxxx 23\n");
  assertEquals(new TextDecoder().decode(output.stderr), "");
});

Deno.test("request into a pipe is whole or a true beginning, however the server misbehaves", async () => {
  await Promise.all(Array.from({ length: 16 }, async (_, seed) => {
    let state = seed + 1;
    const random = (below: number) => (state = state * 48271 % 2147483647) % below;
    const flaw: Flaw = { cuts: Array.from({ length: 6 }, () => random(SIZE + 2000)) };
    const odd = () => {
      flaw.deaf = random(4) === 0;
      flaw.careless = random(2) === 0;
      flaw.shift = random(5) === 0 ? random(9) : 0;
    };
    const version = (index: number) => index >= 4 && seed % 2 === 0 ? 2 : 1;
    flaw.etag = (index) => (odd(), random(6) === 0 ? null : `"v${version(index)}"`);
    flaw.body = (index) => version(index) === 1 ? BODY : CHANGED;
    await using server = flawed(flaw);
    const run = await ferry(["request", "-q", "--retry", "3", server.url]);
    if (run.code === 0) assert(run.stdout === BODY || run.stdout === CHANGED, `seed ${seed}`);
    else {
      assertEquals([seed, run.code], [seed, 18], run.stderr);
      assert(BODY.startsWith(run.stdout) || CHANGED.startsWith(run.stdout), `seed ${seed}`);
    }
  }));
});
