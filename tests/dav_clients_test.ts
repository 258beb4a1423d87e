/** Clients that people have: rclone, cadaver and curl, as their packages are. */
import { assert, assertEquals } from "@std/assert";
import { serve, tempDir, treeDigest } from "./harness.ts";
import { installed } from "./programs.ts";

async function run(program: string, args: string[], options: { cwd?: string; stdin?: string } = {}) {
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { HOME: options.cwd ?? "/nonexistent" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(options.stdin ?? ""));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout), problems: decoder.decode(stderr) };
}

const TREE = {
  "a.txt": "one",
  "folder/b & <c>.txt": "two",
  "folder/deep/ü 100%.txt": "three",
  "empty/": null,
  "large.bin": new Uint8Array(3_000_000).fill(7),
};

Deno.test({
  name: "rclone copies a tree to serve and back, compares, moves and deletes",
  ignore: !installed("rclone"),
  async fn() {
    using source = tempDir(TREE);
    using share = tempDir();
    using back = tempDir();
    await using server = await serve(share.path, ["--writable"]);
    const remote = `:webdav,url="${server.url}/":`;
    const rclone = async (...args: string[]) => {
      const result = await run("rclone", [...args, "--config=", "--retries=1"], { cwd: back.path });
      assertEquals(result.code, 0, `rclone ${args.join(" ")}: ${result.problems}`);
      return result;
    };
    await rclone("copy", "--create-empty-src-dirs", source.path, remote + "in");
    await rclone("check", "--download", source.path, remote + "in");
    await rclone("moveto", remote + "in/folder", remote + "in/moved");
    await rclone("copyto", remote + "in/a.txt", remote + "in/moved/copy.txt");
    await rclone("copy", "--create-empty-src-dirs", remote + "in", `${back.path}/out`);
    assertEquals(
      (await treeDigest(`${back.path}/out`)).replace(/ \d{13} /g, " ").split("\n").map((line) =>
        line.split(" file")[0]
      ),
      [
        `"a.txt"`,
        `"empty" dir 755`,
        `"large.bin"`,
        `"moved" dir 755`,
        `"moved/b & <c>.txt"`,
        `"moved/copy.txt"`,
        `"moved/deep" dir 755`,
        `"moved/deep/ü 100%.txt"`,
      ],
    );
    await rclone("purge", remote + "in");
    assertEquals([...Deno.readDirSync(share.path)].map(({ name }) => name), []);
  },
});

Deno.test({
  name: "cadaver lists, stores, locks, sets properties and copies folders",
  ignore: !installed("cadaver"),
  async fn() {
    using share = tempDir({ "a.txt": "one", "folder/b.txt": "two" });
    using work = tempDir({ "local.txt": "local" });
    await using server = await serve(share.path, ["--writable"]);
    const commands = [
      "ls",
      "mkcol new",
      "put local.txt new/stored.txt",
      "copy folder twice",
      "move a.txt new/moved.txt",
      "lock new/stored.txt",
      "put local.txt new/stored.txt",
      "discover new/stored.txt",
      "unlock new/stored.txt",
      "propset new/stored.txt colour green",
      "propget new/stored.txt colour",
      "get new/stored.txt back.txt",
      "delete new/moved.txt",
      "rmcol folder",
      "quit",
    ];
    const { code, text, problems } = await run("cadaver", [`${server.url}/`], {
      cwd: work.path,
      stdin: commands.join("\n") + "\n",
    });
    assertEquals(code, 0, problems);
    assert(!/failed|error|abort/i.test(text), text);
    assert(/Value of .*colour is: green/.test(text), text);
    assert(/Coll:\s+folder/.test(text) && /a\.txt\s+3/.test(text), text);
    assertEquals(Deno.readTextFileSync(work.at("back.txt")), "local");
    assertEquals(
      [...Deno.readDirSync(share.path)].map(({ name }) => name).sort(),
      [".ferry", "new", "twice"].slice(1),
    );
    assertEquals(Deno.readTextFileSync(share.at("twice/b.txt")), "two");
  },
});

Deno.test({
  name: "curl lists a folder by PROPFIND and copies it",
  ignore: !installed("curl"),
  async fn() {
    using share = tempDir({ "folder/b & c.txt": "two" });
    await using server = await serve(share.path, ["--writable"]);
    const listed = await run("curl", [
      "-sS",
      "-f",
      "-X",
      "PROPFIND",
      "-H",
      "Depth: 1",
      `${server.url}/folder/`,
    ]);
    assertEquals(listed.code, 0, listed.problems);
    assertEquals([...listed.text.matchAll(/<D:response><D:href>([^<]*)/g)].map(([, href]) => href), [
      "/folder/",
      "/folder/b%20%26%20c.txt",
    ]);
    assert(listed.text.includes("<D:displayname>b &amp; c.txt</D:displayname>"), listed.text);
    const copied = await run("curl", [
      "-sS",
      "-f",
      "-X",
      "COPY",
      "-H",
      `Destination: ${server.url}/other`,
      `${server.url}/folder`,
    ]);
    assertEquals(copied.code, 0, copied.problems);
    assertEquals(Deno.readTextFileSync(share.at("other/b & c.txt")), "two");
  },
});
