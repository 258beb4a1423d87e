import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { NO_MEMORY, recallRun, rememberRun, type RunMemory, runMemoryPath } from "./run_memory.ts";

const MEMORY: RunMemory = {
  version: { replica: "r-1", epoch: "e1", seq: 7, root: "ab".repeat(32) },
  digests: new Map([["k1", "d1"], ["k2", "d2"]]),
  extra: ["a", "b/c"],
};

function withPath(run: (path: string, home: string) => void): void {
  const home = Deno.makeTempDirSync({ prefix: "ferry-memory-" });
  try {
    run(runMemoryPath(home, "/data", "http://server/"), home);
  } finally {
    Deno.removeSync(home, { recursive: true });
  }
}

Deno.test("recallRun() gives what rememberRun() wrote, for that pair of places", () =>
  withPath((path, home) => {
    assertEquals(recallRun(path), NO_MEMORY);
    rememberRun(path, MEMORY);
    assertEquals(recallRun(path), MEMORY);
    rememberRun(path, { ...MEMORY, version: null });
    assertEquals(recallRun(path).version, null);
    for (const [root, other] of [["/data/", "http://server/"], ["/data", "http://server/a"]]) {
      assertEquals(recallRun(runMemoryPath(home, root, other)), NO_MEMORY);
    }
  }));

Deno.test("recallRun() refuses a file that is not as it was written", () =>
  withPath((path) => {
    rememberRun(path, MEMORY);
    const bytes = Deno.readFileSync(path);
    for (const at of [0, 64, 65, 100, bytes.length - 1]) {
      const damaged = bytes.slice();
      damaged[at] ^= 1;
      Deno.writeFileSync(path, damaged);
      const error = assertThrows(() => recallRun(path), FerryError);
      assertMatch(error.message, /damaged/);
    }
    for (const part of [bytes.slice(0, bytes.length - 1), bytes.slice(0, 10), new Uint8Array(0)]) {
      Deno.writeFileSync(path, part);
      assertThrows(() => recallRun(path), FerryError);
    }
  }));

Deno.test("rememberRun() does without a folder that it may write to", () =>
  withPath((_, home) => {
    Deno.writeTextFileSync(`${home}/runs`, "a file");
    const path = runMemoryPath(home, "/data", "http://server/");
    rememberRun(path, MEMORY);
    assertEquals(recallRun(path), NO_MEMORY);
  }));
