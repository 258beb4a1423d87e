import { assert, assertEquals } from "@std/assert";
import { serve, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, paths, sync } from "./sync_fixtures.ts";

/** Runs `test` between two folders, and with either of them on a server. */
async function everyWay(
  fill: (src: string) => void,
  test: (from: string, to: string, at: (path: string) => string) => Promise<void>,
) {
  for (const remote of ["", "src", "dst"]) {
    using dir = tempDir({ src: null, dst: null });
    fill(dir.at("src"));
    await using server = remote === "" ? null : await serve(dir.at(remote), ["--writable"]);
    const place = (name: string) => remote === name ? server!.url : dir.at(name);
    await test(place("src"), place("dst"), dir.at);
  }
}

Deno.test("sync keeps names apart that differ in case or Unicode form only", async () => {
  const names = [
    "readme",
    "README",
    "Readme",
    "caf\u00e9",
    "cafe\u0301",
    "CAF\u00c9",
    "\u212b",
    "\u00c5",
    "A\u030a",
  ];
  const fill = (src: string) => {
    for (const name of names) {
      Deno.writeTextFileSync(`${src}/${name}`, `file ${name}`);
      Deno.mkdirSync(`${src}/in ${name}`);
      Deno.writeTextFileSync(`${src}/in ${name}/f`, `in ${name}`);
    }
  };
  await everyWay(fill, async (from, to, at) => {
    const run = await sync([from, to]);
    assertEquals([run.code, run.problems], [0, []]);
    assertEquals(await treeDigest(at("dst")), await treeDigest(at("src")));
    Deno.removeSync(at("src/README"));
    Deno.writeTextFileSync(at("src/Readme"), "changed");
    assertEquals((await sync(["--delete", from, to])).changes.sort(), ["delete README", "update Readme"]);
    assertEquals(await treeDigest(at("dst")), await treeDigest(at("src")));
  });
});

Deno.test("sync brings hard links as files of their own", async () => {
  const fill = (src: string) => {
    Deno.writeTextFileSync(`${src}/a`, "shared");
    Deno.linkSync(`${src}/a`, `${src}/b`);
  };
  await everyWay(fill, async (from, to, at) => {
    assertEquals((await sync([from, to])).code, 0);
    const [a, b] = ["a", "b"].map((name) => Deno.statSync(at(`dst/${name}`)));
    assertEquals([a.nlink, b.nlink, a.ino === b.ino], [1, 1, false]);
    assertEquals(await treeDigest(at("dst")), await treeDigest(at("src")));
  });
});

Deno.test("sync brings paths as deep as they can be, and reports deeper ones", async () => {
  // 3,990 bytes fit below a server's limit; the longest path of the system is 4,096 with its root.
  const name = "d".repeat(99);
  const fill = (src: string) => {
    const run = (script: string) => {
      const { success } = new Deno.Command("sh", { args: ["-ec", script], cwd: src, stderr: "null" })
        .outputSync();
      assert(success, script);
    };
    run(`i=0; while [ $i -lt 39 ]; do mkdir ${name}; cd ${name}; i=$((i+1)); done; echo deep > f
      mkdir ${"e".repeat(120)}; cd ${"e".repeat(120)}; echo deeper > g`);
    Deno.writeTextFileSync(`${src}/good`, "g");
  };
  await everyWay(fill, async (from, to, at) => {
    const run = await sync([from, to]);
    const deep = Array(39).fill(name).join("/");
    assertEquals(run.code, 1);
    assert(
      run.problems.length > 0 && run.problems.every((line) => line.includes("/eee")),
      run.problems.join(),
    );
    assertEquals(Deno.readTextFileSync(at("dst/good")), "g");
    const script = `i=0; while [ $i -lt 39 ]; do cd ${name}; i=$((i+1)); done; cat f`;
    const { stdout } = new Deno.Command("sh", { args: ["-ec", script], cwd: at("dst") }).outputSync();
    assertEquals([new TextDecoder().decode(stdout), deep.length], ["deep\n", 3899]);
    const again = await sync([from, to]);
    assertEquals([again.code, again.changes], [1, []]);
  });
});

Deno.test("sync brings a folder with very many entries, in pieces", async () => {
  const COUNT = 2500;
  const fill = (src: string) => {
    Deno.mkdirSync(`${src}/many`);
    for (let i = 0; i < COUNT; i++) Deno.writeTextFileSync(`${src}/many/${i}`, "");
  };
  await everyWay(fill, async (from, to, at) => {
    const run = await sync([from, to]);
    assertEquals([run.code, run.done.created], [0, COUNT + 1]);
    assertEquals(paths(at("dst")).length, COUNT + 1);
    assertNothing(await sync([from, to]));
  });
});
