/** All suites of litmus, the test suite for WebDAV servers, against the program as it is started. */
import { assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

const SUITES = ["basic", "copymove", "props", "locks", "http"];

/** Deno before 2.9, of which the binary may be made, takes what follows a # off before Ferry sees a target. */
const OF_THE_RUNTIME =
  "WARNING: DELETE removed collection resource with Request-URI including fragment; unsafe";

Deno.test({
  name: "serve passes every suite of litmus without a failure or a warning",
  ignore: !installed("litmus"),
  async fn() {
    using dir = tempDir();
    using work = tempDir();
    await using server = await serve(dir.path, ["--writable", "--log", "none"]);
    const output = await new Deno.Command("litmus", {
      args: ["-k", `${server.url}/`],
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
    const error = await fetch(`${server.url}/none`);
    await error.body?.cancel();
    // It also adds this to every Vary.
    const old = error.headers.get("vary")?.includes("Accept-Encoding");
    assertEquals(remarks.filter((line) => !(old && line === OF_THE_RUNTIME)), []);
    assertEquals(output.code, 0, text);
  },
});
