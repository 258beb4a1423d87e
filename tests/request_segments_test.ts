import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferry, ferryCommand, serve, sha256, type TempDir, tempDir } from "./harness.ts";
import {
  apacheServer,
  caddyServer,
  type ListingServer,
  nginxServer,
  pythonServer,
  rcloneServer,
} from "./listing_servers.ts";
import { installed } from "./programs.ts";
import { mountTmpfs } from "./sync_fixtures.ts";
import { pattern, ranged, type RangedOptions, reprDigest } from "./range_server.ts";

const SIZE = 6_000_000;
const BODY = pattern(SIZE);
const CHANGED = pattern(SIZE, 2);

/** What of a download is in `dir`. */
function names(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

Deno.test("request --segments fetches a file whole and right, or not at all, whatever the server does", async () => {
  const digest = await reprDigest(BODY);
  const cases: {
    about: string;
    server: Partial<RangedOptions>;
    flags?: string[];
    code?: number;
    body?: Uint8Array | null;
    /** What stderr says. */
    says?: RegExp;
    /** What a pipe gets, when it is not the same. */
    pipe?: { code: number; prefix: true };
  }[] = [
    { about: "ranges", server: {}, flags: ["--json"] },
    { about: "ranges and a digest", server: { digest } },
    { about: "resets after 300 KB", server: { cut: 300_000 }, says: /trying again/ },
    { about: "no ranges", server: { deaf: true }, says: /serves no ranges of it: fetching it in one stream/ },
    { about: "a weak validator", server: { etag: () => 'W/"v1"' }, says: /no strong validator/ },
    { about: "no validator", server: { etag: () => null }, says: /no strong validator/ },
    { about: "another range than asked for", server: { shift: 7 }, says: /does not send the range/ },
    {
      about: "few connections",
      server: { most: 2 },
      says: /^$|answers 503 to more connections|trying again/,
    },
    {
      about: "changes after the first answers",
      server: {
        etag: (index) => index < 3 ? '"v1"' : '"v2"',
        bodyAt: (index) => index < 3 ? BODY : CHANGED,
      },
      body: CHANGED,
      says: /changed while it was fetched; starting over/,
      pipe: { code: 18, prefix: true },
    },
    {
      about: "changes all the time",
      server: { etag: (index) => `"v${index}"` },
      code: 18,
      body: null,
      says: /changed while it was fetched/,
      pipe: { code: 18, prefix: true },
    },
    {
      about: "a digest of something else",
      server: { digest: await reprDigest(CHANGED) },
      code: 43,
      body: null,
    },
    { about: "claims to be endless", server: { claims: 9e14 }, code: 23, body: null, says: /are free/ },
    { about: "not there", server: { before: () => Promise.resolve("404 Not Found") }, code: 22, body: null },
    {
      about: "busy at first",
      server: { before: (index) => Promise.resolve(index === 0 ? "503 Service Unavailable" : undefined) },
      says: /trying again/,
    },
  ];
  await Promise.all(cases.map(async ({ about, server, flags = [], code = 0, body = BODY, says, pipe }) => {
    await using files = ranged({ body: BODY, ...server });
    using dir = tempDir();
    const saved = await ferry([
      "request",
      "--segments",
      "4",
      "--retry",
      "20",
      "--timeout",
      "50s",
      ...flags,
      "-o",
      dir.at("f"),
      files.url + "/f",
    ]);
    assertEquals(
      [about, saved.code, names(dir.path)],
      [about, code, body === null ? [] : ["f"]],
      saved.stderr,
    );
    if (body !== null) assertEquals(await sha256(Deno.readFileSync(dir.at("f"))), await sha256(body), about);
    if (says !== undefined) assert(says.test(saved.stderr), `${about}: ${saved.stderr}`);
    if (about === "ranges") {
      assertEquals(JSON.parse(saved.stdout).bytes, SIZE, "every byte once");
      assert(files.peak() >= 2 && files.peak() <= 4, `${files.peak()} at a time`);
      assertEquals(new Set(files.ranges()).size, files.ranges().length);
    }
    // What claims to be endless has no end in a pipe either, but its connection has.
    if (server.claims !== undefined) return;
    await using again = ranged({ body: BODY, ...server });
    const piped = await ferry(["request", "--segments", "4", "--retry", "20", ...flags, again.url + "/f"]);
    assertEquals([about, piped.code], [about, pipe?.code ?? code], piped.stderr);
    const got = piped.stdoutBytes;
    const expected = pipe?.prefix || code === 43 ? BODY.subarray(0, got.length) : body ?? new Uint8Array(0);
    assertEquals(await sha256(got), await sha256(expected), `${about}, to a pipe`);
  }));
});

Deno.test("request --segments takes one request for what is small or empty", async () => {
  for (const body of [new Uint8Array(0), pattern(1000)]) {
    using dir = tempDir({ f: body });
    await using server = await serve(dir.path);
    const run = await ferry(["request", "--segments", "8", "--json", "-o", dir.at("out"), server.url + "/f"]);
    assertEquals([run.code, run.stderr, Deno.readFileSync(dir.at("out"))], [0, "", body]);
    assertEquals(JSON.parse(run.stdout).bytes, body.length);
  }
  // nginx answers a range of what is empty with the whole.
  await using deaf = ranged({ body: new Uint8Array(0), deaf: true });
  const empty = await ferry(["request", "--segments", "8", deaf.url]);
  assertEquals([empty.code, empty.stdout, empty.stderr], [0, "", ""]);
});

/** What the part in `dir` says that it has, each byte of which is right. */
async function claimed(dir: string): Promise<[start: number, end: number][]> {
  const part = Deno.readFileSync(`${dir}/f.ferry-part`);
  const note = JSON.parse(Deno.readTextFileSync(`${dir}/f.ferry-part.json`));
  const ranges = (note.ranges ?? [[0, part.length]]) as [number, number][];
  const there = ranges.map(([start, end]): [number, number] => [start, Math.min(end, part.length)])
    .filter(([start, end]) => start < end);
  for (const [start, end] of there) {
    assertEquals(await sha256(part.subarray(start, end)), await sha256(BODY.subarray(start, end)));
  }
  return there;
}

/** Starts a download and kills it as soon as its note or the size of its part is another one. */
async function killEarly(args: string[], dir: string): Promise<void> {
  const state = () => {
    try {
      const note = Deno.readTextFileSync(`${dir}/f.ferry-part.json`);
      JSON.parse(note);
      return Deno.statSync(`${dir}/f.ferry-part`).size + note;
    } catch {
      // Not there, or being written.
      return "";
    }
  };
  const before = state();
  const command = ferryCommand([...args, "--limit-rate", "2M"]);
  const child = new Deno.Command(command.path, { args: command.args, stdout: "null", stderr: "null" })
    .spawn();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  while (!ended && (state() === before || state() === "")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (!ended) child.kill("SIGKILL");
  assertEquals((await status).signal, "SIGKILL");
}

Deno.test("request -C goes on with what killed downloads have left, in segments or not", async () => {
  await using files = ranged({ body: BODY, digest: await reprDigest(BODY) });
  const [many, one] = [["--segments", "4"], [] as string[]];
  for (const [first, second, last] of [[many, many, many], [one, many, one], [many, one, many]]) {
    using dir = tempDir();
    const args = (flags: string[]) => ["request", ...flags, "-C", "-o", dir.at("f"), files.url + "/f"];
    await killEarly(args(first), dir.path);
    await claimed(dir.path);
    await killEarly(args(second), dir.path);
    const ranges = await claimed(dir.path);
    const there = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
    assert(there > 0 && there < SIZE);
    const run = await ferry([...args(last), "--json"]);
    assertEquals([run.code, names(dir.path)], [0, ["f"]], run.stderr);
    assertEquals(await sha256(Deno.readFileSync(dir.at("f"))), await sha256(BODY));
    const { resumed, bytes } = JSON.parse(run.stdout);
    assertEquals(resumed, true);
    assert(bytes <= SIZE - (last === many ? there : ranges[0][1]), `${bytes} came again`);
    // And once it is whole there is nothing to do.
    const before = files.sent();
    assertEquals((await ferry(args(last))).code, 0);
    assert(files.sent() - before < 64 * 1024, `${files.sent() - before} bytes for nothing`);
  }
});

Deno.test("request --segments fetches in one stream what is refused in ranges later on", async () => {
  await using files = ranged({ body: BODY, refuses: 2_000_000 });
  using dir = tempDir();
  const run = await ferry(["request", "--segments", "4", "-o", dir.at("f"), files.url + "/f"]);
  assertEquals([run.code, names(dir.path)], [0, ["f"]], run.stderr);
  assertStringIncludes(run.stderr, "fetching it in one stream");
  assertEquals(await sha256(Deno.readFileSync(dir.at("f"))), await sha256(BODY));
});

Deno.test("request --segments keeps its part when it is stopped, and starts over when the file has changed since", async () => {
  let version = 1;
  const options = { body: BODY, etag: () => `"v${version}"`, bodyAt: () => version === 1 ? BODY : CHANGED };
  await using files = ranged(options);
  using dir = tempDir();
  const args = ["request", "--segments", "3", "-C", "-o", dir.at("f"), files.url + "/f"];
  const cut = await ferry([...args, "--limit-rate", "1M", "--timeout", "1500ms"]);
  assertEquals([cut.code, names(dir.path)], [28, ["f.ferry-part", "f.ferry-part.json"]], cut.stderr);
  assertStringIncludes(cut.stderr, "bytes are kept in");
  version = 2;
  const run = await ferry(args);
  assertEquals([run.code, names(dir.path)], [0, ["f"]], run.stderr);
  assertStringIncludes(run.stderr, "changed since the last run; starting over");
  assertEquals(await sha256(Deno.readFileSync(dir.at("f"))), await sha256(CHANGED));
});

Deno.test("request --segments fetches with --if-newer what is newer, and nothing else", async () => {
  using dir = tempDir({ f: BODY, old: "old", new: "new" });
  await using server = await serve(dir.path);
  const day = 86_400_000;
  Deno.utimeSync(dir.at("f"), new Date(Date.now() - 2 * day), new Date(Date.now() - 2 * day));
  Deno.utimeSync(dir.at("old"), new Date(Date.now() - 3 * day), new Date(Date.now() - 3 * day));
  for (const [name, bytes] of [["old", BODY], ["new", new TextEncoder().encode("new")]] as const) {
    const path = dir.at(name);
    const run = await ferry([
      "request",
      "--segments",
      "4",
      "--if-newer",
      path,
      "-o",
      path,
      server.url + "/f",
    ]);
    assertEquals([name, run.code, run.stderr], [name, 0, ""]);
    assertEquals(await sha256(Deno.readFileSync(path)), await sha256(bytes));
  }
});

Deno.test("request --segments ends with 23 on a disk that is full or becomes it, and goes on when there is room", async () => {
  using dir = tempDir({ "mnt": null });
  using mount = mountTmpfs(dir.at("mnt"), "size=10m,mode=755");
  if (mount === null) return;
  const taken = dir.at("mnt/taken");
  const fill = (bytes: number) => Deno.writeFileSync(taken, new Uint8Array(bytes));
  const before = (index: number) => {
    if (index === 2) fill(7_000_000);
    return Promise.resolve();
  };
  await using files = ranged({ body: BODY, before });
  const args = ["request", "--segments", "3", "-C", "--json", "-o", dir.at("mnt/f"), files.url + "/f"];
  fill(8_000_000);
  const first = await ferry(args);
  assertEquals([first.code, names(dir.at("mnt"))], [23, ["taken"]], first.stderr);
  assertStringIncludes(first.stderr, "6000000 bytes are to come, and ");
  Deno.removeSync(taken);
  const full = await ferry(args);
  assertEquals(
    [full.code, names(dir.at("mnt"))],
    [23, ["f.ferry-part", "f.ferry-part.json", "taken"]],
    full.stderr,
  );
  assertStringIncludes(full.stderr, "--continue goes on from there");
  Deno.removeSync(taken);
  const again = await ferry(args);
  assertEquals([again.code, JSON.parse(again.stdout).resumed], [0, true], again.stderr);
  assertEquals(await sha256(Deno.readFileSync(dir.at("mnt/f"))), await sha256(BODY));
});

Deno.test("request --segments into a pipe or a device ends with what becomes of it at the very end, too", async () => {
  using dir = tempDir({ "mnt": null });
  await using files = ranged({ body: BODY });
  const url = files.url + "/f";
  // Every byte has come when nobody takes the last of them.
  const { path, args } = ferryCommand(["request", "--segments", "4", "--timeout", "1s", url]);
  const unread = new Deno.Command(path, { args, env: ENV, stdout: "piped", stderr: "null" }).spawn();
  const killed = setTimeout(() => unread.kill("SIGKILL"), 10_000);
  assertEquals((await unread.status).code, 28);
  clearTimeout(killed);
  await unread.stdout.cancel();

  // The end of a pipe is told to its reader before the next URL is asked for.
  new Deno.Command("mkfifo", { args: [dir.at("pipe")] }).outputSync();
  const read = new Deno.Command("cat", { args: [dir.at("pipe")] }).output();
  const before = () => read.then(() => undefined);
  await using second = ranged({ body: BODY.subarray(0, 5), before });
  const flags = ["--segments", "2", "--timeout", "10s", "-o", dir.at("pipe"), "-o", dir.at("f")];
  const run = await ferry(["request", ...flags, url, second.url + "/g"]);
  assertEquals([run.code, run.stderr], [0, ""]);
  assertEquals(await sha256((await read).stdout), await sha256(BODY));

  using mount = mountTmpfs(dir.at("mnt"), "size=5m,mode=755");
  if (mount === null) return;
  const all = [ferryCommand([]).path, ...ferryCommand(["request", "--segments", "4", url]).args];
  const script = 'out=$0; "$@" > "$out"';
  const full = await new Deno.Command("bash", { args: ["-c", script, dir.at("mnt/f"), ...all], env: ENV })
    .output();
  const stderr = new TextDecoder().decode(full.stderr);
  assertEquals(full.code, 23, stderr);
  assertStringIncludes(stderr, "cannot write standard output: no space left on device");
});

Deno.test("request --segments holds all its connections to --limit-rate together", async () => {
  await using files = ranged({ body: BODY });
  using dir = tempDir();
  const run = await ferry([
    "request",
    "--json",
    "--segments",
    "6",
    "--limit-rate",
    "4M",
    "-o",
    dir.at("f"),
    files.url + "/f",
  ]);
  assertEquals(run.code, 0, run.stderr);
  // Six megabytes at four a second, less what a quarter of a second lets through at once.
  assert(JSON.parse(run.stdout).ms >= 900, run.stdout);
});

Deno.test("request --segments goes on with fewer connections to an nginx that wants that", {
  ignore: !installed("nginx"),
}, async () => {
  using dir = tempDir({ f: BODY });
  using scratch = tempDir();
  await using server = await nginxServer(dir.path, scratch.path);
  const run = await ferry(["request", "--segments", "6", "-o", scratch.at("out"), `${server.url}few/f`]);
  assertEquals(run.code, 0, run.stderr);
  assertStringIncludes(run.stderr, "answers 503 to more connections: going on with fewer");
  assertEquals(await sha256(Deno.readFileSync(scratch.at("out"))), await sha256(BODY));
});

Deno.test("request --segments refuses what it does not go with", async () => {
  using dir = tempDir({ f: "x" });
  const url = "http://127.0.0.1:1/f";
  const cases: [args: string[], code: number, says: string][] = [
    [["--segments", "0", url], 2, "--segments"],
    [["--segments", "65", url], 2, "--segments"],
    [["--segments", "2", "-r", "0-5", url], 2, "--segments and --range cannot go together"],
    [["--segments", "2", "-i", url], 2, "--segments and --show-headers cannot go together"],
    [["--segments", "2", "-T", dir.at("f"), url], 2, "--segments goes with GET, not with PUT"],
    [["--mirror", url, url, url + "2"], 2, "--mirror is of one URL"],
    [["--mirror", "ftp://h/x", url], 3, "ftp"],
  ];
  await Promise.all(cases.map(async ([args, code, says]) => {
    const run = await ferry(["request", ...args]);
    assertEquals([args, run.code], [args, code], run.stderr);
    assertStringIncludes(run.stderr, says);
  }));
});

type Start = (dir: TempDir, scratch: TempDir) => Promise<ListingServer>;

/** Servers that people have, where their files are, and whether they serve ranges that can be told apart. */
const SERVERS: [program: string, files: string, status: number, start: Start][] = [
  ["nginx", "json/", 206, (dir, scratch) => nginxServer(dir.path, scratch.path)],
  ["caddy", "", 206, (dir, scratch) => caddyServer(dir.path, scratch.path)],
  ["apache2", "plain/", 206, (dir, scratch) => apacheServer(dir.path, scratch.path)],
  ["rclone", "", 206, (dir) => rcloneServer("http", dir.path)],
  ["python3", "", 200, (dir) => pythonServer(dir.path)],
];

for (const [program, files, status, start] of SERVERS) {
  const ignore = !installed(program);
  Deno.test(
    `request --segments fetches from ${program}, into a file and into a pipe`,
    { ignore },
    async () => {
      using dir = tempDir({ f: BODY });
      using scratch = tempDir();
      const old = new Date(Date.now() - 86_400_000);
      Deno.utimeSync(dir.at("f"), old, old);
      await using server = await start(dir, scratch);
      const url = `${server.url}${files}f`;
      const out = scratch.at("out");
      const run = await ferry(["request", "--json", "--segments", "5", "-o", out, url]);
      assertEquals(run.code, 0, run.stderr);
      assertEquals(await sha256(Deno.readFileSync(out)), await sha256(BODY));
      const outcome = JSON.parse(run.stdout);
      assertEquals([outcome.status, outcome.bytes], [status, SIZE]);
      assertEquals(run.stderr.includes("fetching it in one stream"), status === 200, run.stderr);
      const piped = await ferry(["request", "--segments", "5", url]);
      assertEquals([piped.code, await sha256(piped.stdoutBytes)], [0, await sha256(BODY)], piped.stderr);
    },
  );
}
