/** What comes into the destination of a first copy while that goes on: it stays, and nothing is claimed in its place. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENV, ferryCommand, serve, tempDir } from "./harness.ts";

const MANY = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`src/d/sub/${i}`, "x".repeat(20_000)]));

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
    let out = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (out === "") Deno.writeTextFileSync(dir.at("dst/d"), "precious");
      out += text;
    }
    const stderr = await new Response(child.stderr).text();
    const events = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    const problems = events.filter(({ event }) => event === "problem");
    assertEquals((await child.status).code, 1, stderr);
    assertEquals(problems.map(({ path, code }) => `${code} ${path}`), ["conflict d"]);
    assertStringIncludes(problems[0].message, "was not placed");
    const { ok, created, bytes_content } = events.at(-1);
    assertEquals([ok, created, bytes_content], [false, 1, 1]);
    assertEquals(Deno.readTextFileSync(dir.at("dst/d")), "precious");
    assertEquals(Deno.readTextFileSync(dir.at("dst/free")), "f");
  });
}
