import { assert, assertEquals } from "@std/assert";
import { ferryCommand, serve, tempDir, treeDigest } from "./harness.ts";
import { paths, sync } from "./sync_fixtures.ts";

/** A source that takes a while, in files whose content tells whether it is whole. */
function makeSource(dir: string): void {
  for (let i = 0; i < 40; i++) {
    Deno.mkdirSync(`${dir}/d${i}`, { recursive: true });
    for (let j = 0; j < 50; j++) Deno.writeTextFileSync(`${dir}/d${i}/f${j}`, `${i} ${j} `.repeat(500));
    Deno.writeTextFileSync(`${dir}/d${i}/large`, `${i} large `.repeat(200_000));
  }
}

/** Waits until `happened` or the child has ended by itself. */
async function until(happened: () => boolean, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  while (!happened() && !ended) await new Promise((resolve) => setTimeout(resolve, 1));
}

for (const way of ["folder to folder", "folder to server", "server to folder"]) {
  Deno.test(`sync ${way} ends with 143 after SIGTERM, every file whole or absent, and goes on next time`, async () => {
    using dir = tempDir({ "src": null, "dst": null });
    makeSource(dir.at("src"));
    const remote = way.replaceAll("folder", "").trim();
    await using server = remote === "to" ? null : await serve(
      dir.at(remote === "to server" ? "dst" : "src"),
      ["--writable"],
    );
    const from = way.startsWith("server") ? server!.url : dir.at("src");
    const to = way.endsWith("server") ? server!.url : dir.at("dst");
    let stopped = 0;
    for (const signal of ["SIGTERM", "SIGINT", "SIGTERM", "SIGTERM", "SIGTERM"] as const) {
      if (signal === "SIGTERM" && stopped >= 2) break;
      const command = ferryCommand(["sync", "--json", from, to]);
      const child = new Deno.Command(command.path, {
        args: command.args,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      })
        .spawn();
      const before = paths(dir.at("dst")).length;
      await until(() => {
        try {
          return paths(dir.at("dst")).length > before + 5;
        } catch {
          // It renames what is being listed.
          return false;
        }
      }, child);
      try {
        child.kill(signal);
      } catch {
        // It was quicker.
      }
      const { code, stdout, stderr } = await child.output();
      const text = new TextDecoder().decode(stderr);
      assert(code === 0 || code === (signal === "SIGTERM" ? 143 : 130), `${code}: ${text}`);
      const last = JSON.parse(new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!);
      assertEquals([last.event, last.ok, text], ["done", code === 0, ""]);
      if (code !== 0) stopped++;
      // It was too quick for the signal: once more from the start.
      else {for (const { name } of Deno.readDirSync(dir.at("dst"))) {
          Deno.removeSync(dir.at(`dst/${name}`), { recursive: true });
        }}
      for (const path of paths(dir.at("dst"))) {
        // What waited for its place serves the next run.
        assert(/^[^.]|^\.ferry(\/stage(\/.*)?)?$/.test(path), `${path} was left`);
        if (path.startsWith(".ferry")) continue;
        const full = dir.at(`dst/${path}`);
        if (Deno.lstatSync(full).isFile) {
          assertEquals(Deno.statSync(full).size, Deno.statSync(dir.at(`src/${path}`)).size, path);
        }
      }
    }
    assert(stopped > 0, "no run was stopped in the middle");
    assertEquals((await sync([from, to])).code, 0);
    assertEquals(
      await treeDigest(dir.at("dst"), { dirTimes: true }),
      await treeDigest(dir.at("src"), { dirTimes: true }),
    );
    assertEquals(paths(dir.at("dst")).filter((path) => path.startsWith(".ferry")), []);
  });
}

Deno.test("sync that is killed leaves files whole or absent, and the next run is not in its way", async () => {
  using dir = tempDir({ "src": null, "dst": null });
  makeSource(dir.at("src"));
  const command = ferryCommand(["sync", dir.at("src"), dir.at("dst")]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => [...Deno.readDirSync(dir.at("dst"))].length > 0, child);
  child.kill("SIGKILL");
  await child.status;
  assertEquals((await sync([dir.at("src"), dir.at("dst")])).code, 0);
  assertEquals(
    await treeDigest(dir.at("dst"), { dirTimes: true }),
    await treeDigest(dir.at("src"), { dirTimes: true }),
  );
});
