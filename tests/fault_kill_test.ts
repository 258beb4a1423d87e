/** `kill -9` of either side at any moment: nothing is torn, nothing is lost, the next run goes on. */
import { assert } from "@std/assert";
import { chance, faults, pause, SEED, start, World } from "./faults.ts";
import { serve, type Server, tempDir } from "./harness.ts";

const WAYS = [
  { way: "pull", victim: "client" },
  { way: "push", victim: "client" },
  { way: "push", victim: "server" },
  { way: "pull", victim: "server" },
  { way: "copy", victim: "client" },
] as const;

for (const { way, victim } of WAYS) {
  Deno.test(`kill -9 of the ${victim} at any moment of a ${way} leaves files whole, and the next run ends it`, async () => {
    using dir = tempDir();
    const world = await World.make(dir);
    const random = chance(SEED);
    const served = way === "pull" ? world.src : world.dst;
    world.reset();
    const begin = () => serve(served, ["--writable"]);
    let server: Server | null = way === "copy" ? null : await begin();
    const args = () => [
      "--delete",
      way === "pull" ? server!.url : world.src,
      way === "push" ? server!.url : world.dst,
    ];
    try {
      const from = performance.now();
      const { code, stderr } = await start(args()).ended;
      assert(code === 0, stderr);
      const whole = performance.now() - from;
      for (let i = 0; i < faults(200 / WAYS.length); i++) {
        const empty = random() < 0.3;
        // Earlier than a third of the time the program is only starting.
        const moment = whole * (0.3 + 0.8 * random());
        const about = `seed ${SEED}, fault ${i}, after ${moment.toFixed()} of ${whole.toFixed()} ms`;
        world.reset(empty);
        const run = start(args());
        await pause(moment);
        if (victim === "client") run.kill();
        else await server!.stop("SIGKILL");
        const ended = await run.ended;
        if (victim === "server") {
          assert([0, 1, 7, 18].includes(ended.code), `${about}: ${ended.code} ${ended.stderr}`);
          server = await begin();
        }
        await world.assertWhole(about, empty);
        await world.assertHeals(about, args());
      }
    } finally {
      await server?.stop();
    }
  });
}
