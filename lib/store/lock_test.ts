import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { checkUnlocked, LockedError, lockFolder } from "./lock.ts";

const HOLDER = { source: "/src", host: "elsewhere", pid: 7, since: 0 };

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-lock-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

function list(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

Deno.test("lockFolder() locks a folder and all below it for one holder, who is named", async () => {
  using dir = tempDir();
  const odd = `${dir.path}/a?b#c %41`;
  Deno.mkdirSync(`${odd}/sub/deep`, { recursive: true });
  const lock = await lockFolder(odd, HOLDER);
  for (const path of [odd, `${odd}/sub`, `${odd}/sub/deep`]) {
    const error = await assertRejects(() => lockFolder(path, HOLDER), LockedError);
    assertEquals([error.code, error.holder], ["locked", HOLDER]);
    assert(error.message.startsWith(odd), error.message);
    await assertRejects(() => checkUnlocked(path), LockedError);
  }
  await checkUnlocked(`${odd}/sub`, odd);
  await checkUnlocked(dir.path);
  lock.release();
  lock.release();
  assertEquals(list(odd), ["sub"]);
  (await lockFolder(`${odd}/sub`, HOLDER)).release();
  assertEquals(list(`${odd}/sub`), ["deep"]);
});

Deno.test("lockFolder() takes what a dead process left, and leaves what else is there", async () => {
  using dir = tempDir();
  Deno.mkdirSync(`${dir.path}/.ferry`);
  Deno.writeTextFileSync(`${dir.path}/.ferry/lock`, "");
  Deno.writeTextFileSync(`${dir.path}/.ferry/lock.json`, JSON.stringify(HOLDER));
  Deno.writeTextFileSync(`${dir.path}/.ferry/other`, "");
  const lock = await lockFolder(dir.path, HOLDER);
  lock.release();
  assertEquals(list(`${dir.path}/.ferry`), ["other"]);
});

Deno.test("lockFolder() has a name for who does not say it", async () => {
  using dir = tempDir();
  for (const left of ["", "{", JSON.stringify({ ...HOLDER, pid: -1 })]) {
    const lock = await lockFolder(dir.path, HOLDER);
    Deno.writeTextFileSync(`${dir.path}/.ferry/lock.json`, left);
    const error = await assertRejects(() => lockFolder(dir.path, HOLDER), LockedError, "does not say who");
    assertEquals(error.holder, null);
    lock.release();
  }
});

Deno.test("lockFolder() says why a folder cannot be locked", async () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/.ferry`, "a file in its way");
  const long = `${dir.path}/${"n".repeat(250)}/${"n".repeat(250)}`;
  Deno.mkdirSync(long, { recursive: true });
  Deno.mkdirSync(`${dir.path}/x/.ferry/lock`, { recursive: true });
  for (const path of [dir.path, long, `${dir.path}/none`, `${dir.path}/x`]) {
    const error = await assertRejects(() => lockFolder(path, HOLDER), FerryError, path);
    assertEquals([path, error.code], [path, "write_failed"]);
  }
});

Deno.test("lockFolder() lets one of many in at a time, while they remove the lock's file again and again", async () => {
  using dir = tempDir();
  let inside = 0;
  let turns = 0;
  const contend = async () => {
    for (let i = 0; i < 30; i++) {
      try {
        const lock = await lockFolder(dir.path, HOLDER);
        assertEquals(++inside, 1);
        turns++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        inside--;
        lock.release();
      } catch (error) {
        assert(error instanceof LockedError, String(error));
      }
    }
  };
  await Promise.all([contend(), contend(), contend()]);
  assert(turns > 1);
  assertEquals(list(dir.path), []);
});
