import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { locate, type LocateOptions, overlaps, StrictPaths } from "./root.ts";

/** Makes this tree, and beside its `root` a place that no path may reach; gives both paths. */
function makeRoot(): { root: string; outside: string; [Symbol.dispose](): void } {
  const base = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-root-" }));
  const root = `${base}/root`;
  Deno.mkdirSync(`${root}/dir/deep`, { recursive: true });
  Deno.mkdirSync(`${root}/.ferry/stage`, { recursive: true });
  Deno.mkdirSync(`${root}/.dot`);
  Deno.mkdirSync(`${base}/outside`);
  // A name that starts as the root's own does.
  Deno.mkdirSync(`${base}/root2`);
  for (
    const path of [
      "root/file",
      "root/dir/f",
      "root/.dot/f",
      "outside/secret",
      "root2/secret",
      "root/.ferry/index",
    ]
  ) {
    Deno.writeTextFileSync(`${base}/${path}`, path);
  }
  const links: Record<string, string> = {
    "in": "dir/f",
    "in-abs": `${root}/dir/f`,
    "dirlink": "dir",
    "self": ".",
    "out": "../outside/secret",
    "out-abs": `${base}/outside/secret`,
    "outdir": "../outside",
    "sibling": "../root2/secret",
    "up": "..",
    "etc": "/etc/passwd",
    "dangling": "nothing",
    "dangling-out": "../outside/nothing",
    "loop": "loop",
    "loop-a": "loop-b",
    "loop-b": "loop-a",
    "chain": "in",
    "chain-out": "outdir/secret",
    "state": ".ferry/index",
    "hidden": ".dot/f",
    "back": "../root/file",
    "dir/up": "../file",
    "through-file": "file/x",
    "through-out": "../outside/secret/x",
  };
  for (const [path, target] of Object.entries(links)) Deno.symlinkSync(target, `${root}/${path}`);
  return {
    root,
    outside: `${base}/outside`,
    [Symbol.dispose]: () => Deno.removeSync(base, { recursive: true }),
  };
}

/** Where a path leads, below the root, or the code of the refusal; `?` for nothing there. */
function leads(root: string, path: string, options?: LocateOptions): string {
  try {
    const { real, info } = locate(root, path, options);
    assert(real === root || real.startsWith(root + "/"), real);
    return (real === root ? "/" : real.slice(root.length + 1)) + (info === null ? " ?" : "");
  } catch (error) {
    assert(error instanceof FerryError, String(error));
    return error.code;
  }
}

Deno.test("locate() finds what lies below the root and refuses what leads out of it", () => {
  using place = makeRoot();
  const cases: [path: string, inside: string, none: string, hidden: string, keep: string][] = [
    ["", "/", "/", "/", "/"],
    ["file", "file", "file", "file", "file"],
    ["dir/deep", "dir/deep", "dir/deep", "dir/deep", "dir/deep"],
    ["nothing", "nothing ?", "nothing ?", "nothing ?", "nothing ?"],
    ["dir/nothing", "dir/nothing ?", "dir/nothing ?", "dir/nothing ?", "dir/nothing ?"],
    ["no/such/folder", "no/such/folder ?", "no/such/folder ?", "no/such/folder ?", "no/such/folder ?"],
    ["file/x", "conflict", "conflict", "conflict", "conflict"],
    ["file/x/y", "conflict", "conflict", "conflict", "conflict"],
    ["in", "dir/f", "not_found", "dir/f", "in"],
    ["in-abs", "dir/f", "not_found", "dir/f", "in-abs"],
    ["dirlink", "dir", "not_found", "dir", "dirlink"],
    ["dirlink/f", "dir/f", "not_found", "dir/f", "dir/f"],
    ["dirlink/nothing", "dir/nothing ?", "not_found", "dir/nothing ?", "dir/nothing ?"],
    ["dirlink/up", "file", "not_found", "file", "dir/up"],
    ["self/self/file", "file", "not_found", "file", "file"],
    ["chain", "dir/f", "not_found", "dir/f", "chain"],
    ["back", "file", "not_found", "file", "back"],
    ["out", "not_found", "not_found", "not_found", "not_found"],
    ["out-abs", "not_found", "not_found", "not_found", "not_found"],
    ["outdir", "not_found", "not_found", "not_found", "not_found"],
    ["outdir/secret", "not_found", "not_found", "not_found", "not_found"],
    ["outdir/nothing", "not_found", "not_found", "not_found", "not_found"],
    ["outdir/no/such", "not_found", "not_found", "not_found", "not_found"],
    ["chain-out", "not_found", "not_found", "not_found", "not_found"],
    ["sibling", "not_found", "not_found", "not_found", "not_found"],
    ["up", "not_found", "not_found", "not_found", "not_found"],
    // Out and back in again: what counts is where it ends.
    ["up/root/file", "file", "not_found", "file", "file"],
    ["up/outside/secret", "not_found", "not_found", "not_found", "not_found"],
    ["etc", "not_found", "not_found", "not_found", "not_found"],
    ["dangling", "not_found", "not_found", "not_found", "not_found"],
    ["dangling/x", "not_found", "not_found", "not_found", "not_found"],
    ["dangling-out", "not_found", "not_found", "not_found", "not_found"],
    ["loop", "not_found", "not_found", "not_found", "not_found"],
    ["loop/x", "not_found", "not_found", "not_found", "not_found"],
    ["loop-a", "not_found", "not_found", "not_found", "not_found"],
    ["state", "not_found", "not_found", "not_found", "not_found"],
    ["hidden", ".dot/f", "not_found", "not_found", "hidden"],
    [".dot/f", ".dot/f", ".dot/f", "not_found", ".dot/f"],
    [".dot/nothing", ".dot/nothing ?", ".dot/nothing ?", "not_found", ".dot/nothing ?"],
    [".nothing", ".nothing ?", ".nothing ?", "not_found", ".nothing ?"],
    ["through-file", "not_found", "not_found", "not_found", "not_found"],
    // What is outside shows neither as there nor as a file.
    ["out/x", "not_found", "not_found", "not_found", "not_found"],
    ["outdir/secret/x", "not_found", "not_found", "not_found", "not_found"],
    ["through-out", "not_found", "not_found", "not_found", "not_found"],
    ["dir/f/x", "conflict", "conflict", "conflict", "conflict"],
  ];
  for (const [path, inside, none, hidden, keep] of cases) {
    assertEquals([path, leads(place.root, path)], [path, inside]);
    assertEquals([path, "none", leads(place.root, path, { follow: "none" })], [path, "none", none]);
    assertEquals([path, "hidden", leads(place.root, path, { hidden: false })], [path, "hidden", hidden]);
    assertEquals([path, "keep", leads(place.root, path, { leaf: "keep" })], [path, "keep", keep]);
  }
});

Deno.test("locate() sees a name that is too long for the disk as not there", () => {
  using place = makeRoot();
  assertEquals(leads(place.root, "n".repeat(300)), "not_found");
});

Deno.test("locate() says when the shared folder itself is gone", () => {
  const error = assertThrows(() => locate("/nonexistent-ferry-root", "x"), FerryError, "gone");
  assertEquals(error.code, "not_found");
});

Deno.test("locate() works for the root of the file system", () => {
  assertEquals(locate("/", "").real, "/");
  assertEquals(locate("/", "etc").real, "/etc");
  assertEquals(locate("/", "nonexistent-ferry/x").info, null);
});

Deno.test("StrictPaths.locate() follows no link at all, wherever it leads", () => {
  using place = makeRoot();
  const cases: [string, string | null][] = [
    ["file", "file"],
    ["nothing", "nothing"],
    ["dir/f", "dir/f"],
    ["dir/nothing", "dir/nothing"],
    // The last name is never looked at: the caller deals with links there.
    ["out", "out"],
    ["dirlink/f", null],
    ["self/file", null],
    ["outdir/secret", null],
    ["up/outside/secret", null],
    ["dir/../file", null],
    ["dangling/x", null],
    ["loop/x", null],
    ["no/such", null],
  ];
  const shared = new StrictPaths(place.root);
  for (const paths of [shared, null]) {
    for (const [path, expected] of cases) {
      const strict = paths ?? new StrictPaths(place.root);
      if (expected === null) {
        assertEquals(assertThrows(() => strict.locate(path), FerryError).code, "conflict");
      } else assertEquals(strict.locate(path), `${place.root}/${expected}`);
    }
  }
});

Deno.test("StrictPaths.locate() notices when the root itself becomes a link", () => {
  using place = makeRoot();
  Deno.renameSync(place.root, place.root + "-moved");
  Deno.symlinkSync(place.outside, place.root);
  assertThrows(() => new StrictPaths(place.root).locate("secret"), FerryError, "a symbolic link");
});

Deno.test("overlaps() tells folders apart by their names, not their letters", () => {
  const cases: [string, string, boolean][] = [
    ["/a", "/a", true],
    ["/a", "/a/b", true],
    ["/a/b", "/a", true],
    ["/a", "/ab", false],
    ["/a/b", "/a/c", false],
    ["/", "/a", true],
  ];
  for (const [a, b, expected] of cases) assertEquals([a, b, overlaps(a, b)], [a, b, expected]);
});
