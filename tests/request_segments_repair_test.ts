import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, sha256, tempDir } from "./harness.ts";
import { pattern, ranged, reprDigest } from "./range_server.ts";

const SIZE = 6_000_000;
const BODY = pattern(SIZE);

/** A download in segments of `url` that goes on with a part in which a byte was damaged. */
async function goOnWithDamage(url: string) {
  using dir = tempDir();
  const args = ["request", "--json", "--segments", "3", "-C", "-o", dir.at("f"), url];
  const cut = await ferry([...args, "--limit-rate", "2M", "--timeout", "700ms"]);
  assertEquals(cut.code, 28, cut.stderr);
  const { ranges } = JSON.parse(Deno.readTextFileSync(dir.at("f.ferry-part.json")));
  const part = Deno.readFileSync(dir.at("f.ferry-part"));
  part[ranges[0][1] - 1] ^= 1;
  Deno.writeFileSync(dir.at("f.ferry-part"), part);
  const run = await ferry(args);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["f"], run.stderr);
  return { ...run, sha256: await sha256(Deno.readFileSync(dir.at("f"))), outcome: JSON.parse(run.stdout) };
}

Deno.test("request -C --segments mends a damaged part of a file of a ferry serve by ranges", async () => {
  using dir = tempDir({ f: BODY });
  await using server = await serve(dir.path);
  const run = await goOnWithDamage(server.url + "/f");
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  assertStringIncludes(run.stderr, "repaired");
  const { repaired, bytes, resumed } = run.outcome;
  assert(resumed && repaired > 0 && repaired < 200_000 && bytes < SIZE, run.stdout);
});

Deno.test("request -C --segments starts over with a damaged part that cannot be mended", async () => {
  await using server = ranged({ body: BODY, digest: await reprDigest(BODY) });
  const run = await goOnWithDamage(server.url + "/f");
  assertEquals([run.code, run.sha256], [0, await sha256(BODY)], run.stderr);
  assertStringIncludes(run.stderr, "starting over");
  assert(run.outcome.resumed === undefined && run.outcome.bytes > SIZE, run.stdout);
});
