import { assert, assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { assertNothing, sync } from "./sync_fixtures.ts";

/** A tree of some thousand real files: installed documentation, or else the modules of this very program. */
function realTree(): string {
  for (const path of ["/usr/share/doc", "/usr/lib/python3", "/usr/include", "/usr/share"]) {
    if (countUpTo(path, 2000) >= 2000) return path;
  }
  return new URL("..", import.meta.url).pathname;
}

function countUpTo(path: string, most: number): number {
  let count = 0;
  const pending = [path];
  while (pending.length > 0 && count < most) {
    try {
      for (const { name, isDirectory } of Deno.readDirSync(pending.pop()!)) {
        count++;
        if (isDirectory) pending.push(`${path}/${name}`);
      }
    } catch {
      // Not there, or not ours to read.
    }
  }
  return count;
}

/** What rsync, diff and find see, in one text: an opinion other than our own. */
function looksOf(dir: string): string {
  const script =
    `find . -mindepth 1 -not -path './.ferry*' -printf '%y %m %s %T@ %l %p\\n' | sed -E 's/^d (.*) [0-9]+ ([-0-9.]+)/d \\1 \\2/' | ` +
    `sed -E 's/(\\.[0-9]{3})[0-9]+ /\\1 /' | sort`;
  const { stdout, success } = new Deno.Command("sh", { args: ["-c", script], cwd: dir, env: { LC_ALL: "C" } })
    .outputSync();
  assert(success);
  return new TextDecoder().decode(stdout);
}

Deno.test("sync brings a real tree through two servers' hands, byte for byte", async () => {
  const real = realTree();
  using dir = tempDir({ "up": null, "down": null });
  await using server = await serve(dir.at("up"), ["--writable"]);
  const up = await sync([real, server.url]);
  assertEquals([up.code, up.problems], [0, []], up.stderr);
  const down = await sync([server.url, dir.at("down")]);
  assertEquals([down.code, down.problems, down.done.files], [0, [], up.done.files]);
  assert(Number(up.done.files) >= 500, `only ${up.done.files} files in ${real}`);
  for (const side of ["up", "down"]) {
    const { code, stdout } = new Deno.Command("diff", {
      args: ["-r", "--no-dereference", "--exclude=.ferry", real, dir.at(side)],
    }).outputSync();
    assertEquals([code, new TextDecoder().decode(stdout).slice(0, 1000)], [0, ""]);
    assertEquals(looksOf(dir.at(side)) === looksOf(real), true, `${side}: modes, times or links differ`);
  }
  assertNothing(await sync([real, server.url, "--delete"]));
  assertNothing(await sync([server.url, dir.at("down"), "--delete"]));
});
