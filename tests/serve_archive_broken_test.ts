/** Archives that cannot be finished are never taken for whole ones, and nobody works for a client that has gone. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ENV, ferryCommand, serve, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

/** A server sends no further than the network takes it: well over what lies between the two. */
const LARGE = 60_000_000;

/** A file of `size` bytes of noise, which no compression makes small. */
function writeNoise(path: string, size: number): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const block = crypto.getRandomValues(new Uint8Array(60_000));
  for (let at = 0; at < size; at += block.length) file.writeSync(block.fill(at & 0xff, 0, 100));
}

/** Sends a GET as HTTP/1.0, where the end of the connection is the end of the body, and does not read. */
async function begin(port: number, target: string): Promise<Deno.Conn> {
  const connection = await Deno.connect({ port });
  await connection.write(new TextEncoder().encode(`GET ${target} HTTP/1.0\r\n\r\n`));
  await connection.read(new Uint8Array(100));
  return connection;
}

async function drain(connection: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(1 << 20);
  for (;;) {
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    chunks.push(buffer.slice(0, count));
  }
  connection.close();
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert(condition(), what());
}

for (const format of ["zip", "tar", "tar.gz"]) {
  Deno.test(`serve breaks a ${format} off when a file becomes shorter, and says why in its log`, async () => {
    using dir = tempDir({ "top/a": "x", "top/z": "last" });
    writeNoise(dir.at("top/m"), LARGE);
    await using server = await serve(dir.path);
    const response = await fetch(`${server.url}/top/?archive=${format}`);
    const reader = response.body!.getReader();
    await reader.read();
    Deno.truncateSync(dir.at("top/m"), 100);
    await assertRejects(async () => {
      while (!(await reader.read()).done);
    });
    await until(() => /became shorter/.test(server.log()), () => server.log());
    assertMatch(server.log(), /"\/top\/m" became shorter|\/top\/m became shorter/);
    // The file is small now.
    const again = await fetch(`${server.url}/top/?archive=${format}`);
    assert((await again.arrayBuffer()).byteLength > 100);
  });
}

Deno.test({
  name: "serve breaks archives off so that programs see it that are not told by HTTP/1.0",
  ignore: !installed("tar") || !installed("unzip") || !installed("bsdtar"),
  async fn() {
    using dir = tempDir();
    const readers = {
      tar: [["tar", "-tf"], ["bsdtar", "-tf"]],
      zip: [["unzip", "-tqq"]],
      "tar.gz": [["tar", "-tzf"]],
    };
    for (const [format, programs] of Object.entries(readers)) {
      // Many files of a size at which they are read at once, so that it breaks off between two of them.
      Deno.mkdirSync(dir.at("share/top"), { recursive: true });
      for (let i = 100; i < 400; i++) writeNoise(dir.at(`share/top/${i}`), 200_000);
      await using server = await serve(dir.at("share"));
      const connection = await begin(server.port, `/top/?archive=${format}`);
      Deno.renameSync(dir.at("share/top"), dir.at("share/moved"));
      const bytes = await drain(connection);
      await until(() => /moved or replaced/.test(server.log()), () => server.log());
      Deno.writeFileSync(dir.at("archive"), bytes.subarray(headEnd(bytes)));
      for (const [program, flag] of programs) {
        const { success } = new Deno.Command(program, {
          args: [flag, dir.at("archive")],
          stdout: "null",
          stderr: "null",
        })
          .outputSync();
        assertEquals(success, false, `${program} takes half a ${format} for a whole one`);
      }
      Deno.removeSync(dir.at("share"), { recursive: true });
    }
  },
});

/** Where the body starts; the first part of the head is read already. */
function headEnd(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at + 4;
    }
  }
  throw new Error("no head");
}

Deno.test({
  name: "serve breaks an archive off at what it may not read itself, and says 403 of the folder asked for",
  // Only root can start a server as somebody else.
  ignore: Deno.uid() !== 0,
  async fn() {
    using dir = tempDir({ "top/a": "x", "top/b/c": "x", "alone/x": "x" });
    Deno.chmodSync(dir.path, 0o755);
    Deno.chmodSync(dir.at("top/b"), 0o700);
    Deno.chmodSync(dir.at("alone"), 0o700);
    using state = tempDir();
    Deno.chownSync(state.path, 65534, 65534);
    const command = ferryCommand(["serve", dir.path, "--port", "0", "--json", "--state-dir", state.path]);
    const child = new Deno.Command("setpriv", {
      args: ["--reuid=65534", "--regid=65534", "--clear-groups", command.path, ...command.args],
      env: { ...ENV, DENO_DIR: state.at("deno"), HOME: state.path },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    try {
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const { value } = await lines.read();
      const { url } = JSON.parse(value ?? "");
      const alone = await fetch(`${url}alone/?archive=zip`);
      await alone.body?.cancel();
      assertEquals(alone.status, 403);
      await assertRejects(async () => await (await fetch(`${url}top/?archive=zip`)).arrayBuffer());
      await lines.cancel();
    } finally {
      child.kill();
      await child.status;
    }
  },
});

Deno.test("serve stops making an archive when its client goes, and makes so many at a time", async () => {
  using dir = tempDir();
  writeNoise(dir.at("noise"), LARGE);
  await using server = await serve(dir.path, ["--log", "json"]);
  const open = await Promise.all(Array.from({ length: 16 }, () => begin(server.port, "/?archive=zip")));
  const refused = await fetch(`${server.url}/?archive=zip`);
  assertEquals([refused.status, refused.headers.get("retry-after"), (await refused.json()).code], [
    503,
    "10",
    "too_many",
  ]);
  const lines = () =>
    server.log().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line))
      .filter(({ status }) => status === 200);
  assertEquals(lines(), []);
  for (const connection of open) connection.close();
  await until(() => lines().length === 16, () => server.log());
  for (const { bytes } of lines()) assert(bytes > 0 && bytes < LARGE, String(bytes));
  const again = await fetch(`${server.url}/?archive=tar`);
  assert((await again.arrayBuffer()).byteLength > LARGE);
});

Deno.test("serve takes along in an archive what is renamed or replaced while it is made", async () => {
  using dir = tempDir();
  Deno.mkdirSync(dir.at("top"));
  for (let i = 100; i < 400; i++) writeNoise(dir.at(`top/${i}`), 200_000);
  await using server = await serve(dir.path);
  const connection = await begin(server.port, "/top/?archive=tar");
  Deno.renameSync(dir.at("top/398"), dir.at("top/renamed"));
  Deno.removeSync(dir.at("top/397"));
  Deno.writeTextFileSync(dir.at("new"), "new");
  Deno.renameSync(dir.at("new"), dir.at("top/399"));
  const bytes = await drain(connection);
  Deno.writeFileSync(dir.at("x.tar"), bytes.subarray(headEnd(bytes)));
  const { stdout, success } = new Deno.Command("tar", { args: ["-tf", dir.at("x.tar")] }).outputSync();
  const names = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals([success, names.slice(-4)], [true, ["top/395", "top/396", "top/399", "top/renamed"]]);
});
