import { assert, assertEquals } from "@std/assert";
import { ENV, ferryCommand, serve, tempDir } from "./harness.ts";
import { sync } from "./sync_fixtures.ts";

/** The calls of `ferry sync ARGS` that rename, link, or wait for the disk, in order; null without strace. */
async function traced(args: readonly string[], trace: string): Promise<string[] | null> {
  const { path, args: own } = ferryCommand(["sync", "-q", ...args]);
  const calls = "fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat";
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("strace", {
      args: ["-f", "-qq", "-o", trace, "-e", `trace=${calls}`, "-e", "signal=none", path, ...own],
      stdin: "null",
      env: ENV,
    }).output();
  } catch {
    console.log("skipped: no strace");
    return null;
  }
  const stderr = new TextDecoder().decode(output.stderr);
  if (/ptrace|Operation not permitted/.test(stderr)) {
    console.log("skipped: strace may not trace here");
    return null;
  }
  assertEquals(output.code, 0, stderr);
  return Deno.readTextFileSync(trace).split("\n");
}

function onDisk(path: string): boolean {
  const said = new Deno.Command("stat", { args: ["-f", "-c", "%T", path] }).outputSync();
  const memory = new TextDecoder().decode(said.stdout).trim() === "tmpfs";
  if (memory) console.log("skipped: temporary files are kept in memory here");
  return !memory;
}

const WAITS = /\b(fsync|fdatasync|syncfs)\(|<... (fsync|fdatasync|syncfs) resumed>/;

/** Of calls that another thread interrupts in the trace, only the end says that they are done. */
function waited(line: string): boolean {
  return WAITS.test(line) && !line.includes("unfinished");
}

const SMALL = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`src/d/f${i}`, `${i}`]));

for (const first of [true, false]) {
  for (const files of [{ "src/d/f": "new content" }, SMALL]) {
    const count = Object.keys(files).length;
    const what = `${count} file${count === 1 ? "" : "s"} of ${first ? "a first copy" : "an update"}`;
    Deno.test(`sync shows ${what} when its content is on the disk, and ends when all is`, async () => {
      using dir = tempDir({ ...files, "dst": null });
      if (!onDisk(dir.path)) return;
      if (!first) { for (const path of Object.keys(files)) put(dir.at(path.replace("src", "dst")), "old"); }
      const lines = await traced([dir.at("src"), dir.at("dst")], dir.at("trace"));
      if (lines === null) return;
      const shown = (line: string) => /rename|link/.test(line) && line.includes(`"${dir.at("dst")}/d`);
      const at = lines.findIndex(shown);
      assert(at !== -1, lines.join("\n"));
      assert(lines.slice(0, at).some(waited), `shown before it was on the disk:\n${lines.join("\n")}`);
      assert(
        lines.slice(lines.findLastIndex(shown)).some(waited),
        `names not waited for:\n${lines.join("\n")}`,
      );
    });
  }
}

function put(path: string, text: string): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

Deno.test("sync --no-fsync waits for no disk", async () => {
  using dir = tempDir({ ...SMALL, "dst": null });
  const lines = await traced(["--no-fsync", dir.at("src"), dir.at("dst")], dir.at("trace"));
  if (lines === null) return;
  assertEquals(lines.filter(waited), []);
  assert(lines.some((line) => line.includes(`"${dir.at("dst")}/d"`)));
});

Deno.test("sync to a server ends well with and without --no-fsync, and counts the same", async () => {
  using dir = tempDir({ ...SMALL, "share": null });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const runs = [];
  for (const [name, flags] of [["a", []], ["b", ["--no-fsync"]]] as const) {
    const run = await sync([...flags, dir.at("src"), `${server.url}/${name}`]);
    assertEquals([run.code, run.done.ok], [0, true], run.stderr);
    runs.push([run.done.created, run.done.bytes_content]);
  }
  assertEquals(runs[0], runs[1]);
});
