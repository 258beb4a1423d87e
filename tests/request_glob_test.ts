import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

Deno.test("request takes ranges and sets in URLs for all that they stand for", async () => {
  await using server = hostile((visit) => visit.answer("200 OK", visit.target + "\n"));
  using dir = tempDir();
  const cases: [args: string[], targets: string[]][] = [
    [["/[8-11].txt"], ["/8.txt", "/9.txt", "/10.txt", "/11.txt"]],
    [["/{b,a}[01-02]"], ["/b01", "/b02", "/a01", "/a02"]],
    [["/[a-e:2]", "/plain"], ["/a", "/c", "/e", "/plain"]],
    [["--no-glob", "/?x[]=1&y={a}"], ["/?x[]=1&y={a}"]],
    [["/\\[1-2\\]"], ["/[1-2]"]],
  ];
  for (const [args, targets] of cases) {
    const run = await ferry(["request", ...args.map((arg) => arg.startsWith("/") ? server.url + arg : arg)]);
    assertEquals([run.code, run.stderr], [0, ""]);
    const seen = decodeURI(run.stdout).trimEnd().split("\n");
    assertEquals(
      seen,
      targets.map((target) => decodeURI(new URL("http://h" + target).href.slice("http://h".length))),
    );
  }
  const named = ["-o", dir.at("#2-#1.txt"), "-o", dir.at("one#1")];
  const run = await ferry(["request", ...named, `${server.url}/{x,y}/[1-2]`, `${server.url}/z`]);
  assertEquals([run.code, run.stderr], [0, ""]);
  assertEquals(
    [...Deno.readDirSync(dir.path)].map(({ name }) => [name, Deno.readTextFileSync(dir.at(name))]).sort(),
    [["1-x.txt", "/x/1\n"], ["1-y.txt", "/y/1\n"], ["2-x.txt", "/x/2\n"], ["2-y.txt", "/y/2\n"], [
      "one#1",
      "/z\n",
    ]],
  );
});

Deno.test("request takes an IPv6 address in brackets for what it is", async () => {
  const run = await ferry(["request", "--retry", "0", "http://[::1]:1/[1-2]"]);
  assertEquals(run.code, 7);
  assertStringIncludes(run.stderr, "http://[::1]:1/1");
  assertStringIncludes(run.stderr, "http://[::1]:1/2");
});

Deno.test("request refuses globs that make no sense before anything is fetched", async () => {
  using dir = tempDir();
  const cases: [args: string[], why: string][] = [
    [["http://127.0.0.1:9/[1-3"], "a ] is missing"],
    [["http://127.0.0.1:9/[3-1]"], "goes backwards"],
    [["http://127.0.0.1:9/[0-99999999]"], "more than 10000000 URLs"],
    [["http://127.0.0.1:9/{a,b"], "a } is missing"],
    [["-o", dir.at("one"), "http://127.0.0.1:9/[1-3]"], "put #1 into its name"],
    [["--checksum", "sha256:" + "0".repeat(64), "http://127.0.0.1:9/[1-3]"], "--checksum is of one URL"],
  ];
  await Promise.all(cases.map(async ([args, why]) => {
    const run = await ferry(["request", ...args]);
    assertEquals([args, run.code, run.stdout], [args, 2, ""]);
    assertStringIncludes(run.stderr, why);
    assertEquals(run.stderr.trim().split("\n").length, 1);
  }));
});
