import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Entry } from "../core/entry.ts";
import { FerryError } from "../core/errors.ts";
import { childPath, nameProblem } from "../core/paths.ts";
import { MAX_TREE_LINE_BYTES } from "./limits.ts";
import { LineSplitter, type Listing, treeEnd, treeHead, treeLine, TreeReader } from "./tree.ts";

function read(lines: readonly string[]) {
  const reader = new TreeReader();
  for (const line of lines) reader.line(line);
  return reader.finish();
}

const HEAD = '{"ferry":1}';
const root = (...entries: unknown[]) => JSON.stringify({ dir: "", entries });
const dir = (path: string, ...entries: unknown[]) => JSON.stringify({ dir: path, entries });
const end = (count: number) => JSON.stringify({ end: count });

const time = fc.integer({ min: -(2 ** 47), max: 2 ** 47 });
const mode = fc.integer({ min: 0, max: 0o777 });
const leaf: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), size: fc.maxSafeNat(), mtime: time, mode }),
  fc.record({
    kind: fc.constant("file" as const),
    size: fc.maxSafeNat(),
    mtime: time,
    mode,
    sha256: fc.constant("0123456789abcdef".repeat(4)),
  }),
  fc.record({
    kind: fc.constant("symlink" as const),
    target: fc.string({ unit: "binary", minLength: 1, maxLength: 30 }).filter((text) => !text.includes("\0")),
    mtime: time,
  }),
  fc.record({
    kind: fc.constant("problem" as const),
    code: fc.constantFrom("unreadable" as const, "not_utf8" as const),
    message: fc.string({ maxLength: 30 }),
  }),
);
const name = fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((text) =>
  nameProblem(text) === null
);

interface Folder {
  kind: "dir";
  mtime: number;
  mode: number;
  children: [string, Entry | Folder][];
}
const { folder } = fc.letrec<{ folder: Folder; child: Entry | Folder }>((tie) => ({
  folder: fc.record({
    kind: fc.constant("dir" as const),
    mtime: time,
    mode,
    children: fc.uniqueArray(fc.tuple(name, tie("child")), { maxLength: 4, selector: ([key]) => key }),
  }),
  child: fc.oneof({ depthSize: "small" }, leaf, tie("folder")),
}));

function listingsOf(path: string, { children }: Folder): Listing[] {
  const entries = children.map(([key, child]): [string, Entry] =>
    "children" in child ? [key, { kind: "dir", mtime: child.mtime, mode: child.mode }] : [key, child]
  );
  const below = children.flatMap(([key, child]) =>
    "children" in child ? listingsOf(childPath(path, key), child) : []
  );
  return [{ dir: path, entries }, ...below];
}

Deno.test("TreeReader puts together what treeLine() wrote, whatever the names", () => {
  fc.assert(fc.property(folder, (top) => {
    const listings = listingsOf("", top);
    const expected = listings.flatMap((listing) =>
      "entries" in listing ? listing.entries.map(([key, entry]) => [childPath(listing.dir, key), entry]) : []
    );
    const text = treeHead() + listings.map(treeLine).join("") + treeEnd(expected.length);
    const lines = [...new LineSplitter().push(new TextEncoder().encode(text))];
    assertEquals([...read(lines)], expected as [string, Entry][]);
  }));
});

Deno.test("TreeReader makes a folder that could not be read a problem, and ends at a root that could not", () => {
  const problem = { code: "unreadable", message: "permission denied" } as const;
  const lines = [HEAD, root(["a", "d", 1, 0o755]), treeLine({ dir: "a", problem }).trim(), end(1)];
  assertEquals([...read(lines)], [["a", { kind: "problem", ...problem }]]);
  const error = assertThrows(
    () => read([HEAD, treeLine({ dir: "", problem })]),
    FerryError,
    "permission denied",
  );
  assertEquals(error.code, "read_failed");
});

Deno.test("TreeReader refuses names that no entry can have, each as a problem of its own", () => {
  const names = [
    "..",
    ".",
    "",
    "a/b",
    "../../etc/passwd",
    "/etc/passwd",
    ".ferry",
    "a\0b",
    "\ud800",
    "n".repeat(256),
  ];
  for (const bad of names) {
    for (const entry of [[bad, "f", 3, 1, 0o644], [bad, "d", 1, 0o755], [bad, "l", 1, "/etc"]]) {
      const tree = read([HEAD, root(entry, ["good", "f", 1, 1, 0o644]), end(2)]);
      assertEquals(tree.size, 2);
      assertEquals(tree.get("good")?.kind, "file");
      const [[key, refused]] = tree;
      assert(refused.kind === "problem" && refused.code === "refused_name", `${bad}: ${refused.kind}`);
      // Under no key that a real path could have.
      assert(key.includes("\0"), key);
    }
  }
});

Deno.test("TreeReader keeps a refused name apart from the real path it looks like", () => {
  const tree = read([
    HEAD,
    root(["a", "d", 1, 0o755], ["a/b", "f", 9, 9, 0o644]),
    dir("a", ["b", "f", 1, 1, 0o644]),
    end(3),
  ]);
  assertEquals(tree.get("a/b"), { kind: "file", size: 1, mtime: 1, mode: 0o644 });
  assertEquals([...tree.values()].filter((entry) => entry.kind === "problem").length, 1);
});

Deno.test("TreeReader refuses a tree that no honest sender would send", () => {
  const file = ["f", "f", 1, 1, 0o644];
  const cases: [string, string[], string][] = [
    ["nothing", [], "ends early"],
    ["no end", [HEAD, root(file)], "ends early"],
    ["a head alone", [HEAD], "ends early"],
    ["no head", [root(file), end(1)], "another version"],
    ["another version", ['{"ferry":2}', root(), end(0)], "another version"],
    ["a version as text", ['{"ferry":"1"}', root(), end(0)], "another version"],
    ["no JSON", [HEAD, "<html>"], "not JSON"],
    ["a list", [HEAD, "[]"], "not an object"],
    ["nothing but empty lines", [HEAD, ...Array(4321).fill("")], "nothing but empty lines"],
    ["a count too small", [HEAD, root(file), end(0)], "entries are missing"],
    ["a count too large", [HEAD, root(file), end(2)], "entries are missing"],
    ["a line after the end", [HEAD, root(), end(0), root()], "after its end"],
    ["the root twice", [HEAD, root(), root()], "not announced"],
    ["no root", [HEAD, end(0)], "never listed"],
    ["a folder never listed", [HEAD, root(["a", "d", 1, 0o755]), end(1)], "never listed"],
    ["a folder listed twice", [HEAD, root(["a", "d", 1, 0o755]), dir("a"), dir("a")], "not announced"],
    ["a folder never named", [HEAD, root(), dir("a")], "not announced"],
    ["an empty piece", [HEAD, '{"dir":"","more":true,"entries":[]}'], "an empty piece"],
    [
      "a last piece missing",
      [HEAD, '{"dir":"","more":true,"entries":[["f","f",1,1,420]]}', end(1)],
      "never listed",
    ],
    ["a piece after the last", [HEAD, root(file), root(["g", "f", 1, 1, 0o644])], "not announced"],
    [
      "a name in two pieces",
      [HEAD, '{"dir":"","more":true,"entries":[["f","f",1,1,420]]}', root(file)],
      "an entry twice",
    ],
    ["a child before its parent", [HEAD, dir("a"), root()], "not announced"],
    ["below a file", [HEAD, root(["a", "f", 1, 1, 0o644]), dir("a", file)], "not announced"],
    ["below a link", [HEAD, root(["a", "l", 1, "/etc"]), dir("a", file)], "not announced"],
    ["below a refused folder", [HEAD, root(["..", "d", 1, 0o755]), dir("..", file)], "not announced"],
    ["below a deep one", [HEAD, root(["a", "d", 1, 0o755]), dir("a/..", file)], "not announced"],
    ["an absolute folder", [HEAD, root(), dir("/etc", file)], "not announced"],
    ["a folder that is no text", [HEAD, '{"dir":1,"entries":[]}'], "not announced"],
    ["a folder without entries", [HEAD, '{"dir":""}'], "without entries"],
    ["the same name twice", [HEAD, root(file, file)], "an entry twice"],
    ["the same refused name twice", [HEAD, root(["..", "f"], ["..", "f"])], "an entry twice"],
    ["a file and a folder of one name", [HEAD, root(file, ["f", "d", 1, 0o755])], "an entry twice"],
    ["an entry that is no list", [HEAD, root("f")], "without a name"],
    ["an entry without a name", [HEAD, root([1, "f", 1, 1, 1])], "without a name"],
    ["an unknown kind", [HEAD, root(["a", "x", 1])], "does not fit"],
    ["a negative size", [HEAD, root(["a", "f", -1, 1, 0o644])], "does not fit"],
    ["half a byte", [HEAD, root(["a", "f", 0.5, 1, 0o644])], "does not fit"],
    ["a size past 2^53", [HEAD, '{"dir":"","entries":[["a","f",9007199254740993,1,420]]}'], "does not fit"],
    ["a size as text", [HEAD, root(["a", "f", "1", 1, 0o644])], "does not fit"],
    ["a time past all", [HEAD, root(["a", "f", 1, 2 ** 50, 0o644])], "does not fit"],
    ["a time of null", [HEAD, root(["a", "f", 1, null, 0o644])], "does not fit"],
    ["set-user-id", [HEAD, root(["a", "f", 1, 1, 0o4755])], "does not fit"],
    ["a negative mode", [HEAD, root(["a", "d", 1, -1])], "does not fit"],
    ["a folder without a mode", [HEAD, root(["a", "d", 1])], "does not fit"],
    ["a short digest", [HEAD, root(["a", "f", 1, 1, 0o644, "abc"])], "does not fit"],
    ["a digest in capitals", [HEAD, root(["a", "f", 1, 1, 0o644, "A".repeat(64)])], "does not fit"],
    ["a link without a target", [HEAD, root(["a", "l", 1])], "link target"],
    ["a link with an empty target", [HEAD, root(["a", "l", 1, ""])], "link target"],
    ["a link with a NUL", [HEAD, root(["a", "l", 1, "x\0"])], "link target"],
    ["a link with a target past PATH_MAX", [HEAD, root(["a", "l", 1, "x".repeat(4096)])], "link target"],
  ];
  for (const [label, lines, text] of cases) {
    const error = assertThrows(() => read(lines), FerryError);
    assertEquals([label, error.code], [label, "protocol"]);
    assert(error.message.includes(text), `${label}: ${error.message}`);
  }
});

Deno.test("TreeReader takes a large folder in pieces, and tells of each file as it comes", () => {
  const seen: string[] = [];
  const reader = new TreeReader({ onFile: (path) => seen.push(path) });
  const pieces: Listing[] = [
    { dir: "", entries: [["a", { kind: "file", size: 1, mtime: 1, mode: 0o644 }]], more: true },
    { dir: "", entries: [["d", { kind: "dir", mtime: 1, mode: 0o755 }]], more: true },
    { dir: "", entries: [["b", { kind: "file", size: 2, mtime: 1, mode: 0o644 }]] },
    { dir: "d", entries: [] },
  ];
  for (const line of [treeHead(), ...pieces.map(treeLine), treeEnd(3)]) reader.line(line.trim());
  assertEquals([[...reader.finish().keys()], seen], [["a", "d", "b"], ["a", "b"]]);
});

Deno.test("LineSplitter cuts lines wherever the chunks end", () => {
  const text = new TextEncoder().encode("é😀\n\nlast\nrest");
  fc.assert(fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
    const splitter = new LineSplitter();
    const at = [0, ...cuts.sort((a, b) => a - b), text.length];
    const lines = at.slice(1).flatMap((stop, index) => [...splitter.push(text.subarray(at[index], stop))]);
    assertEquals(lines, ["é😀", "", "last"]);
  }));
});

Deno.test("LineSplitter refuses a line without an end and bytes that are not UTF-8", () => {
  const splitter = new LineSplitter();
  const chunk = new Uint8Array(8 * 1024 * 1024).fill(0x61);
  const rounds = Math.ceil(MAX_TREE_LINE_BYTES / chunk.length);
  const push = () => {
    for (let i = 0; i <= rounds; i++) assertEquals([...splitter.push(chunk)], []);
  };
  assertThrows(push, FerryError, "a line without an end");
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80, 0x0a]]) {
    assertThrows(() => [...new LineSplitter().push(new Uint8Array(bytes))], FerryError, "not UTF-8");
  }
});
