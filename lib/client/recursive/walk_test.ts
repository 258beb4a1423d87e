import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import type { Listed, Listing } from "./listed.ts";
import { LocalTree } from "./local_tree.ts";
import { DEFAULT_DEPTH, type Step, walk, type WalkTools } from "./walk.ts";

function tempDir(): { path: string } & Disposable {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-test-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

const ROOT = new URL("http://host/pub/");

/** A listing of these names, folders with a slash. */
function listing(names: readonly string[]): Listing {
  const entries = names.map((name): Listed =>
    name.endsWith("/") ? { name: name.slice(0, -1), kind: "dir" } : { name, kind: "file" }
  );
  return { entries, refused: [], precision: 1 };
}

/** The steps of a walk through a server that lists `folders`, by their paths. */
async function steps(
  folders: Record<string, readonly string[]>,
  options: { dir: string; depth?: number; hides?: WalkTools["hides"] },
): Promise<Step[]> {
  const read = (url: URL) => {
    const names = folders[decodeURIComponent(url.pathname)];
    if (names === undefined) throw new FerryError("http_status", `${url.href}: 404 Not Found`);
    return Promise.resolve(listing(names));
  };
  const tools: WalkTools = {
    read: async (url) => await read(url),
    local: new LocalTree(options.dir),
    hides: options.hides,
  };
  return await all(walk(ROOT, options.depth ?? DEFAULT_DEPTH, tools));
}

async function all(folders: AsyncIterable<Iterable<Step>>): Promise<Step[]> {
  const found: Step[] = [];
  for await (const steps of folders) found.push(...steps);
  return found;
}

const shown = (found: Step[]) =>
  found.map((step) => step.kind === "fetch" ? `${step.path} ${step.url}` : step.kind).sort();

Deno.test("walk() finds every file, and makes every folder", async () => {
  using dir = tempDir();
  const tree = {
    "/pub/": ["a b", "x/", "empty/"],
    "/pub/x/": ["ü?", "y/"],
    "/pub/x/y/": ["..."],
    "/pub/empty/": [],
  };
  assertEquals(shown(await steps(tree, { dir: dir.path })), [
    "a b http://host/pub/a%20b",
    "x/y/... http://host/pub/x/y/...",
    "x/ü? http://host/pub/x/%C3%BC%3F",
  ]);
  assertEquals(Deno.statSync(`${dir.path}/empty`).isDirectory, true);
});

Deno.test("walk() goes no deeper than it is told, and says so where it was not told", async () => {
  using dir = tempDir();
  const tree = {
    "/pub/": ["0", "a/"],
    "/pub/a/": ["1", "b/"],
    "/pub/a/b/": ["2", "c/"],
    "/pub/a/b/c/": ["3"],
  };
  const paths = async (depth: number) =>
    (await steps(tree, { dir: dir.path, depth })).map((step) =>
      step.kind === "fetch" ? step.path : step.kind
    );
  assertEquals(await paths(0), ["0"]);
  assertEquals(await paths(1), ["0", "a/1"]);
  assertEquals(await paths(3), ["0", "a/1", "a/b/2", "a/b/c/3"]);
  // A folder that lists itself for ever.
  const loop = async (url: URL) => await Promise.resolve(listing([url.pathname.length > 9999 ? "x" : "a/"]));
  const found = await all(walk(ROOT, DEFAULT_DEPTH, { read: loop, local: new LocalTree(dir.path) }));
  assertEquals(found.map(({ kind }) => kind), ["problem"]);
  const [problem] = found;
  if (problem.kind === "problem") assertStringIncludes(problem.error.message, "more than 64 folders deep");
});

Deno.test("walk() leaves out what is hidden, with all below it", async () => {
  using dir = tempDir();
  const tree = { "/pub/": ["a", "b.o", "x/", "y/"], "/pub/y/": ["c.o", "d"] };
  const hides = (path: string, kind: string) => path.endsWith(".o") || (path === "x" && kind === "dir");
  assertEquals(shown(await steps(tree, { dir: dir.path, hides })), [
    "a http://host/pub/a",
    "y/d http://host/pub/y/d",
  ]);
  assertEquals([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["y"]);
});

Deno.test("walk() goes on after a folder that cannot be read, or not be made here", async () => {
  using dir = tempDir();
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  const tree = { "/pub/": ["gone/", "file/", "x/"], "/pub/file/": ["y"], "/pub/x/": ["z"] };
  assertEquals(shown(await steps(tree, { dir: dir.path })), [
    "problem",
    "problem",
    "x/z http://host/pub/x/z",
  ]);
});

Deno.test("walk() takes no path that is longer than a path can be", async () => {
  using dir = tempDir();
  const name = "x".repeat(250);
  const deep = Array.from({ length: 17 }, (_, depth) => "/pub/" + `${name}/`.repeat(depth));
  const tree = Object.fromEntries(deep.map((path) => [path, [`${name}/`]]));
  const found = await steps(tree, { dir: dir.path });
  assertEquals(found.map(({ kind }) => kind), ["problem"]);
  if (found[0].kind === "problem") assertStringIncludes(found[0].error.message, "a path over 4000 bytes");
});

Deno.test("walk() ends with what is no trouble of one folder alone", async () => {
  using dir = tempDir();
  const read = () => Promise.reject(new TypeError("a bug"));
  await assertRejects(
    () => all(walk(ROOT, 1, { read, local: new LocalTree(dir.path) })),
    TypeError,
  );
});

Deno.test("walk() ends where a server makes up more folders than anybody has, before they fill the memory", async () => {
  using dir = tempDir();
  let asked = 0;
  const read = () => {
    asked++;
    const entries = Array.from(
      { length: 300_000 },
      (_, index): Listed => ({ name: `${index}`, kind: "dir" }),
    );
    return Promise.resolve({ entries, refused: [], precision: 1 } as Listing);
  };
  const tools: WalkTools = { read, local: new LocalTree(dir.path) };
  const error = await assertRejects(() => all(walk(ROOT, DEFAULT_DEPTH, tools)), FerryError);
  assertEquals(error.code, "guard");
  assertStringIncludes(error.message, "more than 1000000 folders wait to be read");
  assert(asked < 12, `${asked} listings`);
});
