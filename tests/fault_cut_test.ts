/** Connections cut at any byte: nothing is torn, nothing is lost, the run or the next one goes on. */
import { assert } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { chance, faults, SEED, start, World } from "./faults.ts";
import { serve, tempDir } from "./harness.ts";

for (const way of ["pull", "push"] as const) {
  Deno.test(`connections of a ${way} that are cut at any byte leave files whole, and the next run ends it`, async () => {
    using dir = tempDir();
    const world = await World.make(dir);
    const random = chance(SEED + 1);
    world.reset();
    await using server = await serve(way === "pull" ? world.src : world.dst, ["--writable"]);
    const args = (url: string) => [
      "--delete",
      way === "pull" ? url : world.src,
      way === "push" ? url : world.dst,
    ];
    let bytes: number;
    {
      await using proxy = cuttingProxy(server.port, []);
      const { code, stderr } = await start(args(proxy.url)).ended;
      assert(code === 0, stderr);
      bytes = proxy.passed();
    }
    for (let i = 0; i < faults(100); i++) {
      const empty = random() < 0.3;
      const offsets = Array.from({ length: random() < 0.5 ? 1 : 3 }, () => Math.floor(random() * bytes));
      const about = `seed ${SEED}, fault ${i}, cut at ${offsets} of ${bytes}`;
      world.reset(empty);
      {
        await using proxy = cuttingProxy(server.port, offsets);
        const { code, stderr } = await start(args(proxy.url)).ended;
        assert([0, 1, 7, 18].includes(code), `${about}: ${code} ${stderr}`);
      }
      await world.assertWhole(about, empty);
      await world.assertHeals(about, args(server.url));
    }
  });
}
