import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content } from "../../wire/stream.ts";
import { Stage } from "./stage.ts";
import { LocalWriter } from "./local_writer.ts";

// What every Store must do is in conformance/suite.ts; here is what only the local disk shows.

function writer() {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-write-" }));
  const session = new LocalWriter(root, new Stage(root));
  const dispose = async () => {
    await session.close();
    Deno.removeSync(root, { recursive: true });
  };
  return { root, session, [Symbol.asyncDispose]: dispose };
}

function frame(index: number, text: string, mode: number): FileFrame {
  return { kind: "file", index, mtime: 1000, mode, content: new TextEncoder().encode(text) };
}

const modeOf = (path: string) => Deno.lstatSync(path).mode! & 0o777;

Deno.test("LocalWriter lets nobody read a file before it has its own mode", async () => {
  await using place = writer();
  const seen: number[] = [];
  const content: Content = {
    kind: "content",
    meta: { size: 2, mtime: 1000, mode: 0o600 },
    next: () => {
      const dir = `${place.root}/.ferry/stage`;
      const [stage] = [...Deno.readDirSync(dir)];
      seen.push(
        modeOf(`${dir}/${stage.name}`),
        ...[...Deno.readDirSync(`${dir}/${stage.name}`)].map((entry) =>
          modeOf(`${dir}/${stage.name}/${entry.name}`)
        ),
      );
      return null;
    },
    outcome: (): Outcome => ({ code: "changed", message: "x" }),
    [Symbol.dispose]() {},
  };
  await place.session.stageContent(0, content);
  assertEquals(seen, [0o700, 0o600]);
});

Deno.test("LocalWriter gives a file the mode and time of its operation where they differ from the staged ones", async () => {
  await using place = writer();
  await place.session.stage([frame(0, "x", 0o600)]);
  await place.session.commit([{ op: "file", path: "f", stage: 0, mode: 0o640, mtime: 2000, expect: null }]);
  assertEquals([modeOf(`${place.root}/f`), Deno.statSync(`${place.root}/f`).mtime?.getTime()], [0o640, 2000]);
});

Deno.test("LocalWriter passes on an error of the content and keeps nothing of it", async () => {
  await using place = writer();
  const content: Content = {
    kind: "content",
    meta: { size: 2, mtime: 1000, mode: 0o600 },
    next: () => Promise.reject(new FerryError("no_connection", "gone")),
    outcome: () => null,
    [Symbol.dispose]() {},
  };
  await assertRejects(() => place.session.stageContent(0, content), FerryError, "gone");
  const [stage] = [...Deno.readDirSync(`${place.root}/.ferry/stage`)];
  assertEquals([...Deno.readDirSync(`${place.root}/.ferry/stage/${stage.name}`)], []);
});

Deno.test("LocalWriter ends the run, naming the folder, when the stage takes nothing more", async () => {
  await using place = writer();
  Deno.writeTextFileSync(`${place.root}/.ferry`, "in the way");
  const error = await assertRejects(
    async () => await place.session.stage([frame(0, "x", 0o600)]),
    FerryError,
  );
  assertEquals([error.code, error.message.includes(place.root)], ["write_failed", true]);
});

Deno.test("LocalWriter does not delete a folder for the state of another share in it", async () => {
  await using place = writer();
  Deno.mkdirSync(`${place.root}/d/.ferry`, { recursive: true });
  const [outcome] = await place.session.commit([{ op: "delete", path: "d", expect: { kind: "dir" } }]);
  assertEquals(outcome?.code, "conflict");
  assert(Deno.statSync(`${place.root}/d/.ferry`).isDirectory);
});
