import { assertEquals } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import type { FileFrame } from "../../wire/pack.ts";
import { FirstCopyWriter } from "./first_copy.ts";
import { Stage } from "./stage.ts";
import { LocalWriter } from "./local_writer.ts";
import { folderProbe, keepsApart, type Probe } from "./apart.ts";

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-apart-" }));
  return {
    path,
    at: (name: string) => `${path}/${name}`,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/** A folder whose file system takes names for the same when `fold` makes them so. */
function folding(fold: (name: string) => string): Probe {
  const names = new Set<string>();
  return { make: (name) => void names.add(fold(name)), has: (name) => names.has(fold(name)) };
}

Deno.test("keepsApart() finds out which names a file system takes for one", () => {
  const cases: [string, (name: string) => string, boolean][] = [
    ["as they are", (name) => name, true],
    ["in lower case", (name) => name.toLowerCase(), false],
    ["ASCII in upper case", (name) => name.replace(/[a-z]/g, (c) => c.toUpperCase()), false],
    ["composed", (name) => name.normalize("NFC"), false],
    ["decomposed, in lower case", (name) => name.normalize("NFD").toLowerCase(), false],
  ];
  for (const [name, fold, expected] of cases) {
    assertEquals([name, keepsApart(folding(fold))], [name, expected]);
  }
});

Deno.test("keepsApart() takes a folder that it cannot write to for one that folds", () => {
  using dir = tempDir();
  assertEquals(keepsApart(folderProbe(dir.at("none"))), false);
});

Deno.test("folderProbe() tells by real files", () => {
  using dir = tempDir();
  const probe = folderProbe(dir.path);
  probe.make("a");
  assertEquals([probe.has("a"), probe.has("b")], [true, false]);
});

Deno.test("writers never put one file over another where two names can be one", async () => {
  const frame = (index: number, text: string): FileFrame => {
    return { kind: "file", index, mtime: 1000, mode: 0o644, content: new TextEncoder().encode(text) };
  };
  const file = (stage: number): Operation => {
    return { op: "file", path: "d/f", stage, mode: 0o644, mtime: 1000, expect: null };
  };
  for (const Writer of [LocalWriter, FirstCopyWriter]) {
    using dir = tempDir();
    // No file system here folds names: the same name twice is what two that fold alike are there.
    const session = new Writer(dir.path, new Stage(dir.path, "stage", { apart: false }));
    const staged = await session.stage([frame(0, "first"), frame(1, "second")], ["d/f", "d/f"]);
    assertEquals(staged, [null, null]);
    const mkdir: Operation = { op: "mkdir", path: "d", mode: 0o755, expect: null };
    const outcomes = await session.commit([mkdir, file(0), file(1)]);
    assertEquals(outcomes.map((outcome) => outcome?.code ?? null), [null, null, "conflict"]);
    assertEquals(await session.close(), []);
    assertEquals(Deno.readTextFileSync(dir.at("d/f")), "first");
  }
});
