/**
 * The one suite that every Store passes. A backend's test file calls `testStore` with a way to make a store over a
 * folder; what the store does is then looked at in that folder itself.
 */
import type { OpenStore, Test } from "./bench.ts";
import { testCommit } from "./commit.ts";
import { testLock } from "./lock.ts";
import { testMove } from "./move.ts";
import { testRead } from "./read.ts";
import { testScan } from "./scan.ts";
import { testStage } from "./stage.ts";
import { testWrite } from "./write.ts";

/** Makes a store over `name`, a path below the real folder `root`, which may not be there yet. */
export type MakeStore = (root: string, name: string) => OpenStore | Promise<OpenStore>;

/** Registers the suite's tests for the backend `name`. */
export function testStore(name: string, make: MakeStore): void {
  const test: Test = (title, run, folder = "place") => {
    Deno.test(`${name} ${title}`, async () => {
      const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-store-" }));
      try {
        if (folder !== null) Deno.mkdirSync(`${root}/${folder}`);
        await using open = await make(root, folder ?? "place");
        const base = `${root}/${folder ?? "place"}`;
        await run({
          store: open.store,
          at: (path = "") => path === "" ? base : `${base}/${path}`,
          outside: (path) => `${root}/${path}`,
          beside: async (name) => await make(root, name),
        });
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    });
  };
  testScan(test);
  testRead(test);
  testStage(test);
  testWrite(test);
  testCommit(test);
  testMove(test);
  testLock(test);
}
