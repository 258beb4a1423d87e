import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { canDropRights, ferryWithoutRights, giveAway, paths, sync } from "./sync_fixtures.ts";

function shell(cwd: string, script: string): void {
  assert(new Deno.Command("sh", { args: ["-ec", script], cwd }).outputSync().success, script);
}

Deno.test("sync reports what cannot be replicated, brings the rest, and ends with 1", async () => {
  for (const remote of ["", "source", "destination"]) {
    using dir = tempDir({ "src/good": "g", "src/sub/deep": "d", "dst/pipe/kept": "k", "dst/sub/old": "o" });
    shell(
      dir.at("src"),
      `mkfifo pipe sub/fifo; : > "$(printf 'bad\\377name')"; ln -s "$(printf 'to\\377')" link`,
    );
    await using server = remote === "" ? null : await serve(
      dir.at(remote === "source" ? "src" : "dst"),
      ["--writable"],
    );
    const from = remote === "source" ? server!.url : dir.at("src");
    const to = remote === "destination" ? server!.url : dir.at("dst");
    const run = await sync(["--delete", from, to]);
    assertEquals([run.code, run.changes.sort()], [1, ["create good", "create sub/deep", "delete sub/old"]]);
    assertEquals(run.problems.sort(), [
      "not_utf8 bad\ufffdname",
      "not_utf8 link",
      "unsupported_kind pipe",
      "unsupported_kind sub/fifo",
    ]);
    assertEquals([run.done.ok, run.done.problems, run.done.created], [false, run.problems.length, 2]);
    // What a problem stands for is not deleted: nobody knows what it holds.
    assertEquals(paths(dir.at("dst")), ["good", "pipe", "pipe/kept", "sub", "sub/deep"]);
  }
});

Deno.test("sync prints a problem with the mark of the contract, -q on stderr alone", async () => {
  using dir = tempDir({ "src/f": "x" });
  shell(dir.at("src"), "mkfifo pipe");
  const line = "! pipe: it is neither a file, a folder nor a symbolic link\n";
  const loud = await ferry(["sync", dir.at("src"), dir.at("a")]);
  assertEquals([loud.code, loud.stderr], [1, ""]);
  assertStringIncludes(loud.stdout, line + "+ f\n1 created, 0 updated, 0 deleted, 1 problem; ");
  const quiet = await ferry(["sync", "-q", dir.at("src"), dir.at("b")]);
  assertEquals([quiet.code, quiet.stdout, quiet.stderr], [1, "", line]);
});

Deno.test("sync as an ordinary user brings all but what it may not read, and says which", async () => {
  if (!canDropRights()) return;
  using dir = tempDir({
    "src/good": "g",
    "src/secret": "s",
    "src/closed/f": "f",
    "src/zz": "z",
    "dst/closed/kept": "k",
  });
  Deno.writeFileSync(dir.at("src/large secret"), new Uint8Array(2_000_000));
  giveAway(dir.at("src/secret"), 0o600);
  giveAway(dir.at("src/large secret"), 0o600);
  giveAway(dir.at("src/closed"), 0o700);
  const run = await ferryWithoutRights(["sync", "--delete", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.stderr], [1, ""]);
  for (const path of ["secret", "large secret"]) {
    assertStringIncludes(run.stdout, `! ${path}: cannot read it: permission denied\n`);
  }
  assertStringIncludes(run.stdout, "! closed: cannot read the folder: permission denied\n");
  assertStringIncludes(run.stdout, "+ good\n");
  assertEquals(paths(dir.at("dst")), ["closed", "closed/kept", "good", "zz"]);
});

Deno.test("sync as an ordinary user writes into its own locked folders, and reports those of others", async () => {
  if (!canDropRights()) return;
  using dir = tempDir({
    "src/mine/f": "new",
    "src/theirs/f": "new!",
    "src/theirs/g": "new",
    "src/free": "x",
    "dst/mine/old": "old",
    "dst/theirs/f": "precious",
  });
  for (const path of ["dst/mine", "src/mine"]) Deno.chmodSync(dir.at(path), 0o555);
  giveAway(dir.at("dst/theirs"), 0o755);
  const run = await ferryWithoutRights(["sync", "--delete", dir.at("src"), dir.at("dst")]);
  assertEquals([run.code, run.stderr], [1, ""]);
  assertStringIncludes(run.stdout, "! theirs/f: cannot write it: permission denied\n");
  assertStringIncludes(run.stdout, "! theirs/g: cannot write it: permission denied\n");
  assertEquals(paths(dir.at("dst")), ["free", "mine", "mine/f", "theirs", "theirs/f"]);
  assertEquals(Deno.statSync(dir.at("dst/mine")).mode! & 0o777, 0o555);
  assertEquals(Deno.readTextFileSync(dir.at("dst/theirs/f")), "precious");
});
