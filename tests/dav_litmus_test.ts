/** All suites of litmus, the test suite for WebDAV servers, against the program as it is started. */
import { assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

const SUITES = ["basic", "copymove", "props", "locks", "http"];

/** Deno before 2.9, of which the binary may be made, takes what follows a # off before Ferry sees a target. */
const OF_THE_RUNTIME =
  "WARNING: DELETE removed collection resource with Request-URI including fragment; unsafe";

const ignore = !installed("litmus");

Deno.test({
  name: "serve passes every suite of litmus without a failure or a warning",
  ignore,
  async fn() {
    using dir = tempDir();
    await using server = await serve(dir.path, ["--writable", "--log", "none"]);
    await passes(`${server.url}/`);
  },
});

Deno.test({
  name: "serve passes litmus in a share within another one, with several workers",
  ignore,
  async fn() {
    using dir = tempDir({ "outer/x": "x", "inner": null });
    const shares = [{ path: "/", folder: dir.at("outer") }, { path: "/a/dav", folder: dir.at("inner") }];
    Deno.writeTextFileSync(dir.at("ferry.jsonc"), JSON.stringify({ shares, anonymous: "rwd", workers: 4 }));
    await using server = await serve(null, ["--config", dir.at("ferry.jsonc"), "--log", "none"]);
    await passes(`${server.url}/a/dav/`);
  },
});

/** Runs all suites at `url`. */
async function passes(url: string): Promise<void> {
  using work = tempDir();
  const output = await new Deno.Command("litmus", {
    args: ["-k", url],
    cwd: work.path,
    env: { TESTS: SUITES.join(" ") },
  }).output();
  const text = new TextDecoder().decode(output.stdout).replaceAll("\r", "\n");
  const counts = [...text.matchAll(/summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed/g)];
  assertEquals(counts.map(([, suite]) => suite), SUITES, text);
  for (const [, suite, run, passed, failed] of counts) {
    assertEquals([suite, passed, failed], [suite, run, "0"], text);
  }
  const remarks = [...text.matchAll(/WARNING.*|FAIL.*|SKIPPED.*/g)].map(([line]) => line);
  const error = await fetch(`${url}none`);
  await error.body?.cancel();
  // It also adds this to every Vary.
  const old = error.headers.get("vary")?.includes("Accept-Encoding");
  assertEquals(remarks.filter((line) => !(old && line === OF_THE_RUNTIME)), []);
  assertEquals(output.code, 0, text);
}
