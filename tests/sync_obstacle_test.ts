/** What comes into the destination of a first copy while that goes on: it stays, and nothing is claimed in its place. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferryCommand, serve, tempDir } from "./harness.ts";
import { paths } from "./sync_fixtures.ts";

const MANY = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`src/d/sub/${i}`, "x".repeat(20_000)]));

/** Whether something is in the stage: from then on it is a first copy, which is shown at its end. */
function isBegun(root: string): boolean {
  try {
    return paths(root).some((path) => /^\.ferry\/stage\/[^/]+\/./.test(path));
  } catch {
    // It comes and goes while one looks.
    return false;
  }
}

for (const way of ["copy", "push"]) {
  Deno.test(`a first ${way} counts nothing that an obstacle kept from its place`, async () => {
    using dir = tempDir({ ...MANY, "src/free": "f", "dst": null });
    await using server = way === "push" ? await serve(dir.at("dst"), ["--writable"]) : undefined;
    const command = ferryCommand([
      "sync",
      "--json",
      "--bwlimit",
      "400K",
      dir.at("src"),
      server?.url ?? dir.at("dst"),
    ]);
    const child = new Deno.Command(command.path, {
      args: command.args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: ENV,
    }).spawn();
    const output = child.output();
    let over = false;
    output.then(() => over = true);
    while (!over && !isBegun(dir.at("dst"))) await new Promise((resolve) => setTimeout(resolve, 5));
    Deno.writeTextFileSync(dir.at("dst/d"), "precious");
    const [out, stderr] = [(await output).stdout, (await output).stderr].map((b) =>
      new TextDecoder().decode(b)
    );
    const events = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    const problems = events.filter(({ event }) => event === "problem");
    assertEquals((await output).code, 1, stderr);
    assertEquals(problems.map(({ path, code }) => `${code} ${path}`), ["conflict d"]);
    assertStringIncludes(problems[0].message, "was not placed");
    const { ok, created, bytes_content } = events.at(-1);
    assertEquals([ok, created, bytes_content], [false, 1, 1]);
    assertEquals(Deno.readTextFileSync(dir.at("dst/d")), "precious");
    assertEquals(Deno.readTextFileSync(dir.at("dst/free")), "f");
  });
}
