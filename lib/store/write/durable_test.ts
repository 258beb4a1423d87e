import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { FileFrame } from "../../wire/pack.ts";
import { type Disk, Durable, durableFor, syncOne } from "./durable.ts";
import { FirstCopyWriter } from "./first_copy.ts";
import { Stage } from "./stage.ts";
import { LocalWriter } from "./local_writer.ts";

/** A disk that notes what it is asked for; `fail` makes it fail. */
function notingDisk(whole: boolean) {
  const calls: string[] = [];
  let failing = false;
  const call = async (what: string) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (failing) throw new FerryError("write_failed", "the disk did not take it");
    calls.push(what);
  };
  const disk: Disk = {
    all: whole ? () => call("all") : null,
    one: (path) => call(path),
    close: () => void calls.push("close"),
  };
  return { disk, calls, fail: () => void (failing = true) };
}

const MANY = Array.from({ length: 40 }, (_, i) => `/stage/${i}`);

Deno.test("Durable takes few files one by one and many by one call, where there is one", async () => {
  for (const whole of [true, false]) {
    const { disk, calls } = notingDisk(whole);
    const durable = new Durable(disk);
    durable.wrote("/a");
    durable.wrote("/b");
    await durable.contents();
    assertEquals(calls.splice(0).sort(), ["/a", "/b"]);
    for (const path of MANY) durable.wrote(path);
    await durable.contents();
    assertEquals(calls.splice(0).sort(), whole ? ["all"] : [...MANY].sort());
    for (const path of MANY) durable.touched(path);
    for (const path of MANY) durable.touched(path);
    await durable.all();
    assertEquals(calls.splice(0).sort(), whole ? ["all"] : [...MANY].sort());
    await durable.all();
    assertEquals(calls, []);
  }
});

Deno.test("Durable knows files by the names that they have now, and forgets those that are gone", async () => {
  const { disk, calls } = notingDisk(true);
  const durable = new Durable(disk);
  for (const path of ["/a", "/b", "/c"]) durable.wrote(path);
  durable.moved("/a", "/d");
  durable.moved("/never written", "/e");
  durable.dropped("/b");
  assertEquals(["/a", "/b", "/c", "/d", "/e"].map((path) => durable.waits(path)), [
    false,
    false,
    true,
    true,
    false,
  ]);
  const done = durable.contents();
  assert(durable.waits("/d"), "it is not on the disk before the disk says so");
  await done;
  assert(!durable.waits("/d"));
  assertEquals(calls.sort(), ["/c", "/d"]);
});

Deno.test("Durable lets nothing through after the disk has failed", async () => {
  for (const whole of [true, false]) {
    const { disk, fail } = notingDisk(whole);
    const durable = new Durable(disk);
    fail();
    for (const path of MANY) durable.wrote(path);
    await assertRejects(() => durable.contents(), FerryError, "the disk did not take it");
    await assertRejects(() => durable.contents(), FerryError);
    await assertRejects(() => durable.all(), FerryError);
    assert(durable.waits(MANY[0]));
  }
});

/** A folder with what `make` names in it: text for a file, null for a folder. */
function tempDir(make: Record<string, string | null> = {}) {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-durable-" }));
  const at = (name: string) => `${path}/${name}`;
  for (const [name, text] of Object.entries(make)) {
    if (text === null) Deno.mkdirSync(at(name));
    else Deno.writeTextFileSync(at(name), text);
  }
  return { path, at, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

function frame(index: number): FileFrame {
  return { kind: "file", index, mtime: 1000, mode: 0o644, content: new Uint8Array(10) };
}

for (const Writer of [LocalWriter, FirstCopyWriter]) {
  for (const failing of [false, true]) {
    const what = failing ? "shows nothing that the disk did not take" : "shows a file when it is on the disk";
    Deno.test(`${Writer.name} ${what}`, async () => {
      using dir = tempDir({ "dst": null });
      const { disk, calls, fail } = notingDisk(true);
      const seen: boolean[] = [];
      const shown = () => [...Deno.readDirSync(dir.at("dst"))].some(({ name }) => name !== ".ferry");
      const watching: Disk = { ...disk, all: () => (seen.push(shown()), disk.all!()) };
      const writer = new Writer(dir.at("dst"), new Stage(dir.at("dst")), { durable: new Durable(watching) });
      if (failing) fail();
      const frames = MANY.map((_, index) => frame(index));
      const paths = MANY.map((_, index) => `d/f${index}`);
      await writer.stage(frames, paths);
      const work = async () => {
        await writer.commit([{ op: "mkdir", path: "d", mode: 0o755, expect: null }]);
        const outcomes = await writer.commit(
          paths.map((path, stage) => ({ op: "file", path, stage, mode: 0o644, mtime: 1000, expect: null })),
        );
        assertEquals(outcomes.filter((outcome) => outcome !== null), []);
        await writer.finish();
      };
      if (failing) {
        await assertRejects(work, FerryError, "the disk did not take it");
        await writer.close().catch(() => {});
        const left = Writer === LocalWriter ? ["d"] : [];
        assertEquals([...Deno.readDirSync(dir.at("dst"))].map(({ name }) => name), left);
        if (Writer === LocalWriter) assertEquals([...Deno.readDirSync(dir.at("dst/d"))], []);
        return;
      }
      await work();
      assertEquals([seen.at(0), shown()], [Writer === LocalWriter, true]);
      // Contents, then what was touched: two folders, so one by one.
      assertEquals(calls[0], "all");
      assert(calls.includes(dir.at("dst")), `${calls}`);
      await writer.close();
      assertEquals(calls.at(-1), "close");
    });
  }
}

Deno.test("durableFor() has nothing to do in memory", () => {
  using dir = tempDir();
  const memory = ["/dev/shm", "/run"].filter((path) => {
    const info = new Deno.Command("stat", { args: ["-f", "-c", "%T", path], stderr: "null" }).outputSync();
    return new TextDecoder().decode(info.stdout).trim() === "tmpfs";
  });
  for (const path of memory) assertEquals(durableFor(path), null);
  const type = new TextDecoder().decode(
    new Deno.Command("stat", { args: ["-f", "-c", "%T", dir.path] }).outputSync().stdout,
  );
  if (type.trim() !== "tmpfs") assert(durableFor(dir.path) !== null);
});

Deno.test("syncOne() takes files, folders, what nobody may read, and what is gone", async () => {
  using dir = tempDir({ "f": "x", "secret": "x", "d": null });
  Deno.chmodSync(dir.at("secret"), 0);
  for (const name of ["f", "secret", "d", "gone", "f/below a file"]) await syncOne(dir.at(name));
  assertEquals((Deno.statSync(dir.at("secret")).mode ?? 0) & 0o777, 0);
});
