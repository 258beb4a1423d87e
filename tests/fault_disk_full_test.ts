/** A disk that fills up at any point: status 23, nothing is torn, and with room the next run goes on. */
import { assert, assertStringIncludes } from "@std/assert";
import { chance, faults, SEED, start, World } from "./faults.ts";
import { serve, type Server, tempDir } from "./harness.ts";
import { mountTmpfs } from "./sync_fixtures.ts";

for (const way of ["pull", "push", "copy"] as const) {
  Deno.test(`a ${way} onto a disk that fills up leaves files whole, and goes on when there is room`, async () => {
    using dir = tempDir({ dst: null });
    using mount = mountTmpfs(dir.at("dst"), "size=64m,mode=755");
    if (mount === null) return;
    const world = await World.make(dir);
    const random = chance(SEED + 2);
    const resize = (kilobytes: number) => {
      const args = ["-o", `remount,size=${kilobytes}k`, dir.at("dst")];
      assert(new Deno.Command("mount", { args }).outputSync().success);
    };
    for (let i = 0; i < faults(21 / 3 * 2); i++) {
      // What is there takes 5.4 MB, what comes 11 MB more until the old ones go.
      const room = 5_600 + Math.floor(random() * 6_000);
      const about = `seed ${SEED}, fault ${i}, ${room} KB`;
      resize(64 * 1024);
      world.reset();
      resize(room);
      const server: Server | null = way === "copy"
        ? null
        : await serve(way === "pull" ? world.src : world.dst, ["--writable"]);
      try {
        const args = [
          "--delete",
          way === "pull" ? server!.url : world.src,
          way === "push" ? server!.url : world.dst,
        ];
        const { code, stderr } = await start(args).ended;
        assert([0, 1, 23].includes(code), `${about}: ${code} ${stderr}`);
        if (code === 23) assertStringIncludes(stderr, "no space", about);
        await world.assertWhole(about);
        resize(64 * 1024);
        await world.assertHeals(about, args);
      } finally {
        await server?.stop();
      }
    }
  });
}
