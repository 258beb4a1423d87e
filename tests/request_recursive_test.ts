/** `ferry request --recursive` from servers that people have, each with listings of its own. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, type TempDir, tempDir } from "./harness.ts";
import {
  apacheServer,
  caddyServer,
  hasNginxDav,
  type ListingServer,
  nginxServer,
  pythonServer,
  rcloneServer,
} from "./listing_servers.ts";
import { installed } from "./programs.ts";

/** Names that need quoting somewhere. */
const TREE: Record<string, string | null> = {
  "a.txt": "one",
  "folder/deep/ü 100%.txt": "two",
  "folder/b & <c>.txt": "three",
  "empty dir": null,
  "emoji 😀/x": "four",
  "new\nline": "five",
  "-rf": "six",
  "--output=x": "seven",
  "co:lon": "eight",
  "http:": "nine",
  "what?x=1#y": "ten",
  "C=N;O=D": "eleven",
  "Parent Directory": "twelve",
  "%2e%2e": "thirteen",
  "&amp;": "fourteen",
  "quo\"t'es": "fifteen",
  " spaces ": "sixteen",
  "esc\x1b[31mred": "seventeen",
  ["n".repeat(255)]: "eighteen",
  "index.htm_": "",
  "large.bin": "x".repeat(300_000),
};
const DOTTED: Record<string, string> = { ".dot": "hidden", ".hidden/x": "hidden too", "...": "dots" };

const TIME = 1_700_000_000;

/** A folder with the tree in it, every file changed at `TIME`. */
function share(): TempDir {
  const dir = tempDir({ ...TREE, ...DOTTED });
  for (const name of Object.keys({ ...TREE, ...DOTTED })) Deno.utimeSync(dir.at(name), TIME, TIME);
  return dir;
}

/** Every path below `root`, with what is in its file, and when that was changed; folders with null. */
function contents(root: string): Record<string, [text: string, seconds: number] | null> {
  const found: [string, [string, number] | null][] = [];
  const visit = (prefix: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${root}/${prefix}`)) {
      const path = prefix + name;
      if (isDirectory) {
        found.push([path, null]);
        visit(path + "/");
      } else {
        const seconds = Math.floor(Deno.lstatSync(`${root}/${path}`).mtime!.getTime() / 1000);
        found.push([path, [Deno.readTextFileSync(`${root}/${path}`), seconds]]);
      }
    }
  };
  visit("");
  return Object.fromEntries(found.sort());
}

/** What has to have arrived from a server that shows names with a dot in front, or does not. */
function expected(dots: boolean): Record<string, [string, number] | null> {
  const found = new Map<string, [string, number] | null>();
  for (const [path, text] of Object.entries(dots ? { ...TREE, ...DOTTED } : TREE)) {
    const names = path.split("/");
    for (let depth = 1; depth < names.length; depth++) found.set(names.slice(0, depth).join("/"), null);
    found.set(path, text === null ? null : [text, TIME]);
  }
  return Object.fromEntries([...found].sort());
}

const FILES = Object.values(TREE).filter((text) => text !== null).length;
const ALL_FILES = FILES + Object.keys(DOTTED).length;

/** Mirrors `url` twice: all of it must arrive, and the second time nothing may be fetched. */
async function mirrors(url: string, options: { dots: boolean; args?: string[] }): Promise<void> {
  using dir = tempDir();
  const args = ["request", "--recursive", url, "--output-dir", dir.at("copy"), ...(options.args ?? [])];
  const first = await ferry(args);
  assertEquals(first.code, 0, `${url}: ${first.stderr}`);
  assertEquals(contents(dir.at("copy")), expected(options.dots), url);
  const count = options.dots ? ALL_FILES : FILES;
  assertStringIncludes(first.stderr, `ferry: ${count} files fetched (`);
  assertStringIncludes(first.stderr, "), 0 unchanged, 0 failed\n");
  const again = await ferry(args);
  assertEquals([again.code, again.stdout], [0, ""]);
  assertEquals(again.stderr, `ferry: 0 files fetched (0 B), ${count} unchanged, 0 failed\n`, url);
  assertEquals(contents(dir.at("copy")), expected(options.dots), url);
}

Deno.test("request --recursive mirrors a folder of ferry serve", async () => {
  using dir = share();
  await using server = await serve(dir.path, ["--hidden"]);
  await mirrors(server.url + "/", { dots: true });
});

/** Runs `body` against a server of somebody else's. */
function against(
  name: string,
  program: string,
  start: (dir: string, scratch: string) => Promise<ListingServer>,
  body: (url: string) => Promise<unknown>,
): void {
  Deno.test({
    name: `request --recursive mirrors a folder of ${name}`,
    ignore: !installed(program),
    async fn() {
      using dir = share();
      using scratch = tempDir();
      await using server = await start(dir.path, scratch.path);
      await body(server.url);
    },
  });
}

against("nginx, from pages, JSON and WebDAV", "nginx", nginxServer, async (url) => {
  await mirrors(url + "html/", { dots: false });
  await mirrors(url + "json/", { dots: false });
  if (hasNginxDav()) await mirrors(url + "dav/", { dots: false });
});
against("Caddy", "caddy", caddyServer, (url) => mirrors(url, { dots: true }));
against("Apache, from all its pages and WebDAV", "apache2", apacheServer, async (url) => {
  for (const way of ["plain", "fancy", "table", "dav"]) await mirrors(`${url}${way}/`, { dots: true });
});
// It resets connections when more than a few come at once.
against(
  "Python's http.server",
  "python3",
  pythonServer,
  (url) => mirrors(url, { dots: true, args: ["--parallel", "2"] }),
);

Deno.test({
  name: "request --recursive mirrors a folder of rclone, over WebDAV alone too",
  ignore: !installed("rclone"),
  async fn() {
    // rclone shows control characters as pictures of them.
    using dir = tempDir({ "a b/ü": "one", "c.txt": "two" });
    using copy = tempDir();
    for (const how of ["http", "webdav"] as const) {
      await using server = await rcloneServer(how, dir.path);
      const run = await ferry(["request", "--recursive", server.url, "--output-dir", copy.at(how)]);
      assertEquals(run.code, 0, run.stderr);
      assertEquals(Object.keys(contents(copy.at(how))), ["a b", "a b/ü", "c.txt"]);
    }
  },
});

Deno.test("request --recursive fetches what has changed, and what is not here, and leaves the rest", async () => {
  using dir = tempDir({ "same": "same", "changed": "old", "sub/lost": "lost" });
  using copy = tempDir();
  await using server = await serve(dir.path);
  const mirror = () => ferry(["request", "--recursive", "--json", server.url, "--output-dir", copy.path]);
  const lines = (text: string) =>
    text.split("\n").filter(Boolean).map((line) => JSON.parse(line)).map(({ status, path, bytes }) =>
      `${status} ${path.slice(copy.path.length)} ${bytes}`
    ).sort();
  const first = await mirror();
  assertEquals([first.code, lines(first.stdout)], [0, ["200 /changed 3", "200 /same 4", "200 /sub/lost 4"]]);
  Deno.writeTextFileSync(dir.at("changed"), "new!");
  Deno.removeSync(copy.at("sub/lost"));
  Deno.writeTextFileSync(copy.at("own"), "stays");
  const again = await mirror();
  assertEquals([again.code, lines(again.stdout)], [0, ["200 /changed 4", "200 /sub/lost 4"]]);
  assertStringIncludes(again.stderr, "2 files fetched (8 B), 1 unchanged, 0 failed");
  assertEquals([Deno.readTextFileSync(copy.at("changed")), Deno.readTextFileSync(copy.at("own"))], [
    "new!",
    "stays",
  ]);
});

Deno.test("request --recursive leaves out what --exclude says, and goes no deeper than --depth", async () => {
  using dir = tempDir({
    "a.txt": "",
    "a.log": "",
    "keep.log": "",
    "x/b.txt": "",
    "x/y/c.txt": "",
    "tmp/d": "",
  });
  await using server = await serve(dir.path);
  const paths = async (...args: string[]) => {
    using copy = tempDir();
    const run = await ferry(["request", "--recursive", "-q", server.url, "--output-dir", copy.path, ...args]);
    assertEquals([run.code, run.stdout, run.stderr], [0, "", ""]);
    return Object.keys(contents(copy.path)).join(" ");
  };
  assertEquals(
    await paths("--exclude", "*.log", "--include", "keep.log", "--exclude", "/tmp/"),
    [
      "a.txt keep.log x x/b.txt x/y x/y/c.txt",
    ].join(),
  );
  assertEquals(await paths("--depth", "0"), "a.log a.txt keep.log");
  assertEquals(await paths("--depth", "1"), "a.log a.txt keep.log tmp tmp/d x x/b.txt");
});

Deno.test("request --recursive names folders by their URLs, and takes several", async () => {
  using dir = tempDir({ "one/a": "1", "two words/b": "2" });
  using copy = tempDir();
  await using server = await serve(dir.path);
  const run = await ferry(["request", "--recursive", `${server.url}/one`, `${server.url}/two%20words/`], {
    cwd: copy.path,
  });
  assertEquals([run.code, Object.keys(contents(copy.path))], [0, [
    "one",
    "one/a",
    "two words",
    "two words/b",
  ]]);
  const whole = await ferry(["request", "--recursive", server.url], { cwd: copy.path });
  assertEquals([whole.code, Deno.readTextFileSync(copy.at("127.0.0.1/one/a"))], [0, "1"]);
});

Deno.test("request --recursive sends its credentials with every request", async () => {
  using dir = tempDir({ "a": "1", "x/b": "2" });
  using copy = tempDir();
  await using server = await serve(dir.path, ["--anonymous", "none", "--auth", "me:p@ss@/:r"]);
  const url = server.url.replace("//", "//me:p%40ss@");
  const args = ["--recursive", "--output-dir", copy.path];
  const run = await ferry(["request", ...args, url]);
  assertEquals([run.code, Object.keys(contents(copy.path))], [0, ["a", "x", "x/b"]], run.stderr);
  assert(!run.stderr.includes("p%40ss") && !run.stdout.includes("p@ss"));
  assertEquals((await ferry(["request", ...args, server.url])).code, 67);
});

Deno.test("request --recursive refuses what makes no sense with it before it asks for anything", async () => {
  const url = "http://127.0.0.1:9/";
  const cases: [args: string[], says: string][] = [
    [["-o", "x"], "--output cannot go with --recursive"],
    [["-O"], "--remote-name cannot go with --recursive"],
    [["-I"], "--head cannot go with --recursive"],
    [["-r", "0-1"], "--range cannot go with --recursive"],
    [["-d", "x"], "--data cannot go with --recursive"],
    [["--checksum", `sha256:${"0".repeat(64)}`], "--checksum cannot go with --recursive"],
    [["--no-fail"], "--no-fail cannot go with --recursive"],
    [["--no-location"], "--no-location cannot go with --recursive"],
    [["--output-dir", "x", "http://127.0.0.1:9/y"], "takes one URL"],
    [["--exclude", "[a"], "--exclude [a"],
    [["--depth", "-1"], "--depth"],
    [["http://127.0.0.1:9/"], "two URLs would both go into 127.0.0.1"],
  ];
  for (const [args, says] of cases) {
    const run = await ferry(["request", "--recursive", url, ...args]);
    assertEquals([run.code, run.stdout], [2, ""], run.stderr);
    assertStringIncludes(run.stderr, says);
  }
  const query = await ferry(["request", "--recursive", url + "?x"]);
  assertEquals(query.code, 2);
  assertStringIncludes(query.stderr, "without a query");
  for (const flag of [["--depth", "1"], ["--include", "x"], ["--exclude", "x"]]) {
    const alone = await ferry(["request", url, ...flag]);
    assertEquals(alone.code, 2);
    assertStringIncludes(alone.stderr, `${flag[0]} goes with --recursive`);
  }
});
