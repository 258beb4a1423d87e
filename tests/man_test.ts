/** `ferry man`: pages that groff takes without a complaint, with all that --help says. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { installed } from "./programs.ts";
import { ferry } from "./harness.ts";

const PAGES = [[], ["serve"], ["request"], ["sync"], ["token"], ["token", "create"], ["completions"]];

Deno.test({
  name: "manual pages are right roff and have every flag of --help",
  ignore: !installed("groff"),
  fn: async () => {
    for (const path of PAGES) {
      const page = await ferry(["man", ...path]);
      assertEquals([page.code, page.stderr], [0, ""]);
      const shown = await groff(page.stdout);
      const help = (await ferry([...path, "--help"])).stdout;
      for (const [flag] of help.matchAll(/^ {2}(?:-., | {4})--\S+/gm)) {
        assertStringIncludes(shown, flag.trim(), path.join(" "));
      }
      for (const [, example] of help.matchAll(/^Examples:\n {2}(.*)/gm)) assertStringIncludes(shown, example);
    }
  },
});

/** `page` as a terminal shows it; every warning of groff is a failure. */
async function groff(page: string): Promise<string> {
  const child = new Deno.Command("groff", {
    args: ["-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=400n"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const writing = writer.write(new TextEncoder().encode(page)).then(() => writer.close());
  const { stdout, stderr } = await child.output();
  await writing;
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

Deno.test("a manual page of what is no command", async () => {
  const run = await ferry(["man", "snyc"]);
  assertEquals([run.code, run.stderr], [
    2,
    "ferry: unknown command snyc; did you mean sync? See ferry --help\n",
  ]);
  assertEquals((await ferry(["man", "sync", "now"])).code, 2);
});
