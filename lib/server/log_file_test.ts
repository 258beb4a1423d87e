import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { LogFile } from "./log_file.ts";

Deno.test("LogFile appends, and goes on in a new file when the old one was moved away", () => {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/access.log`;
  Deno.writeTextFileSync(path, "before\n", { mode: 0o640 });
  const told: string[] = [];
  {
    using log = new LogFile(path, (line) => told.push(line));
    log.write("one\n");
    Deno.renameSync(path, `${path}.1`);
    log.write("two\n");
    log.reopen();
    log.write("three\n");
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    log.reopen();
    log.write("lost with the old file\n");
  }
  assertEquals(Deno.readTextFileSync(`${path}.1`), "before\none\ntwo\n");
  assertEquals(told.length, 1);
  assertThrows(() => new LogFile(path, () => {}), FerryError, `--log-file ${path}: cannot be written`);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("LogFile makes a file that not everybody may read, and tells once that nothing can be written", () => {
  const dir = Deno.makeTempDirSync();
  const told: string[] = [];
  {
    using log = new LogFile(`${dir}/log`, (line) => told.push(line));
    log.write("x\n");
    assertEquals((Deno.statSync(`${dir}/log`).mode ?? 0) & 0o007, 0);
  }
  try {
    using full = new LogFile("/dev/full", (line) => told.push(line));
    for (let i = 0; i < 3; i++) full.write("x\n");
    assertEquals(told, ["--log-file /dev/full: cannot be written: no space left on device"]);
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
  }
  Deno.removeSync(dir, { recursive: true });
});
