/**
 * Archives of much: in memory that does not grow with them. `FERRY_ARCHIVES=full` sends what needs Zip64 and takes
 * minutes, else a tenth of it goes.
 */
import { assert, assertEquals } from "@std/assert";
import { serve, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

const FULL = Deno.env.get("FERRY_ARCHIVES") === "full";

/** The most memory that a process has had so far, in MB. */
function peak(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}

async function pour(url: string, args: string[]): Promise<string> {
  const child = new Deno.Command(args[0], { args: args.slice(1), stdin: "piped", stdout: "piped" }).spawn();
  const response = await fetch(url);
  const output = child.output();
  await response.body!.pipeTo(child.stdin);
  const { code, stdout } = await output;
  assertEquals(code, 0, args.join(" "));
  return new TextDecoder().decode(stdout).trim();
}

Deno.test({
  name: "serve makes archives of large files and of many in little memory",
  ignore: !installed("bsdtar") || !installed("unzip"),
  async fn() {
    using dir = tempDir({ "large/zeros": "", "large/noise/0": "", "many/0": "x" });
    const size = FULL ? 5 * 1024 ** 3 : 150 * 1024 ** 2;
    Deno.truncateSync(dir.at("large/zeros"), size);
    const noise = new Uint8Array((FULL ? 100 : 40) * 1024 ** 2);
    for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
    Deno.writeFileSync(dir.at("large/noise/0"), noise);
    // One file under many names takes no room.
    for (let i = 1; i < (FULL ? 45 : 3); i++) {
      Deno.linkSync(dir.at("large/noise/0"), dir.at(`large/noise/${i}`));
    }
    const count = FULL ? 70_000 : 3000;
    for (let i = 1; i < count; i++) Deno.writeTextFileSync(dir.at(`many/${i}`), "x");
    await using server = await serve(dir.path);
    const start = peak(server.pid);
    assertEquals(
      Number(await pour(`${server.url}/many/?archive=tar.gz`, ["sh", "-c", "tar tzf - | wc -l"])),
      count + 1,
    );
    await pour(`${server.url}/many/?archive=zip`, ["sh", "-c", `cat > '${dir.at("many.zip")}'`]);
    await pour(`${server.url}/large/?archive=zip`, ["sh", "-c", `cat > '${dir.at("large.zip")}'`]);
    await pour(`${server.url}/large/?archive=tar`, ["sh", "-c", "cat >/dev/null"]);
    const most = peak(server.pid);
    for (const name of ["many.zip", "large.zip"]) {
      const { code } = new Deno.Command("unzip", { args: ["-tqq", dir.at(name)], stdout: "null" })
        .outputSync();
      assertEquals(code, 0, name);
    }
    if (FULL) console.error(`memory: ${start} MB at the start, ${most} MB at most`);
    // Half of it where the heap grows in small steps, as `deno task ferry` and the binary have it.
    assert(most < (FULL ? 300 : 200), `${start} MB at the start, ${most} MB at most`);
  },
});
