import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, sha256, tempDir } from "./harness.ts";
import { hostile, silence } from "./hostile_server.ts";
import { pattern, ranged, type RangedOptions, reprDigest } from "./range_server.ts";

const SIZE = 6_000_000;
const BODY = pattern(SIZE);
const OTHER = pattern(SIZE, 2);

/** Downloads from `first` and `mirrors` into a file; `code` and what is there afterwards. */
async function fetchFrom(first: string, mirrors: readonly string[], flags: readonly string[] = []) {
  using dir = tempDir();
  const given = mirrors.flatMap((mirror) => ["--mirror", mirror]);
  const run = await ferry(["request", "--json", ...given, ...flags, "-o", dir.at("f"), first]);
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  return { ...run, names, sha256: names.includes("f") ? await sha256(Deno.readFileSync(dir.at("f"))) : null };
}

/** A server that sends its first piece, and the rest once `other` was asked for a range: nobody does it all alone. */
function waiting(options: RangedOptions, other: () => boolean) {
  const before = async (index: number) => {
    for (let waited = 0; index > 0 && !other() && waited < 500; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return ranged({ ...options, before });
}

Deno.test("request --mirror takes parts from servers that have the same, and leaves the others out", async () => {
  const digest = await reprDigest(BODY);
  await using mirror = ranged({ body: BODY, digest, etag: () => '"its own"' });
  await using first = waiting({ body: BODY, digest }, () => mirror.ranges().length > 0);
  await using silent = ranged({ body: BODY });
  await using other = ranged({ body: OTHER, digest: await reprDigest(OTHER) });
  await using shorter = ranged({ body: BODY.subarray(1), digest });
  await using blind = ranged({ body: BODY, digest, deaf: true });
  const headers = ["-H", "Authorization: Bearer secret", "-H", "X-Mine: 1", "-H", "Private-Token: secret"];
  const run = await fetchFrom(
    first.url + "/f",
    [mirror, silent, other, shorter, blind].map(({ url }) => url + "/f"),
    ["--segments", "6", ...headers],
  );
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  const left = (server: { port: number }, why: string) =>
    assertStringIncludes(run.stderr, `127.0.0.1:${server.port} is left out: ${why}`);
  left(silent, "no digest shows that its file is the same");
  left(other, "its file has another digest");
  left(shorter, "its file has 5999999 bytes, the first one 6000000");
  assert(first.sent() > 0 && mirror.sent() > 0);
  for (const server of [silent, other, shorter]) assertEquals(server.ranges(), []);
  // What is for the first server alone does not go to others.
  assertEquals(first.visits[0].headers.get("authorization"), "Bearer secret");
  assertEquals(mirror.visits[0].headers.get("authorization"), null);
  assertEquals(mirror.visits[0].headers.get("private-token"), null);
  assertEquals(mirror.visits[0].headers.get("x-mine"), "1");
});

Deno.test("request --mirror goes on with the others when one fails, the first one too", async () => {
  const digest = await reprDigest(BODY);
  await using broken = ranged({ body: BODY, digest, before: () => Promise.resolve("404 Not Found") });
  await using first = waiting({ body: BODY, digest }, () => broken.ranges().length > 0);
  const run = await fetchFrom(first.url + "/f", [broken.url + "/f"], ["--segments", "4"]);
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  assertStringIncludes(run.stderr, `127.0.0.1:${broken.port} is left out: `);
  const gone = await fetchFrom("http://127.0.0.1:1/f", [first.url + "/f"]);
  assertEquals([gone.code, gone.sha256], [0, await sha256(BODY)], gone.stderr);
  assertStringIncludes(gone.stderr, "127.0.0.1:1 is left out: no connection");
  const none = await fetchFrom("http://127.0.0.1:1/f", ["http://127.0.0.1:1/g"], ["--retry", "0"]);
  assertEquals([none.code, none.names], [7, []], none.stderr);
});

Deno.test("request --mirror waits for no server that is silent or slow, and comes over breaks", async () => {
  const digest = await reprDigest(BODY);
  await using silent = hostile(() => silence());
  await using slow = ranged({ body: BODY, digest, drip: 50 });
  await using broken = ranged({ body: BODY, digest, cut: 300_000 });
  const seen = () => slow.ranges().length > 0 && broken.ranges().length > 0;
  await using first = waiting({ body: BODY, digest }, seen);
  const run = await fetchFrom(
    first.url + "/f",
    [silent, slow, broken].map(({ url }) => url + "/f"),
    ["--timeout", "25s", "--retry", "50"],
  );
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  // At 20 KB/s half a megabyte would not have come in time.
  assert(slow.sent() > 0 && slow.sent() < 512 * 1024 && broken.sent() > 0, `${slow.sent()}`);
});

Deno.test("request --mirror goes into a pipe", async () => {
  const digest = await reprDigest(BODY);
  await using mirror = ranged({ body: BODY, digest });
  await using first = waiting({ body: BODY, digest }, () => mirror.ranges().length > 0);
  const args = ["request", "--segments", "4", "--mirror", mirror.url + "/f", first.url + "/f"];
  const run = await ferry(args);
  assertEquals([run.code, run.stderr], [0, ""]);
  assertEquals(await sha256(run.stdoutBytes), await sha256(BODY));
  assert(first.sent() > 0 && mirror.sent() > 0);
  // What has gone out cannot be mended: so nobody is asked on whom a digest of his own does not vouch.
  await using silent = ranged({ body: BODY });
  const checksum = ["--checksum", `sha256:${await sha256(BODY)}`];
  const demanded = await ferry(["request", ...checksum, "--mirror", silent.url + "/f", first.url + "/f"]);
  assertEquals([demanded.code, silent.ranges()], [0, []], demanded.stderr);
  assertStringIncludes(demanded.stderr, "is left out: no digest shows that its file is the same");
});

Deno.test("request --mirror mends what a mirror has spoilt that claims the right digest", async () => {
  const digest = await reprDigest(BODY);
  const wrong = BODY.slice();
  for (let at = 0; at < SIZE; at += 500_000) wrong[at] ^= 1;
  await using liar = ranged({ body: wrong, digest });
  const asked = () => liar.ranges().length > 0;
  // From a server of ranges alone all comes anew that the liar has brought.
  await using first = waiting({ body: BODY, digest }, asked);
  const anew = await fetchFrom(first.url + "/f", [liar.url + "/f"]);
  assertEquals([anew.code, anew.sha256], [0, await sha256(BODY)], anew.stderr);
  assertStringIncludes(anew.stderr, `127.0.0.1:${liar.port} sent wrong bytes (the first is byte `);
  assertStringIncludes(anew.stderr, "fetched anew from 127.0.0.1:");
  // A ferry serve tells which chunks are wrong.
  using dir = tempDir({ f: BODY });
  await using server = await serve(dir.path);
  const mended = await fetchFrom(server.url + "/f", [liar.url + "/f"], ["--limit-rate", "6M"]);
  assertEquals([mended.code, mended.sha256], [0, await sha256(BODY)], mended.stderr);
  assertStringIncludes(mended.stderr, `127.0.0.1:${liar.port} sent wrong bytes (the first is byte `);
  const { repaired } = JSON.parse(mended.stdout);
  assert(repaired > 0 && repaired < 1_000_000, mended.stdout);
});

Deno.test("request --mirror with --checksum needs no digests, and names who sent wrong bytes", async () => {
  const checksum = `sha256:${await sha256(BODY)}`;
  await using honest = ranged({ body: BODY });
  const seen = () => honest.ranges().length > 0 && liar.ranges().length > 0;
  const wrong = BODY.slice();
  wrong.fill(7, 1_000_000);
  await using liar = ranged({ body: wrong });
  await using first = waiting({ body: BODY }, seen);
  const run = await fetchFrom(first.url + "/f", [honest.url + "/f", liar.url + "/f"], [
    "--checksum",
    checksum,
    "--segments",
    "6",
  ]);
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  assertStringIncludes(run.stderr, `127.0.0.1:${liar.port} sent wrong bytes`);
  assert(!run.stderr.includes(`127.0.0.1:${honest.port} sent`), run.stderr);
  // When it is the first one that has something else, nobody can tell what is right.
  await using bad = waiting({ body: wrong }, () => honest.ranges().length > 0);
  const failed = await fetchFrom(bad.url + "/f", [honest.url + "/f"], ["--checksum", checksum]);
  assertEquals([failed.code, failed.names], [43, []], failed.stderr);
});

Deno.test("request --mirror takes servers of Ferry by the digests that they tell", async () => {
  using one = tempDir({ f: BODY });
  using two = tempDir({ f: BODY });
  using three = tempDir({ f: OTHER });
  await using first = await serve(one.path);
  await using mirror = await serve(two.path);
  await using other = await serve(three.path);
  const run = await fetchFrom(first.url + "/f", [mirror.url + "/f", other.url + "/f"], [
    "--limit-rate",
    "6M",
  ]);
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  assertStringIncludes(run.stderr, `127.0.0.1:${other.port} is left out: its file has another digest`);
  assert(!run.stderr.includes(`127.0.0.1:${mirror.port}`), run.stderr);
});

Deno.test("request -C goes on with what is a mirror's only with the --checksum that vouches for that", async () => {
  const wrong = BODY.slice();
  for (let at = 0; at < SIZE; at += 10_000) wrong[at] ^= 1;
  await using liar = ranged({ body: wrong });
  await using first = waiting({ body: BODY }, () => liar.sent() > 1_000_000);
  using dir = tempDir();
  const args = ["request", "-C", "-o", dir.at("f"), first.url + "/f"];
  const checksum = ["--checksum", `sha256:${await sha256(BODY)}`];
  const mirrored = [...args, ...checksum, "--mirror", liar.url + "/f"];
  const cut = await ferry([...mirrored, "--limit-rate", "2M", "--timeout", "1500ms"]);
  assertEquals(cut.code, 28, cut.stderr);
  const [part, note] = ["f.ferry-part", "f.ferry-part.json"].map((name) => Deno.readFileSync(dir.at(name)));
  for (
    const [flags, says] of [[[], "only the --checksum of then"], [
      [...checksum, "--segments", "2"],
      "starting over",
    ]] as const
  ) {
    Deno.writeFileSync(dir.at("f.ferry-part"), part);
    Deno.writeFileSync(dir.at("f.ferry-part.json"), note);
    const run = await ferry([...args, ...flags]);
    assertEquals(
      [run.code, await sha256(Deno.readFileSync(dir.at("f")))],
      [0, await sha256(BODY)],
      run.stderr,
    );
    assertStringIncludes(run.stderr, says);
    Deno.removeSync(dir.at("f"));
  }
});
