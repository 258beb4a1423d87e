import { assertEquals } from "@std/assert";
import * as crypto from "node:crypto";
import { hashFiles } from "./file_hashes.ts";
import type { HashMemory } from "./scan.ts";

Deno.test("hashFiles() reads what is not remembered, and remembers it", async () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-hashes-" }));
  try {
    Deno.mkdirSync(`${root}/d`);
    for (const path of ["a", "d/b"]) Deno.writeTextFileSync(`${root}/${path}`, path);
    Deno.symlinkSync("a", `${root}/link`);
    const sum = (text: string) => crypto.createHash("sha256").update(text).digest("hex");
    const store = new Map<string, string>();
    const asked: string[] = [];
    const memory: HashMemory = {
      known: (path, info) => {
        asked.push(path);
        return info.isFile ? store.get(path) ?? null : null;
      },
      learned: (path, _info, { sha256 }) => void store.set(path, sha256),
    };
    const run = async (memory?: HashMemory) => {
      const all: (string | null | undefined)[] = [];
      for await (const hash of hashFiles(root, ["a", "none", "d/b", "link"], (path) => path, memory)) {
        if (hash !== undefined) all.push(hash);
      }
      return all;
    };
    const right = [sum("a"), null, sum("d/b"), null];
    assertEquals(await run(), right);
    assertEquals(await run(memory), right);
    assertEquals([...store], [["a", sum("a")], ["d/b", sum("d/b")]]);
    store.set("a", "remembered");
    assertEquals(await run(memory), ["remembered", null, sum("d/b"), null]);
    assertEquals(asked, ["a", "d/b", "link", "a", "d/b", "link"]);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
