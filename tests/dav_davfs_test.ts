/** A share as a file system: davfs2, where FUSE is there and this user may mount. */
import { assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";
import { mountTmpfs } from "./sync_fixtures.ts";

/** Says in a line why not. */
function canMount(): boolean {
  if (!installed("mount.davfs")) return false;
  const dir = Deno.makeTempDirSync();
  try {
    Deno.openSync("/dev/fuse", { read: true, write: true }).close();
    const mounted = mountTmpfs(dir, "size=1m");
    mounted?.[Symbol.dispose]();
    if (mounted !== null) return true;
  } catch {
    // No device, or not for this user.
  } finally {
    Deno.removeSync(dir);
  }
  console.error("there is no FUSE, or nothing may be mounted: the test of davfs2 is passed over");
  return false;
}

async function run(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

Deno.test({
  name: "davfs2 mounts a share, and programs read, write, lock, rename and remove in it",
  ignore: !canMount(),
  async fn() {
    using share = tempDir({ "there.txt": "there", "folder/inner ü.txt": "inner" });
    using work = tempDir({ "mnt": null, "cache": null });
    // Its daemon is another user.
    Deno.chmodSync(work.path, 0o755);
    Deno.chmodSync(work.at("cache"), 0o777);
    Deno.writeTextFileSync(
      work.at("conf"),
      `cache_dir ${work.at("cache")}\nask_auth 0\nuse_locks 1\ndelay_upload 0\n`,
    );
    await using server = await serve(share.path, ["--writable"]);
    const at = (path: string) => work.at(`mnt/${path}`);
    await run("mount.davfs", [`${server.url}/`, work.at("mnt"), "-o", `conf=${work.at("conf")}`]);
    try {
      assertEquals(await run("cat", [at("there.txt"), at("folder/inner ü.txt")]), "thereinner");
      assertEquals(await run("stat", ["-c", "%s %F", at("there.txt")]), "5 regular file\n");
      await run("mkdir", [at("made")]);
      await run("cp", [work.at("conf"), at("made/stored.txt")]);
      await run("sh", ["-c", `echo more >> "$1"`, "sh", at("there.txt")]);
      await run("mv", [at("made"), at("moved")]);
      await run("rm", [at("folder/inner ü.txt")]);
      // Whoever writes has it locked until it is closed.
      const script = `exec 3>"$1"; echo open >&3; curl -sS -o /dev/null -w '%{http_code}' -T "$2" "$3"`;
      const url = `${server.url}/held.txt`;
      assertEquals(await run("sh", ["-c", script, "sh", at("held.txt"), work.at("conf"), url]), "423");
    } finally {
      await run("umount", [work.at("mnt")]);
    }
    assertEquals(Deno.readTextFileSync(share.at("there.txt")), "theremore\n");
    assertEquals(Deno.readTextFileSync(share.at("moved/stored.txt")), Deno.readTextFileSync(work.at("conf")));
    assertEquals([...Deno.readDirSync(share.at("folder"))], []);
    // When it is unmounted no lock is left.
    const put = await fetch(`${server.url}/held.txt`, { method: "PUT", body: "free" });
    assertEquals(put.status, 204);
  },
});
