/** What a store has already: hashes, copies into the stage, moves. */
import { assertEquals } from "@std/assert";
import * as crypto from "node:crypto";
import { folderDigest } from "../../wire/folder_digest.ts";
import type { MovedVersion, Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { code, list, MTIME, type Test, write } from "./bench.ts";

const sha256 = (text: string | Uint8Array) => crypto.createHash("sha256").update(text).digest("hex");
const codes = (outcomes: readonly Outcome[]) => outcomes.map(code);
const file = (size: number, mtime = MTIME): MovedVersion & { kind: "file" } => ({
  kind: "file",
  size,
  mtime,
});

const text = (path: string) => Deno.readTextFileSync(path);

/** Registers the tests with `test`. */
export function testMove(test: Test): void {
  test("hashes() gives the digest of each file, small or large, and none for what is no file", async (bench) => {
    const { store, at, outside } = bench;
    const large = crypto.randomBytes(3_000_001);
    write(at("small"), "hello");
    write(at("empty"), "");
    write(at("large"), large);
    Deno.mkdirSync(at("dir"));
    write(outside("secret"), "secret");
    Deno.symlinkSync("small", at("link"));
    Deno.symlinkSync(outside(""), at("out"));
    const paths = ["large", "none", "small", "dir", "link", "out/secret", "empty", "small/x", "small"];
    assertEquals(await store.hashes(paths), [
      sha256(large),
      null,
      sha256("hello"),
      null,
      null,
      null,
      sha256(""),
      null,
      sha256("hello"),
    ]);
    assertEquals(await store.hashes([]), []);
    const many = Array.from({ length: 3000 }, (_, n) => n % 2 === 0 ? "small" : "none");
    assertEquals(await store.hashes(many), many.map((path) => path === "small" ? sha256("hello") : null));
  });

  test("keep copies into the stage what has the right content, small or large", async ({ store, at }) => {
    const large = crypto.randomBytes(2_000_000);
    write(at("small"), "hello");
    write(at("large"), large);
    Deno.chmodSync(at("small"), 0o600);
    const session = await store.write();
    const kept = await session.commit([
      { op: "keep", path: "small", stage: 1, sha256: sha256("hello"), expect: file(5) },
      { op: "keep", path: "large", stage: 2, sha256: sha256(large), expect: file(2_000_000) },
      { op: "keep", path: "small", stage: 3, sha256: sha256("other"), expect: file(5) },
      { op: "keep", path: "large", stage: 4, sha256: sha256("other"), expect: file(2_000_000) },
      { op: "keep", path: "small", stage: 5, sha256: sha256("hello"), expect: file(5, 1) },
      { op: "keep", path: "none", stage: 6, sha256: sha256("hello"), expect: file(5) },
    ]);
    assertEquals(codes(kept), [null, null, "conflict", "conflict", "conflict", "conflict"]);
    assertEquals(list(at()).filter((name) => name !== ".ferry"), ["large", "small"]);
    const placed = await session.commit([
      { op: "file", path: "small", stage: 2, mode: 0o640, mtime: 5000, expect: file(5) },
      { op: "file", path: "large", stage: 1, mode: 0o604, mtime: 6000, expect: file(2_000_000) },
      ...[3, 4, 5, 6].map((stage): Operation => ({
        op: "file",
        path: "new",
        stage,
        mode: 0o644,
        mtime: 0,
        expect: null,
      })),
    ]);
    assertEquals(codes(placed), [null, null, "missing", "missing", "missing", "missing"]);
    await session.close();
    assertEquals([list(at()), text(at("large"))], [["large", "small"], "hello"]);
    assertEquals(Deno.readFileSync(at("small")), new Uint8Array(large));
    const [info, other] = [Deno.statSync(at("small")), Deno.statSync(at("large"))];
    assertEquals([info.mode! & 0o777, info.mtime?.getTime()], [0o640, 5000]);
    assertEquals([other.mode! & 0o777, other.mtime?.getTime()], [0o604, 6000]);
  });

  test("keep follows no link, neither at the end nor on the way", async ({ store, at, outside }) => {
    write(outside("secret"), "hello");
    Deno.symlinkSync(outside("secret"), at("link"));
    Deno.symlinkSync(outside(""), at("out"));
    const session = await store.write();
    const outcomes = await session.commit([
      { op: "keep", path: "link", stage: 1, sha256: sha256("hello"), expect: file(5) },
      { op: "keep", path: "out/secret", stage: 2, sha256: sha256("hello"), expect: file(5) },
    ]);
    assertEquals(codes(outcomes), ["conflict", "conflict"]);
    await session.close();
  });

  test("move renames a file, over another one too, and sets mode and time", async ({ store, at }) => {
    write(at("a"), "first");
    write(at("b"), "second");
    write(at("old"), "old");
    Deno.mkdirSync(at("empty"));
    const meta = { mode: 0o600, mtime: 9000 };
    const session = await store.write({ delete: true });
    const outcomes = await session.commit([
      { op: "move", path: "new", from: "a", ...meta, expect: null, expectFrom: file(5) },
      { op: "move", path: "old", from: "b", ...meta, expect: file(3), expectFrom: file(6) },
      { op: "move", path: "empty", from: "new", ...meta, expect: { kind: "dir" }, expectFrom: file(5, 9000) },
    ]);
    assertEquals(codes(outcomes), [null, null, null]);
    await session.close();
    assertEquals([list(at()), text(at("empty")), text(at("old"))], [["empty", "old"], "first", "second"]);
    const { mode, mtime } = Deno.statSync(at("old"));
    assertEquals([mode! & 0o777, mtime?.getTime()], [0o600, 9000]);
  });

  test("move takes a folder with all that is in it, if that is what is expected", async ({ store, at }) => {
    Deno.mkdirSync(at("old/deep"), { recursive: true });
    write(at("old/f"), "hello");
    write(at("old/deep/g"), "hi");
    Deno.symlinkSync("f", at("old/l"));
    const digest = folderDigest([
      ["f", { kind: "file", size: 5, mtime: MTIME, mode: 0 }],
      ["l", { kind: "symlink", target: "f", mtime: 0 }],
      ["deep", { kind: "dir", mtime: 0, mode: 0 }],
      ["deep/g", { kind: "file", size: 2, mtime: MTIME, mode: 0 }],
    ])!;
    const move = {
      op: "move",
      path: "new",
      from: "old",
      expect: null,
      expectFrom: { kind: "dir", digest },
    } as const;
    const session = await store.write({ delete: true });
    write(at("old/deep/more"), "");
    assertEquals(codes(await session.commit([move])), ["conflict"]);
    Deno.removeSync(at("old/deep/more"));
    new Deno.Command("mkfifo", { args: [at("old/pipe")] }).outputSync();
    assertEquals(codes(await session.commit([move])), ["conflict"]);
    Deno.removeSync(at("old/pipe"));
    assertEquals(codes(await session.commit([move, move])), [null, "conflict"]);
    await session.close();
    assertEquals([list(at()), list(at("new")), text(at("new/deep/g"))], [["new"], ["deep", "f", "l"], "hi"]);
  });

  test("move does nothing where either side is not what it expects", async ({ store, at, outside }) => {
    write(at("a"), "hello");
    write(at("b"), "b");
    Deno.mkdirSync(at("dir"));
    write(at("dir/f"), "f");
    write(outside("secret"), "hello");
    Deno.symlinkSync("a", at("link"));
    Deno.symlinkSync(outside(""), at("out"));
    const meta = { mode: 0o600, mtime: 9000 };
    const wrong: [string, Operation["expect"], string, MovedVersion][] = [
      ["new", null, "a", file(6)],
      ["new", null, "a", file(5, 1)],
      ["new", null, "none", file(5)],
      ["new", null, "none/deep", file(5)],
      ["new", null, "link", file(5)],
      ["new", null, "dir", file(5)],
      ["new", null, "out/secret", file(5)],
      ["new", file(1), "a", file(5)],
      ["none/new", null, "a", file(5)],
      ["out/new", null, "a", file(5)],
      ["b", null, "a", file(5)],
      ["b", file(2), "a", file(5)],
      ["new", null, "a", { kind: "dir", digest: folderDigest([])! }],
      ["new", null, "out", { kind: "dir", digest: folderDigest([])! }],
    ];
    const session = await store.write({ delete: true });
    for (const [path, expect, from, expectFrom] of wrong) {
      const more = expectFrom.kind === "file" ? meta : {};
      const outcomes = await session.commit([{ op: "move", path, from, ...more, expect, expectFrom }]);
      assertEquals([path, from, codes(outcomes)], [path, from, ["conflict"]]);
    }
    // A folder that is not empty gives way to nothing.
    const [outcome] = await session.commit([
      { op: "move", path: "dir", from: "a", ...meta, expect: { kind: "dir" }, expectFrom: file(5) },
    ]);
    assertEquals(outcome?.code, "conflict");
    await session.close();
    assertEquals([list(at()), list(at("dir"))], [["a", "b", "dir", "link", "out"], ["f"]]);
    assertEquals([text(outside("secret")), Deno.statSync(at("a")).mtime?.getTime()], ["hello", MTIME]);
  });
}
