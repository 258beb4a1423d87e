/** The examples for scripts in README.md do what is said of them, as they stand there. */
import { assertEquals, assertMatch } from "@std/assert";
import { ENV, ferryCommand, serve, sha256, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

const README = Deno.readTextFileSync(new URL("../README.md", import.meta.url));

/** What stands for the server there. */
const SERVER = "http://127.0.0.1:8420";

/** The commands of the section "For scripts", each as one text. */
function examples(): string[] {
  const section = README.split("\n### For scripts\n")[1].split("\n## ")[0];
  const block = section.split("```sh\n")[1].split("\n```")[0];
  const lines = block.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const commands: string[] = [];
  let open = false;
  for (const line of lines) {
    if (open) commands[commands.length - 1] += "\n" + line;
    else commands.push(line);
    open = /[|\\]$/.test(line);
  }
  return commands;
}

Deno.test("the examples for scripts do what README.md says", async () => {
  if (!installed("jq")) return;
  const image = new Uint8Array(3 << 20).map((_, index) => index % 251);
  const digest = await sha256(image);
  using shared = tempDir({
    "release.json": '{"version":"1.4"}',
    "src/lib/a.txt": "a source\n",
    "disk.img": image,
    "page.html": "<p>page</p>\n",
    "logs/one.log": "one\n",
    "logs/two.log": "two\n",
    "logs/huge.log": new Uint8Array(1_000_000),
    "a": "first\n",
    "b": "last\n",
  });
  using dir = tempDir({
    "build": null,
    "bin": null,
    "src/own.txt": "mine\n",
    "disk.img.sha256": `${digest}  disk.img\n`,
  });
  await using server = await serve(shared.path, ["--writable"]);
  Deno.writeTextFileSync(dir.at("urls.txt"), `${server.url}/a\n${server.url}/none\n${server.url}/b\n`);
  const { path, args } = ferryCommand([]);
  const words = [path, ...args].map((word) => `'${word}'`).join(" ");
  Deno.writeTextFileSync(dir.at("bin/ferry"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  const env = { ...ENV, PATH: `${dir.at("bin")}:${Deno.env.get("PATH")}` };
  const read = (name: string) => Deno.readTextFileSync(dir.at(name));
  /** What each prints, in their order, and what there is afterwards. */
  const expected: [begins: string, stdout: string, after?: () => void][] = [
    ["ferry request http://127.0.0.1:8420/release.json", "1.4\n"],
    [
      "ferry request 'http://127.0.0.1:8420/src/?archive",
      "",
      () => assertEquals(read("build/src/lib/a.txt"), "a source\n"),
    ],
    ["ferry request http://127.0.0.1:8420/disk.img |", `${digest}  -\n`],
    [
      "ferry request -O --checksum",
      "",
      () => assertEquals(Deno.statSync(dir.at("disk.img")).size, image.length),
    ],
    ["ferry request -o page.html -w", "200 12 text/html; charset=UTF-8\n"],
    ["ferry request -o page.html --etag-save", "200\n", () => assertMatch(read("page.etag"), /^".+"\n$/)],
    [
      "ferry request 'http://127.0.0.1:8420/logs/",
      "",
      () => {
        const names = [...Deno.readDirSync(dir.at("logs"))].map(({ name }) => name).sort();
        assertEquals([names, read("logs/one.log")], [["one.log", "two.log"], "one\n"]);
      },
    ],
    [
      "ferry request -q --json --input",
      `22 ${server.url}/none\n`,
      () => assertEquals(read("pages/b"), "last\n"),
    ],
    ["ferry request -q --fail-early", "first\nfailed with 22\n"],
    ["tar cz src |", "201\n", () => assertEquals(Deno.statSync(shared.at("backup/src.tgz")).isFile, true)],
    [
      "ferry request PUT --data-json",
      "",
      () => assertEquals(Deno.readTextFileSync(shared.at("release.json")), '{"version":"2.0"}'),
    ],
  ];
  const run = async (command: string) => {
    const shell = new Deno.Command("bash", {
      args: ["-uc", command.replaceAll(SERVER, server.url)],
      cwd: dir.path,
      env,
      stdin: "null",
    });
    const { stdout, stderr } = await shell.output();
    return [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
  };
  const commands = examples();
  assertEquals(commands.length, expected.length);
  for (const [index, command] of commands.entries()) {
    const [begins, wanted, after] = expected[index];
    assertEquals(command.slice(0, begins.length), begins);
    const [stdout, stderr] = await run(command);
    assertEquals([command, stdout], [command, wanted], stderr);
    after?.();
    if (begins.includes("--etag-save")) assertEquals((await run(command))[0], "304\n");
  }
});
