import { assert, assertEquals } from "@std/assert";
import { treeDigest } from "../../wire/tree_digest.ts";
import { libc } from "../libc.ts";
import { scanTree } from "./scan.ts";
import { takeSnapshot } from "./snapshot.ts";

function test(name: string, run: (root: string) => Promise<void>): void {
  Deno.test({
    name: `takeSnapshot() ${name}`,
    ignore: libc() === null,
    fn: async () => {
      const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-snapshot-" }));
      try {
        await run(root);
      } finally {
        shell(root, "chmod -R u+rwx .");
        Deno.removeSync(root, { recursive: true });
      }
    },
  });
}

function shell(cwd: string, script: string): void {
  const { success, stderr } = new Deno.Command("sh", { args: ["-ec", script], cwd }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
}

const PLAIN = `
  mkdir -p a/b/c z empty .ferry/stage "ünï/日本"; echo 1 > a/f; echo 22 > a/b/g; : > a/b/c/none; ln -s ../nowhere a/link
  echo x > "ünï/日本/é"; echo s > .ferry/secret; echo h > .hidden; ln -s a z/to; chmod 400 a/f; chmod 711 z
  touch -d '1969-12-31 23:59:58.75 UTC' a/old; touch -d '2040-01-02 03:04:05.678901234 UTC' a/new
  truncate -s 5G large
  i=0; while [ $i -lt 3000 ]; do : > "z/a rather long name of a file $i"; i=$((i+1)); done
`;

test("sees what a scan sees", async (root) => {
  shell(root, PLAIN);
  const snapshot = (await takeSnapshot(root))!;
  const scanned = await scanTree(root);
  const tree = snapshot.tree();
  assertEquals(Object.fromEntries(tree), Object.fromEntries(scanned));
  assertEquals([snapshot.size, snapshot.rules], [scanned.size, false]);
  assertEquals(snapshot.files, [...scanned.values()].filter(({ kind }) => kind === "file").length);
  const seen = new Set([""]);
  for (const path of tree.keys()) {
    assert(seen.has(path.slice(0, Math.max(path.lastIndexOf("/"), 0))), `${path} before its folder`);
    seen.add(path);
  }
  assertEquals(snapshot.root(new Map()), treeDigest(scanned));
  assertEquals(snapshot.digest("z"), treeDigest(await scanTree(`${root}/z`)));
});

test("needs no digest a second time, and never takes one for that of other things", async (root) => {
  shell(root, PLAIN);
  const first = (await takeSnapshot(root))!;
  const digest = first.root(new Map());
  const again = (await takeSnapshot(root))!;
  assertEquals([again.root(first.made), again.learned], [digest, 0]);
  for (
    const change of [
      "echo 3 > a/f2",
      "chmod 600 a/f",
      "touch -d '2001-01-01' a/b/g a/old",
      "rm a/link; ln -s ../elsewhere a/link",
      "mv a/old a/older",
      "rm a/older a/new",
      "echo .log > z/.ferryignore",
    ]
  ) {
    shell(root, change.replace("chmod", "chmod u+w a/f; chmod"));
    const now = (await takeSnapshot(root))!;
    assertEquals(now.root(first.made), treeDigest(await scanTree(root)), change);
    assertEquals(now.rules, change.includes("ferryignore"), change);
  }
});

for (
  const [what, script] of Object.entries({
    "a name that is not UTF-8": `: > "$(printf 'bad\\377')"`,
    "a folder whose name is not": `mkdir "$(printf 'bad\\377')"`,
    "a pipe": "mkfifo pipe",
    "a link to what is not UTF-8": `ln -s "$(printf 'bad\\377')" link`,
  })
) {
  test(`leaves ${what} to a scan`, async (root) => {
    shell(root, `mkdir d; cd d; ${script}`);
    assertEquals(await takeSnapshot(root), null);
  });
}

test("leaves a folder that is gone, or a file, to a scan", async (root) => {
  shell(root, ": > file; ln -s . link");
  for (const path of ["none", "file", "link"]) assertEquals(await takeSnapshot(`${root}/${path}`), null);
});

test("without some paths is as if they were not there", async (root) => {
  shell(root, PLAIN);
  const whole = (await takeSnapshot(root))!;
  whole.root(new Map());
  const out = ["a/b", "z/to", "a/f", "empty", "none/such", "z/a rather long name of a file 7", "a/b/g"];
  const rest = whole.without(out);
  const digest = rest.root(whole.made);
  const tree = new Map(
    [...whole.tree()].filter(([path]) => !out.some((one) => path === one || path.startsWith(`${one}/`))),
  );
  assertEquals(Object.fromEntries(rest.tree()), Object.fromEntries(tree));
  assertEquals(digest, treeDigest(tree));
  assertEquals(whole.without([]).root(new Map()), treeDigest(whole.tree()));
});
