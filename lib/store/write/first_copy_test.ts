import { assertEquals } from "@std/assert";
import type { Operation } from "../../wire/operation.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content } from "../../wire/stream.ts";
import { FirstCopyWriter } from "./first_copy.ts";
import { SAFE } from "./care.ts";
import { Stage } from "./stage.ts";
import type { WriteSession } from "../store.ts";
import { WriterThread } from "./thread.ts";

type Make = (root: string) => WriteSession;

/** The same writer in this thread and in one of its own. */
const WAYS: [string, Make][] = [
  ["FirstCopyWriter", (root) => new FirstCopyWriter(root, new Stage(root))],
  ["WriterThread", (root) => new WriterThread({ root, safety: SAFE })],
];

function writer(make: Make) {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-first-" }));
  const session = make(root);
  return {
    root,
    session,
    at: (path: string) => `${root}/${path}`,
    list: (path = "") => [...Deno.readDirSync(`${root}/${path}`)].map((entry) => entry.name).sort(),
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

function frame(index: number, text: string, mode = 0o644): FileFrame {
  return { kind: "file", index, mtime: 1000, mode, content: new TextEncoder().encode(text) };
}

function file(path: string, stage: number, mtime = 1000): Operation {
  return { op: "file", path, stage, mode: 0o644, mtime, expect: null };
}

const mkdir = (path: string, mode = 0o755): Operation => ({ op: "mkdir", path, mode, expect: null });

for (const [name, make] of WAYS) {
  Deno.test(`${name} shows whole folders, with all that was committed and nothing else`, async () => {
    using place = writer(make);
    const { session } = place;
    await session.stage([frame(0, "one"), frame(1, "two"), frame(2, "three")], ["a/b/f", "a/g", "top"]);
    assertEquals(await session.commit([mkdir("a"), mkdir("a/b"), mkdir("empty"), file("a/b/f", 0)]), [
      null,
      null,
      null,
      null,
    ]);
    assertEquals(place.list(), [".ferry"]);
    // The files 1 and 2 were staged and their operations never came.
    assertEquals(await session.close(), []);
    assertEquals([place.list(), place.list("a"), place.list("a/b")], [["a", "empty"], ["b"], ["f"]]);
    assertEquals(Deno.readTextFileSync(place.at("a/b/f")), "one");
  });

  Deno.test(`${name} brings files, links and large contents that come late to their place`, async () => {
    using place = writer(make);
    const { session } = place;
    const content: Content = {
      kind: "content",
      meta: { size: 5, mtime: 1000, mode: 0o644 },
      next: (() => {
        const chunks = [new TextEncoder().encode("large")];
        return () => chunks.shift() ?? null;
      })(),
      outcome: () => null,
      [Symbol.dispose]() {},
    };
    await session.stage([frame(0, "early"), frame(1, "late")], ["a/early", "a/late"]);
    assertEquals(await session.stageContent(2, content), null);
    const outcomes = await session.commit([
      mkdir("a"),
      file("a/early", 0),
      { op: "symlink", path: "a/link", target: "early", mtime: 5000, expect: null },
      { op: "meta", path: "a", mode: 0o755, mtime: 7000, expect: { kind: "dir" } },
      file("a/late", 1),
      file("a/large", 2),
      file("a/none", 3),
      { op: "meta", path: "a", mode: 0o700, mtime: 7000, expect: { kind: "dir" } },
    ]);
    assertEquals(outcomes.map((outcome) => outcome?.code ?? null), [
      null,
      null,
      null,
      null,
      null,
      null,
      "missing",
      null,
    ]);
    assertEquals(await session.close(), []);
    assertEquals([place.list(), place.list("a")], [["a"], ["early", "large", "late", "link"]]);
    assertEquals(Deno.statSync(place.at("a")).mtime?.getTime(), 7000);
  });

  Deno.test(`${name} overwrites nothing that came meanwhile, and says so`, async () => {
    using place = writer(make);
    const { session } = place;
    await session.stage([frame(0, "new"), frame(1, "new"), frame(2, "fine")], ["top", "dir/f", "fine"]);
    Deno.writeTextFileSync(place.at("top"), "precious");
    Deno.mkdirSync(place.at("dir"));
    await session.commit([mkdir("dir"), file("top", 0), file("dir/f", 1), file("fine", 2)]);
    const problems = await session.close();
    assertEquals(problems.map(({ path, code }) => `${code} ${path}`).sort(), [
      "conflict dir",
      "conflict top",
    ]);
    assertEquals([place.list(), place.list("dir")], [["dir", "fine", "top"], []]);
    assertEquals(Deno.readTextFileSync(place.at("top")), "precious");
  });

  Deno.test(`${name} tells the same trouble once`, async () => {
    using place = writer(make);
    const { session } = place;
    await session.stage([frame(0, "new")], ["dir/f"]);
    Deno.mkdirSync(place.at("dir"));
    const outcomes = await session.commit([
      mkdir("dir"),
      file("dir/f", 0),
      { op: "meta", path: "dir", mode: 0o700, expect: { kind: "dir" } },
    ]);
    const problems = await session.close();
    assertEquals(outcomes, [null, null, null]);
    assertEquals(problems.map(({ path, code }) => `${code} ${path}`), ["conflict dir"]);
  });

  Deno.test(`${name} never shows a folder more open than its source is`, async () => {
    using place = writer(make);
    await place.session.stage([frame(0, "key")], ["private/deep/key"]);
    await place.session.commit([
      mkdir("private", 0o500),
      mkdir("private/deep", 0o700),
      file("private/deep/key", 0),
    ]);
    // Ended before the last `meta`, as a run that is stopped does.
    await place.session.close();
    const modes = ["private", "private/deep"].map((path) => Deno.statSync(place.at(path)).mode! & 0o777);
    assertEquals(modes, [0o700, 0o700]);
  });

  Deno.test(`${name} shows no folder before its operation, which finds its place free`, async () => {
    using place = writer(make);
    const { session } = place;
    await session.stage([frame(0, "one"), frame(1, "two")], ["a/f", "a/b/c/g"]);
    // The last of these shows what there is.
    const shown = await session.commit([
      mkdir("a"),
      file("a/f", 0),
      { op: "meta", path: "a", mode: 0o755, expect: { kind: "dir" } },
    ]);
    assertEquals([shown, place.list("a")], [[null, null, null], ["f"]]);
    const later = await session.commit([mkdir("a/b"), mkdir("a/b/c", 0o700), file("a/b/c/g", 1)]);
    assertEquals(later, [null, null, null]);
    assertEquals(await session.close(), []);
    assertEquals(Deno.readTextFileSync(place.at("a/b/c/g")), "two");
  });

  Deno.test(`${name} takes a second file of one place for what no plan has`, async () => {
    using place = writer(make);
    const outcomes = await place.session.commit([
      { op: "delete", path: "x", expect: null },
      { op: "symlink", path: "l", target: "..", mtime: 0, expect: null },
      { op: "symlink", path: "l", target: "/", mtime: 0, expect: null },
      mkdir("l/d"),
    ]);
    assertEquals(outcomes.map((outcome) => outcome === null), [false, true, false, false]);
    await place.session.close();
    assertEquals([place.list(), Deno.readLinkSync(place.at("l"))], [["l"], ".."]);
  });
}
