import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Listing } from "../../wire/tree.ts";
import { addChecksums, hashFile, scanFolders, scanTree } from "./scan.ts";

function tempDir() {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-scan-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

function shell(cwd: string, script: string): void {
  const { success, stderr } = new Deno.Command("sh", { args: ["-ec", script], cwd }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
}

Deno.test("scanFolders() lists each folder once, parents first, and never follows a link", () => {
  using dir = tempDir();
  shell(
    dir.path,
    "mkdir -p a/b/c z; touch a/f a/b/g; ln -s . a/self; ln -s /etc a/etc; ln -s nowhere dangling",
  );
  const seen = [...scanFolders(dir.path)].map((listing) => listing.dir);
  assertEquals([...seen].sort(), ["", "a", "a/b", "a/b/c", "z"]);
  for (const path of seen) {
    if (path.includes("/")) assert(seen.indexOf(path) > seen.indexOf(path.slice(0, path.lastIndexOf("/"))));
  }
});

Deno.test("scanFolders() throws when the root itself cannot be read", () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  for (const path of [`${dir.path}/none`, `${dir.path}/file`]) {
    const error = assertThrows(() => scanFolders(path).next(), FerryError, path);
    assertEquals(error.code, "read_failed");
  }
});

Deno.test("scanFolders() makes a folder that vanished before it was read a problem", () => {
  using dir = tempDir();
  shell(dir.path, "mkdir a b");
  const listings: Listing[] = [];
  for (const listing of scanFolders(dir.path)) {
    listings.push(listing);
    if (listing.dir === "") Deno.removeSync(`${dir.path}/a`);
  }
  const a = listings.find((listing) => listing.dir === "a");
  assert(a !== undefined && "problem" in a && a.problem.code === "unreadable");
  assert(listings.some((listing) => listing.dir === "b" && "entries" in listing));
});

Deno.test("scanFolders() leaves out what the reader may not see, with all below it", () => {
  using dir = tempDir();
  shell(dir.path, "mkdir -p a/b c; touch a/f a/b/g c/h");
  const paths = [...scanFolders(dir.path, { visible: (path) => path !== "a/b" && path !== "c/h" })]
    .flatMap((listing) =>
      "entries" in listing ? listing.entries.map(([name]) => `${listing.dir}/${name}`) : []
    );
  assertEquals(paths.sort(), ["/a", "/c", "a/f"]);
});

Deno.test("scanTree() leaves out Ferry's own state at any depth, and only that", async () => {
  using dir = tempDir();
  shell(
    dir.path,
    "mkdir -p .ferry/stage a/.ferry b/.ferryx; touch .ferry/index a/.ferry/x a/f.ferry b/.FERRY",
  );
  assertEquals([...(await scanTree(dir.path)).keys()].sort(), [
    "a",
    "a/f.ferry",
    "b",
    "b/.FERRY",
    "b/.ferryx",
  ]);
});

Deno.test("scanTree() reports what cannot be replicated", async () => {
  using dir = tempDir();
  shell(
    dir.path,
    `mkfifo pipe; : > "$(printf 'bad\\377')"; : > "$(printf 'bad\\376')"; ln -s "$(printf 'to\\377')" link; ` +
      `: > "$(printf 'good\\357\\277\\275')"; ln -s "$(printf 'to\\357\\277\\275')" mark`,
  );
  const listener = Deno.listen({ transport: "unix", path: `${dir.path}/sock` });
  const tree = await scanTree(dir.path);
  listener.close();
  const codes = [...tree].map(([path, entry]) => [path, entry.kind === "problem" ? entry.code : entry.kind]);
  assertEquals(codes.sort(), [
    // Two of them look alike: one line will do.
    ["bad\ufffd", "not_utf8"],
    ["good\ufffd", "file"],
    ["link", "not_utf8"],
    // Nobody can tell this one from a target that is not UTF-8.
    ["mark", "not_utf8"],
    ["pipe", "unsupported_kind"],
    ["sock", "unsupported_kind"],
  ]);
});

Deno.test("scanTree() refuses paths that are too long to be served", async () => {
  using dir = tempDir();
  const name = "n".repeat(250);
  // Longer than a system call takes, so one half is moved into the other.
  const half = Array(9).fill(name).join("/");
  Deno.mkdirSync(`${dir.path}/a/${half}`, { recursive: true });
  Deno.mkdirSync(`${dir.path}/${half}`, { recursive: true });
  Deno.renameSync(`${dir.path}/a/${name}`, `${dir.path}/${half}/${name}`);
  Deno.removeSync(`${dir.path}/a`);
  const entries = [...(await scanTree(dir.path)).values()];
  assertEquals(entries.filter((entry) => entry.kind === "dir").length, 15);
  assertEquals(entries.flatMap((entry) => entry.kind === "problem" ? [entry.code] : []), ["refused_name"]);
});

Deno.test("scanTree() keeps only the permission bits", async () => {
  using dir = tempDir();
  shell(dir.path, "touch f; chmod 4751 f; mkdir d; chmod 1777 d");
  const tree = await scanTree(dir.path);
  assertEquals([...tree].map(([path, entry]) => [path, "mode" in entry && entry.mode]).sort(), [
    ["d", 0o777],
    ["f", 0o751],
  ]);
});

Deno.test("addChecksums() makes a file that cannot be read any more a problem", async () => {
  using dir = tempDir();
  shell(dir.path, "printf hello > a; printf x > b; mkdir d");
  const [listing] = scanFolders(dir.path);
  Deno.removeSync(`${dir.path}/b`);
  await addChecksums(dir.path, listing);
  assert("entries" in listing);
  const byName = new Map(listing.entries);
  const a = byName.get("a");
  assertEquals(a?.kind === "file" && a.sha256, await hashFile(`${dir.path}/a`));
  assertEquals([byName.get("b")?.kind, byName.get("d")?.kind], ["problem", "dir"]);
});
