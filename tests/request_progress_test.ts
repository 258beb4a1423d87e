import { assert, assertEquals, assertMatch } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { onTerminal, Screen, type TerminalOptions } from "./terminal.ts";

const SIZE = 200_000;
const BODY = "0123456789abcdef\n".repeat(SIZE / 10).slice(0, SIZE);
/** Slow enough to be drawn a few times. */
const SLOW = ["--limit-rate", "250K"];

function files() {
  return hostile(async (visit) => {
    if (visit.method === "PUT") return await visit.answer("201 Created");
    if (visit.target === "/unknown") {
      await visit.head("HTTP/1.1 200 OK", "Connection: close");
      return await visit.send(BODY);
    }
    const range = /^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "");
    const start = range === null ? 0 : Number(range[1]);
    const lines = range === null ? [] : [`Content-Range: bytes ${start}-${SIZE - 1}/${SIZE}`];
    const status = range === null ? "200 OK" : "206 Partial Content";
    await visit.head(`HTTP/1.1 ${status}`, `Content-Length: ${SIZE - start}`, 'ETag: "v1"', ...lines);
    const cut = visit.target === "/cut" && range === null;
    await visit.send(BODY.slice(start, cut ? SIZE * 0.8 : undefined));
  });
}

/** What a slow machine shows before the answer has come. */
const BEFORE = /^\S+ +0 B$/;

/** The screens on the way, and the last one. */
async function watch(args: string[], options: TerminalOptions & { code?: number } = {}) {
  const run = await onTerminal(["request", ...args], options);
  if (run === null) return null;
  assertEquals(run.code, options.code ?? 0, run.raw);
  const screen = new Screen(options.columns ?? 80, options.rows ?? 24);
  const frames = screen.write(run.raw).filter(([line]) => line !== undefined && !BEFORE.test(line));
  return { frames, last: screen.lines(), raw: run.raw };
}

Deno.test("request shows a bar for one file, as wide as the terminal allows, and leaves it complete", async () => {
  await using server = files();
  using dir = tempDir({ "a": null, "b": null, "c": null, "d": null });
  const cases: [columns: number, under: string, name: string, drawn: RegExp, left: RegExp][] = [
    [
      80,
      "a",
      "big.iso",
      /^big\.iso +\d+%  +\[=*>? *\]  +\S+ k?B of 200 kB/,
      /^big\.iso +100% +\[=+\] +200 kB +.*in \S+ m?s$/,
    ],
    [20, "b", "big.iso", /^(big\.iso +)?\d+%/, /^100%/],
    [
      200,
      "c",
      "big.iso",
      /^big\.iso +\d+%  +\[[=> ]{48}\]  +\S+ k?B of 200 kB/,
      /^big\.iso +100% +\[={48}\] +200 kB/,
    ],
    [44, "d", "日本語の長い名前のファイル.iso", /^日本.*… *.*\.iso +\d+%/, /^(日本.*\.iso +)?100%/],
  ];
  await Promise.all(cases.map(async ([columns, under, name, drawn, left]) => {
    const args = [...SLOW, "-O", "--output-dir", dir.at(under), `${server.url}/${name}`];
    const seen = await watch(args, { columns });
    if (seen === null) return;
    assert(seen.frames.length >= 2, JSON.stringify(seen.raw));
    for (const frame of seen.frames) {
      assertEquals(frame.length, 1, JSON.stringify(frame));
      // A slow machine may have drawn nothing before all of it was there.
      assert(drawn.test(frame[0]) || /\b100%/.test(frame[0]), frame[0]);
    }
    const shares = seen.frames.map(([line]) => Number(/(\d+)%/.exec(line)![1]));
    assertEquals(shares, shares.toSorted((a, b) => a - b));
    assertEquals(seen.last.length, 1);
    assertMatch(seen.last[0], left);
    assertEquals(Deno.readTextFileSync(dir.at(`${under}/${name}`)), BODY);
  }));
});

Deno.test("request shows how far an upload is, a body of unknown length, one that goes to a pipe", async () => {
  await using server = files();
  using dir = tempDir({ "up.bin": BODY });
  const ways: [args: string[], drawn: RegExp, left: RegExp, redirect?: string][] = [
    [
      ["-T", dir.at("up.bin"), server.url + "/there"],
      /^there +\d+% .* of 200 kB/,
      /^there +100% +\[=+\] +200 kB/,
    ],
    [["-o", dir.at("x"), server.url + "/unknown"], /^x +\S+ k?B/, /^x +100% +\[=+\] +200 kB/],
    [[server.url + "/big"], /^big +\d+% .* of 200 kB/, /^big +100% +\[=+\] +200 kB/, `> '${dir.at("y")}'`],
  ];
  await Promise.all(ways.map(async ([args, drawn, left, redirect]) => {
    const seen = await watch([...SLOW, ...args], { redirect });
    if (seen === null) return;
    assert(seen.frames.length >= 2, JSON.stringify(seen.raw));
    // A slow machine may have drawn nothing before all of it was there.
    for (const [line] of seen.frames) assert(drawn.test(line) || left.test(line), line);
    assertMatch(seen.last.join("\n"), left);
  }));
  for (const name of ["x", "y"]) assertEquals(Deno.readTextFileSync(dir.at(name)), BODY);
  assertEquals(server.visits.find((visit) => visit.method === "PUT")!.body.length, SIZE);
});

Deno.test("request shows several files with their sum, messages above, and where an earlier run stopped", async () => {
  await using server = files();
  using dir = tempDir({ "a": null, "b": null });
  const several = async () => {
    const seen = await watch(["--limit-rate", "160K", "-O", server.url + "/one", server.url + "/cut"], {
      cwd: dir.at("a"),
      columns: 150,
    });
    if (seen === null) return;
    const sums = seen.frames.map((lines) => lines.at(-1)!).filter((line) => !line.startsWith("ferry: "));
    for (const line of sums) assertMatch(line, /^[012] of 2 done +\d+% /);
    assert(
      seen.frames.some((lines) => lines.some((line) => /^one +\d+% /.test(line))),
      JSON.stringify(seen.frames),
    );
    assertEquals(seen.last.length, 2, JSON.stringify(seen.last));
    assertMatch(seen.last[0], /^ferry: .*trying again in/);
    assertMatch(seen.last[1], /^2 of 2 done +100% +\[=+\] +400 kB/);
  };
  const resumed = async () => {
    const url = server.url + "/cut";
    const first = await ferry(["request", "--retry", "0", "-O", url], { cwd: dir.at("b") });
    assertEquals(first.code, 18);
    const seen = await watch(["--limit-rate", "50K", "-C", "-O", url], { cwd: dir.at("b") });
    if (seen === null) return;
    const shares = seen.frames.map(([line]) => Number(/(\d+)%/.exec(line)?.[1] ?? 100));
    assert(Math.min(...shares) >= 80, JSON.stringify(seen.frames));
  };
  await Promise.all([several(), resumed()]);
  for (const name of ["a/one", "a/cut", "b/cut"]) assertEquals(Deno.readTextFileSync(dir.at(name)), BODY);
});

Deno.test("request shows one line for many small files, with how many are done and how many failed", async () => {
  await using server = hostile((visit) =>
    visit.target.endsWith("7") ? visit.answer("404 Not Found") : visit.answer("200 OK", BODY.slice(0, 4000))
  );
  const urls = Array.from({ length: 60 }, (_, index) => `${server.url}/f${index}\n`).join("");
  using dir = tempDir({ "list": urls, "out": null });
  const args = ["--limit-rate", "200K", "--input", dir.at("list"), "--output-dir", dir.at("out")];
  const seen = await watch([...args, "--parallel", "4"], { code: 22, columns: 120 });
  if (seen === null) return;
  const sums = seen.frames.map((lines) => lines.filter((line) => !line.startsWith("ferry: ")));
  assert(sums.length >= 2, JSON.stringify(seen.raw));
  for (const lines of sums) {
    assertEquals(lines.length, 1, JSON.stringify(lines));
    assertMatch(lines[0], /^\d+ done(, [1-6] failed)? +\S+ k?B/);
  }
  assert(sums.some(([line]) => line.includes("failed")), JSON.stringify(sums));
  assertEquals(seen.last.filter((line) => /^ferry: .*7: 404 Not Found$/.test(line)).length, 6);
  assertEquals([seen.last.length, [...Deno.readDirSync(dir.at("out"))].length], [6, 54]);
});

Deno.test("request shows no progress where it was not wanted, or would be in the way", async () => {
  await using server = files();
  using dir = tempDir();
  const file = (name: string) => ["-o", dir.at(name)];
  const ways: [args: string[], options: TerminalOptions][] = [
    [["-q", ...file("a")], {}],
    [["--no-progress", ...file("b")], {}],
    [["--json", ...file("c")], {}],
    [file("d"), { env: { TERM: "dumb" } }],
    [[], {}],
    [["--progress"], {}],
    [["--json"], { redirect: `> '${dir.at("e")}'` }],
  ];
  await Promise.all(ways.map(async ([args, options]) => {
    const seen = await watch([...SLOW, ...args, server.url + "/big"], options);
    if (seen === null) return;
    // Where it is wanted it may show until the body comes.
    const from = args.includes("--progress") ? seen.raw.indexOf(BODY.slice(0, 16)) : 0;
    const isClean = from >= 0 && !seen.raw.slice(from).includes("%");
    assert(isClean, JSON.stringify([args, seen.raw.slice(0, 2000)]));
  }));
  const piped = await ferry(["request", ...SLOW, server.url + "/big"]);
  assertEquals([piped.code, piped.stdout, piped.stderr], [0, BODY, ""]);
});

Deno.test("request takes its bar away when it fails, and says why", async () => {
  await using server = files();
  using dir = tempDir();
  const seen = await watch([...SLOW, "--retry", "0", "-o", dir.at("x"), server.url + "/cut"], {
    columns: 500,
    code: 18,
  });
  if (seen === null) return;
  assert(seen.frames.some(([line]) => line.includes("%")), JSON.stringify(seen.raw));
  assertEquals(seen.last.length, 1, JSON.stringify(seen.last));
  assertMatch(seen.last[0], /^ferry: .*--continue goes on from there$/);
});

Deno.test("request --progress writes plain lines where there is no terminal", async () => {
  await using server = files();
  using dir = tempDir();
  const one = await ferry(["request", "--progress", "-o", dir.at("x"), server.url + "/big"]);
  assertEquals([one.code, one.stderr], [0, "ferry: x: 100%, 200 kB\n"]);
  const urls = ["/a", "/b", "/c"].map((path) => server.url + path);
  const many = await ferry(["request", "--progress", "--json", "-O", ...urls], { cwd: dir.path });
  assertEquals([many.code, many.stderr], [0, "ferry: 3 of 3 done: 100%, 600 kB\n"]);
  assertEquals(many.stdout.trimEnd().split("\n").length, 3);
});
