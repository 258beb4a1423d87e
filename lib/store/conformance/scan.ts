/** What a store holds: its kind, and its tree. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Entry } from "../../core/entry.ts";
import { FerryError } from "../../core/errors.ts";
import { list, type Test, write } from "./bench.ts";

/** Registers the tests with `test`. */
export function testScan(test: Test): void {
  test("kind() tells a folder, a file and nothing apart", async ({ store, outside, beside }) => {
    assertEquals(await store.kind(), "dir");
    Deno.writeTextFileSync(outside("file"), "x");
    await using file = await beside("file");
    assertEquals(await file.store.kind(), "file");
    await using absent = await beside("none/deep");
    assertEquals(await absent.store.kind(), "absent");
  });

  test("scan() gives every path with its kind, size, time and mode, parents first", async ({ store, at }) => {
    Deno.mkdirSync(at("d/empty"), { recursive: true });
    write(at("d/f"), "hello", -86_400_000);
    Deno.chmodSync(at("d/f"), 0o751);
    Deno.symlinkSync("../../nowhere é", at("d/link"));
    Deno.mkdirSync(at("d/.ferry/stage"), { recursive: true });
    Deno.mkdirSync(at(".ferry"));
    write(at(".ferry/index"), "state");
    Deno.chmodSync(at("d/empty"), 0o700);
    Deno.utimeSync(at("d/empty"), new Date(1234), new Date(1234));
    const tree = await store.scan();
    assertEquals([...tree.keys()].sort(), ["d", "d/empty", "d/f", "d/link"]);
    assertEquals([...tree.keys()][0], "d");
    assertEquals(tree.get("d/empty"), { kind: "dir", mode: 0o700, mtime: 1234 });
    assertEquals(tree.get("d/f"), { kind: "file", size: 5, mode: 0o751, mtime: -86_400_000 });
    const link = tree.get("d/link") as Entry & { kind: "symlink" };
    assertEquals([link.kind, link.target], ["symlink", "../../nowhere é"]);
  });

  test("scan() gives digests when asked", async ({ store, at }) => {
    write(at("f"), "hello");
    const file = (await store.scan({ checksum: true })).get("f") as Entry & { kind: "file" };
    assertEquals(file.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  });

  test("scan() leaves out what its filter hides, and does not tell of it", async ({ store, at }) => {
    for (const path of ["a/skip/deep/f", "a/keep", "skip/g", "z"]) {
      Deno.mkdirSync(at(path).replace(/\/[^/]*$/, ""), { recursive: true });
      write(at(path), "x");
    }
    const told: string[] = [];
    const asked: string[] = [];
    const hides = (path: string) => {
      asked.push(path);
      return /(^|\/)(skip|z)$/.test(path);
    };
    const tree = await store.scan({ filter: { hides }, onFile: (path) => told.push(path) });
    assertEquals([...tree.keys()].sort(), ["a", "a/keep"]);
    assertEquals(told, ["a/keep"]);
    // Nothing below is asked about, and nothing twice.
    assertEquals(asked.sort(), ["a", "a/keep", "a/skip", "skip", "z"]);
  });

  test("scan() gives the text of filter files before what lies beside them", async ({ store, at }) => {
    Deno.mkdirSync(at("d/e"), { recursive: true });
    // Enough for a listing in parts.
    for (let i = 0; i < 2500; i++) write(at(`d/${i}`), "");
    write(at("d/.ferryignore"), "é\n*.log");
    Deno.mkdirSync(at(".ferryignore"));
    write(at("d/e/.ferryignore"), "bad");
    write(at("d/e/f"), "");
    const seen: string[] = [];
    const tree = await store.scan({
      filter: {
        rules: (dir, text) => {
          seen.push(`${dir}: ${text}`);
          return text === "bad" ? "it is bad" : null;
        },
        hides: (path) => (seen.push(path), false),
      },
    });
    assertEquals(seen.filter((path) => path === "d" || path.startsWith("d")).slice(0, 2), [
      "d",
      "d: é\n*.log",
    ]);
    assertEquals(seen.filter((line) => line.startsWith("d/e")), ["d/e", "d/e: bad"]);
    // One that cannot be used makes its folder one that cannot be read.
    assertEquals(tree.get("d/e"), {
      kind: "problem",
      code: "unreadable",
      message: ".ferryignore: it is bad",
    });
    assertEquals([tree.size, tree.has("d/e/f")], [2504, false]);
  });

  test("scan() makes a folder whose filter file is too large a problem", async ({ store, at }) => {
    Deno.mkdirSync(at("d"));
    write(at("d/.ferryignore"), "#".repeat(64 * 1024 + 1));
    write(at("d/f"), "");
    const tree = await store.scan({ filter: { rules: () => null, hides: () => false } });
    assertEquals([...tree.keys()], ["d"]);
    assertEquals(tree.get("d"), {
      kind: "problem",
      code: "unreadable",
      message: "d/.ferryignore: it is larger than 64 KiB",
    });
    assertEquals((await store.scan()).size, 3);
  });

  test("scan() makes what cannot be replicated a problem and goes on", async ({ store, at }) => {
    write(at("good"), "x");
    new Deno.Command("mkfifo", { args: [at("pipe")] }).outputSync();
    // Bytes that are not UTF-8 cannot be spelt from here.
    new Deno.Command("sh", { args: ["-c", `cd "$1" && : > "$(printf 'bad\\377name')"`, "sh", at()] })
      .outputSync();
    new Deno.Command("sh", { args: ["-c", `cd "$1" && ln -s "$(printf 'to\\377')" l`, "sh", at()] })
      .outputSync();
    const tree = await store.scan();
    const problems = [...tree].filter(([, entry]) => entry.kind === "problem");
    assertEquals(problems.map(([path, entry]) => [path, entry.kind === "problem" && entry.code]).sort(), [
      ["bad\ufffdname", "not_utf8"],
      ["l", "not_utf8"],
      ["pipe", "unsupported_kind"],
    ]);
    assertEquals(tree.get("good")?.kind, "file");
  });

  test("scan() of nothing is refused, and makes nothing", async ({ store, outside }) => {
    await assertRejects(() => store.scan(), FerryError);
    assertEquals(list(outside("")), []);
  }, null);
}
