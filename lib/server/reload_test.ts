import { assertEquals } from "@std/assert";
import { Reloader } from "./reload.ts";

Deno.test("Reloader takes what is sound and differs, one after the other, and keeps the old ones else", async () => {
  const said: string[] = [];
  const taken: string[] = [];
  let next: { name: string } | Error = { name: "a" };
  let under = 0;
  const reloader = new Reloader({ name: "a" }, {
    read: () => next instanceof Error ? Promise.reject(next) : Promise.resolve({ ...next }),
    async take({ name }) {
      assertEquals(++under, 1);
      await Promise.resolve();
      if (name === "refused") {
        under--;
        throw new Error("cannot be had");
      }
      taken.push(name);
      under--;
    },
    say: (line) => said.push(line),
  });
  const ask = async (given: typeof next) => {
    next = given;
    reloader.request();
    reloader.request();
    await reloader.idle();
  };
  await ask({ name: "a" });
  assertEquals([said, taken, reloader.state.ok], [[], [], true]);
  await ask({ name: "b" });
  assertEquals([said, taken], [["the new settings are in use"], ["b"]]);
  await ask(new Error("bad file"));
  assertEquals([said.at(-1), reloader.state.ok], ["bad file; the old settings stay in use", false]);
  await ask({ name: "refused" });
  assertEquals([said.at(-1), reloader.state.ok], ["cannot be had; the old settings stay in use", false]);
  await ask({ name: "b" });
  assertEquals([taken, reloader.state.ok], [["b"], true]);
});
