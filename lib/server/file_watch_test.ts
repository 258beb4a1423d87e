import { assertEquals } from "@std/assert";
import { FileWatch } from "./file_watch.ts";

Deno.test("FileWatch tells once of each change, of a link that leads elsewhere and of a file that comes back", async () => {
  const dir = Deno.makeTempDirSync();
  const [a, b, link] = ["a", "b", "link"].map((name) => `${dir}/${name}`);
  Deno.writeTextFileSync(a, "1");
  Deno.writeTextFileSync(b, "2");
  Deno.symlinkSync("a", link);
  let calls = 0;
  let heard = () => {};
  const watch = new FileWatch(() => [link, b], () => {
    calls++;
    heard();
  }, 5);
  const next = () => new Promise<void>((resolve) => heard = resolve);
  const steps = [
    () => Deno.writeTextFileSync(b, "22"),
    () => Deno.renameSync(b, a),
    () => Deno.writeTextFileSync(b, "3"),
    () => {
      Deno.symlinkSync("b", `${link}.new`);
      Deno.renameSync(`${link}.new`, link);
    },
  ];
  for (const [index, step] of steps.entries()) {
    const told = next();
    step();
    await told;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(calls, index + 1);
  }
  watch[Symbol.dispose]();
  Deno.removeSync(dir, { recursive: true });
});
