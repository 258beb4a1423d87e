/** `--config FILE` of request and sync: flags from a file, those of the command line over them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";

Deno.test("request and sync take flags from the file that --config names", async (t) => {
  using dir = await tempDir({ "share/a.txt": "one\n", "share/b.log": "two\n" });
  await using server = await serve(dir.path + "/share");
  const write = (name: string, text: string, mode = 0o600) =>
    Deno.writeTextFileSync(`${dir.path}/${name}`, text, { mode });

  await t.step("of request, paths starting from the folder of the file", async () => {
    write("r.jsonc", '{\n  // beside this file\n  "output-dir": "got", "header": "Range: bytes=0-1",\n}\n');
    Deno.mkdirSync(`${dir.path}/got`);
    const done = await ferry(["request", "--config", `${dir.path}/r.jsonc`, `${server.url}/a.txt`]);
    assertEquals([done.code, done.stderr], [0, ""]);
    assertEquals(Deno.readTextFileSync(`${dir.path}/got/a.txt`), "on");
  });

  await t.step("the command line wins, and lists add up", async () => {
    write("l.json", '{"json": true, "header": ["Range: bytes=1-"], "output-dir": "nowhere"}');
    const run = await ferry(
      [
        "request",
        "--config",
        "l.json",
        "--output-dir",
        ".",
        "-H",
        'If-Range: "other"',
        `${server.url}/a.txt`,
      ],
      { cwd: dir.path },
    );
    assertEquals([run.code, Deno.readTextFileSync(`${dir.path}/a.txt`)], [0, "one\n"]);
    assertEquals(JSON.parse(run.stdout).status, 200);
  });

  await t.step("of sync", async () => {
    write("s.json", '{"exclude": ["*.log"], "progress": false}');
    const run = await ferry(["sync", "--config", "s.json", server.url, "copy"], { cwd: dir.path });
    assertEquals(run.code, 0, run.stderr);
    assertEquals([...Deno.readDirSync(`${dir.path}/copy`)].map((entry) => entry.name).sort(), [
      ".ferry",
      "a.txt",
    ]);
  });

  await t.step("every mistake is named with its place, and nothing is done", async () => {
    write("bad.json", '{"retires": 3,\n "retry": "many",\n "version": true, "timeout": "soon"}');
    const run = await ferry(["request", "--config", "bad.json", `${server.url}/a.txt`], { cwd: dir.path });
    assertEquals([run.code, run.stdout], [2, ""]);
    const lines = run.stderr.trimEnd().split("\n");
    assertEquals(lines.length, 5);
    assertStringIncludes(lines[1], 'bad.json:1:2: there is no key "retires" here; did you mean "retry"?');
    assertStringIncludes(lines[2], 'bad.json:2:11: "retry" must be a whole number from 0 to 1000');
    assertStringIncludes(lines[3], "bad.json:3:2: there is no key");
    assertStringIncludes(lines[4], '"timeout" must be a duration');
  });

  await t.step("a secret that others can read is refused", async () => {
    write("secret.json", '{"token": "s3cret"}', 0o644);
    const url = `${server.url}/a.txt`;
    const args = ["request", "--config", "secret.json", url];
    const refused = await ferry(args, { cwd: dir.path });
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.stderr, "chmod 600");
    assert(!refused.stderr.includes("s3cret"));
    Deno.chmodSync(`${dir.path}/secret.json`, 0o600);
    assertEquals((await ferry(args, { cwd: dir.path })).code, 67);
    const text = '{"header": ["Accept: */*", "Cookie: s3cret"], "mirror": "http://u:s3cret@h/"}';
    Deno.writeTextFileSync(`${dir.path}/header.json`, text, { mode: 0o644 });
    const { code, stderr } = await ferry(["request", "--config", "header.json", url], { cwd: dir.path });
    assertEquals([code, stderr.match(/"(header|mirror)" can be read/g)?.length], [2, 2]);
    assert(!stderr.includes("s3cret"));
  });

  await t.step("a file that is not there", async () => {
    const run = await ferry(["request", "--config", "none.json", `${server.url}/a.txt`], { cwd: dir.path });
    assertEquals([run.code, run.stderr], [
      2,
      "ferry: --config none.json: cannot be read: no such file or directory\n",
    ]);
  });
});
