/** `ferry request --fail-early`: the first failure ends the call. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile, silence } from "./hostile_server.ts";

Deno.test("request --fail-early asks for nothing more after the first failure, and ends with its status", async () => {
  await using server = hostile((visit) =>
    visit.answer(visit.target.startsWith("/4") ? `${visit.target.slice(1)} No` : "200 OK", "x")
  );
  const urls = ["/200", "/404", "/403", "/200"].map((path) => server.url + path);
  const early = await ferry(["request", "--fail-early", "--json", ...urls]);
  assertEquals([early.code, early.stdout, server.visits.length], [22, "x", 2], early.stderr);
  const lines = early.stderr.split("\n").filter((line) => line.startsWith("{")).map((line) =>
    JSON.parse(line)
  );
  assertEquals(lines.map(({ status }) => status), [200, 404]);
  server.visits.length = 0;
  // Without it the others are asked for too, and the worst decides.
  assertEquals((await ferry(["request", ...urls])).code, 67);
  assertEquals(server.visits.length, 4);
});

Deno.test("request --fail-early stops what is under way, and keeps its part", async () => {
  const size = 4 << 20;
  using dir = tempDir();
  const sizeOf = (name: string) => {
    try {
      return Deno.statSync(dir.at(name)).size;
    } catch {
      return 0;
    }
  };
  await using server = hostile(async (visit) => {
    if (visit.target !== "/slow") {
      while (sizeOf("slow.ferry-part") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return await visit.answer("404 Not Found");
    }
    await visit.head("HTTP/1.1 200 OK", `Content-Length: ${size}`, 'ETag: "e"');
    await visit.send(new Uint8Array(size / 2));
    await silence();
  });
  const args = ["--fail-early", "--parallel", "2", "--output-dir", dir.path];
  const run = await ferry(["request", ...args, server.url + "/slow", server.url + "/none"]);
  assertEquals(run.code, 22, run.stderr);
  assertStringIncludes(run.stderr, "--continue goes on from there");
  const kept = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assertEquals(kept, ["slow.ferry-part", "slow.ferry-part.json"]);
});

Deno.test("request --fail-early stops among many small files, and leaves whole ones alone", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `f${index}`);
  using shared = tempDir(
    Object.fromEntries(names.filter((name) => name !== "f40").map((name) => [name, name])),
  );
  using dir = tempDir();
  await using server = await serve(shared.path);
  const input = names.map((name) => `${server.url}/${name}`).join("\n");
  const args = ["--fail-early", "--input", "-", "--output-dir", dir.path];
  const run = await ferry(["request", ...args], { stdin: input });
  assertEquals(run.code, 22, run.stderr);
  assertStringIncludes(run.stderr, "f40: 404");
  const got = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  assert(!got.includes("f40"));
  // Whole files, and no parts of those that were on their way.
  for (const name of got) assertEquals(Deno.readTextFileSync(dir.at(name)), name);
});
