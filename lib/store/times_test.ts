import { assertEquals } from "@std/assert";
import { setLinkTime, setTime } from "./times.ts";

/** Whether this runtime can set a part of a second before 1970 at all. */
function canSplitOldSeconds(path: string): boolean {
  try {
    Deno.utimeSync(path, new Date(-1500), new Date(-1500));
    return true;
  } catch {
    return false;
  }
}

Deno.test("setTime() keeps milliseconds, before 1970 at least seconds", () => {
  const path = Deno.makeTempFileSync();
  try {
    const exact = canSplitOldSeconds(path);
    const cases: [number, number][] = [
      [0, 0],
      [1, 1],
      [1_700_000_000_123, 1_700_000_000_123],
      [-1000, -1000],
      [-86_400_000, -86_400_000],
      [-1500, exact ? -1500 : -2000],
      [-1, exact ? -1 : -1000],
    ];
    using file = Deno.openSync(path, { write: true });
    for (const [ms, expected] of cases) {
      for (const target of [path, file]) {
        setTime(path, 5_000_000);
        setTime(target, ms);
        assertEquals([ms, Deno.statSync(path).mtime?.getTime()], [ms, expected]);
      }
    }
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("setLinkTime() sets the link's own time, not its target's", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/f`, "");
    Deno.utimeSync(`${dir}/f`, 77, 77);
    Deno.symlinkSync("f", `${dir}/l`);
    for (
      const [ms, expected] of [[1_400_000_000_456, 1_400_000_000_456], [0, 0], [-5000, -5000], [-5001, -6000]]
    ) {
      setLinkTime(`${dir}/l`, ms);
      assertEquals([ms, Deno.lstatSync(`${dir}/l`).mtime?.getTime()], [ms, expected]);
    }
    assertEquals(Deno.statSync(`${dir}/f`).mtime?.getTime(), 77_000);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
