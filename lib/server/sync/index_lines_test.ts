import { assert, assertEquals } from "@std/assert";
import { LiveIndex } from "../../store/index/live_index.ts";
import { canWatch } from "../../store/index/watches.ts";
import { scanTree } from "../../store/read/scan.ts";
import { treeEnd, treeHead, treeLine, TreeReader } from "../../wire/tree.ts";
import { indexLines } from "./index_lines.ts";

/** Where the temporary folders are on a file system that cannot be watched, there is no index to list. */
const WATCHED = canWatch(Deno.env.get("TMPDIR") ?? "/tmp");

Deno.test({
  name: "indexLines() lists what is there when folders change, come and go while it is read",
  ignore: !WATCHED,
  fn: async () => {
    const top = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-lines-" }));
    const root = `${top}/share`;
    for (const name of ["z", "y", "x"]) Deno.mkdirSync(`${root}/${name}/deep`, { recursive: true });
    const index = new LiveIndex(root, { dir: () => `${top}/state`, warn: (text) => assert(false, text) });
    try {
      await index.renew();
      const reader = new TreeReader();
      const lines = treeHead().split("\n").slice(0, -1);
      let count = 0;
      let listed = 0;
      for (const item of indexLines(index, index.folder("")!, { rules: false })) {
        if (++listed === 1) {
          Deno.writeTextFileSync(`${root}/x/new`, "1");
          Deno.mkdirSync(`${root}/x/fresh/inner`, { recursive: true });
          Deno.removeSync(`${root}/y`, { recursive: true });
          Deno.mkdirSync(`${root}/y/again`, { recursive: true });
          // A look at the folders in it is put off to a later turn by what was found first.
          assert(await index.refresh());
          Deno.mkdirSync(`${root}/z/later`);
        }
        count += "line" in item ? item.count : "entries" in item ? item.entries.length : 0;
        lines.push(("line" in item ? item.line : treeLine(item)).trimEnd());
      }
      lines.push(treeEnd(count).trimEnd());
      for (const line of lines) reader.line(line);
      const found = reader.finish();
      const there = await scanTree(root);
      // What was listed before it changed may be as it was; no folder is missing or a problem.
      const folders = (tree: typeof found) =>
        [...tree].filter(([, { kind }]) => kind !== "file").map(([path]) => path);
      assertEquals(folders(found).filter((path) => found.get(path)!.kind === "problem"), []);
      for (const path of folders(there)) if (path !== "z/later") assert(found.has(path), path);
    } finally {
      index.close();
      Deno.removeSync(top, { recursive: true });
    }
  },
});
