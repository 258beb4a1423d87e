import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { caddy } from "../bench/peers/caddy.ts";
import { nginx } from "../bench/peers/nginx.ts";
import { freePort, startDaemon } from "../bench/daemon.ts";
import { ENV, ferry, ferryCommand, tempDir } from "./harness.ts";
import { hostile, silence, type Visit } from "./hostile_server.ts";
import { installed } from "./programs.ts";
import { pattern, ranged } from "./range_server.ts";
import { mountTmpfs } from "./sync_fixtures.ts";

const MB = 1024 * 1024;
const LARGE = new Uint8Array(4 * MB).map((_, i) => i * 31 + (i >> 8));

/** Serves `content` with its ranges, and stops in the midst of the first answer, for good. */
function stalling(content: Uint8Array, after: number) {
  return hostile(async (visit) => {
    const from = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
    const lines = ['ETag: "v1"', `Content-Length: ${content.length - from}`];
    if (from > 0) lines.push(`Content-Range: bytes ${from}-${content.length - 1}/${content.length}`);
    await visit.head(from > 0 ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK", ...lines);
    if (visit.index > 0) return await visit.send(content.subarray(from));
    await visit.send(content.subarray(0, after));
    await silence();
  });
}

/** `ferry request ARGS` under way, once `path` has `bytes`; ends with `signal`. */
async function until(path: string, bytes: number, args: string[]) {
  const command = ferryCommand(["request", ...args]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdout: "null",
    stderr: "piped",
    env: ENV,
  }).spawn();
  while (size(path) < bytes) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    async end(signal: Deno.Signal): Promise<[code: number, stderr: string]> {
      child.kill(signal);
      const { code, stderr } = await child.output();
      return [code, new TextDecoder().decode(stderr)];
    },
  };
}

function size(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return -1;
  }
}

Deno.test("request -C goes on after kill -9, and after SIGINT, which says how", async () => {
  for (const [signal, code] of [["SIGKILL", 137], ["SIGINT", 130]] as const) {
    await using server = stalling(LARGE, 2 * MB);
    using dir = tempDir();
    const args = ["-o", dir.at("f"), `${server.url}/x`];
    const run = await until(dir.at("f.ferry-part"), 2 * MB, args);
    const [ended, stderr] = await run.end(signal);
    assertEquals(ended, code);
    if (signal === "SIGINT") assertMatch(stderr, /2097152 bytes are kept in .*\/f\.ferry-part, --continue/);
    const again = await ferry(["request", "-C", "--json", ...args]);
    assertEquals(again.code, 0, again.stderr);
    assertEquals(Deno.readFileSync(dir.at("f")), LARGE);
    assertEquals([JSON.parse(again.stdout).bytes, JSON.parse(again.stdout).resumed], [2 * MB, true]);
    assertEquals(server.visits[1].headers.get("range"), `bytes=${2 * MB}-${4 * MB - 1}`);
    assertEquals([...Deno.readDirSync(dir.path)].length, 1);
  }
});

Deno.test("request -C goes on after kill -9 with the little that had come in a moment", async () => {
  const content = LARGE.subarray(0, 2000);
  await using server = stalling(content, 700);
  using dir = tempDir();
  const args = ["-o", dir.at("f"), `${server.url}/x`];
  const run = await until(dir.at("f.ferry-part.json"), 1, args);
  assertEquals((await run.end("SIGKILL"))[0], 137);
  const again = await ferry(["request", "-C", "--json", ...args]);
  assertEquals([again.code, JSON.parse(again.stdout).bytes], [0, 1300], again.stderr);
  assertEquals(Deno.readFileSync(dir.at("f")), content);
  assertEquals([...Deno.readDirSync(dir.path)].length, 1);
});

Deno.test("request lets two at once not write to one file", async () => {
  await using server = stalling(LARGE, 2 * MB);
  using dir = tempDir();
  const args = ["-o", dir.at("f"), `${server.url}/x`];
  const first = await until(dir.at("f.ferry-part"), 2 * MB, args);
  for (const more of [[], ["-C"]]) {
    const second = await ferry(["request", ...more, ...args]);
    assertEquals(second.code, 23, second.stderr);
    assertStringIncludes(second.stderr, "another ferry is downloading to it");
  }
  assertEquals(size(dir.at("f.ferry-part")), 2 * MB);
  await first.end("SIGKILL");
  assertEquals((await ferry(["request", "-C", ...args])).code, 0);
  assertEquals(Deno.readFileSync(dir.at("f")), LARGE);
});

Deno.test("request -C goes on with no part that another program changes while the server is asked", async () => {
  const body = pattern(1_000_000);
  const changes: [what: string, change: (part: string) => void][] = [
    ["removed", (part) => Deno.removeSync(part)],
    ["cut", (part) => Deno.truncateSync(part, 1000)],
    ["replaced", (part) => {
      Deno.removeSync(part);
      Deno.writeFileSync(part, new Uint8Array(300_000));
    }],
  ];
  for (const [what, change] of changes) {
    for (const segments of ["1", "2"]) {
      using dir = tempDir();
      const before = (index: number) => {
        if (index === 1) change(dir.at("f.ferry-part"));
        return Promise.resolve();
      };
      await using server = ranged({ body, cut: 300_000, before });
      const args = ["-C", "-o", dir.at("f"), `${server.url}/f`];
      const broken = await ferry(["request", "--retry", "0", ...args]);
      assertEquals([broken.code, size(dir.at("f.ferry-part"))], [18, 300_000], broken.stderr);
      const run = await ferry(["request", "--segments", segments, "--retry", "0", ...args]);
      assertEquals([what, segments, run.code, size(dir.at("f"))], [what, segments, 23, -1], run.stderr);
      assertStringIncludes(run.stderr, "another program has changed or removed it");
      // The next one finds what there is then; zeros with a note that fits them it could not know.
      if (what === "replaced") continue;
      const again = await ferry(["request", "--segments", segments, "--retry", "20", ...args]);
      assertEquals([what, segments, again.code], [what, segments, 0], again.stderr);
      assertEquals(Deno.readFileSync(dir.at("f")), body);
    }
  }
});

Deno.test("request -C finds its part by --remote-name and --output-dir, and keeps to its URL", async () => {
  const body = "0123456789".repeat(100);
  await using server = hostile(async (visit) => {
    const from = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
    const lines = ['ETag: "v1"', `Content-Length: ${body.length - from}`];
    if (from > 0) lines.push(`Content-Range: bytes ${from}-${body.length - 1}/${body.length}`);
    await visit.head(from > 0 ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK", ...lines);
    await visit.send(visit.headers.has("x-break") ? body.slice(0, 300) : body.slice(from));
  });
  using dir = tempDir({ "sub": null });
  const cases: [args: string[], url: string, part: string][] = [
    [["-O"], "/a", "a"],
    [["--output-dir", "sub"], "/b", "sub/b"],
    [["--output-dir", "sub", "-o", "c"], "/d", "sub/c"],
  ];
  for (const [args, path, name] of cases) {
    const url = server.url + path;
    const broken = await ferry(["request", "--retry", "0", "-H", "X-Break: 1", ...args, url], {
      cwd: dir.path,
    });
    assertEquals([broken.code, size(dir.at(`${name}.ferry-part`))], [18, 300], broken.stderr);
    const run = await ferry(["request", "-C", "--json", ...args, url], { cwd: dir.path });
    assertEquals([run.code, JSON.parse(run.stdout).bytes], [0, 700], run.stderr);
    assertEquals(Deno.readTextFileSync(dir.at(name)), body);
  }
  const other = ["--retry", "0", "-o", dir.at("o")];
  assertEquals((await ferry(["request", "-H", "X-Break: 1", ...other, `${server.url}/one`])).code, 18);
  const run = await ferry(["request", "-C", "--json", ...other, `${server.url}/two`]);
  assertEquals([run.code, JSON.parse(run.stdout).bytes], [0, 1000]);
  assertMatch(run.stderr, /o\.ferry-part is not gone on with: it is the beginning of another URL/);
});

Deno.test("request -C fetches nothing of a file that is whole, by whatever proves that", async () => {
  const body = "0123456789".repeat(500);
  const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  const old = "Sun, 01 Nov 2020 10:00:00 GMT", young = new Date(Date.now() + 3_600_000).toUTCString();
  const cases: [about: string, headers: string[], whole: boolean, ranges?: boolean][] = [
    ["a digest, and no validator", [`Repr-Digest: ${digest}`], true],
    ["a digest of a server without ranges", [`Repr-Digest: ${digest}`], true, false],
    ["a digest, whatever the times", [`Repr-Digest: ${digest}`, `Last-Modified: ${young}`], true],
    ["that it was not changed since", [`Last-Modified: ${old}`], true],
    ["the same of a server without ranges", [`Last-Modified: ${old}`], true, false],
    ["nothing: it was changed since", [`Last-Modified: ${young}`], false],
    ["nothing: the size alone", [], false, false],
  ];
  await Promise.all(cases.map(async ([about, headers, whole, ranges = true]) => {
    await using server = hostile(async (visit) => {
      const from = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
      if (from === 0 || !ranges) return await visit.answer("200 OK", body, ...headers);
      const range = `Content-Range: bytes ${from}-${body.length - 1}/${body.length}`;
      await visit.answer("206 Partial Content", body.slice(from), range, ...headers);
    });
    using dir = tempDir({ "f": body });
    const run = await ferry(["request", "-C", "--json", "-o", dir.at("f"), server.url]);
    const { bytes, resumed } = JSON.parse(run.stdout);
    assertEquals([about, run.code, bytes === 0, resumed], [about, 0, whole, whole ? true : undefined]);
    assertEquals(server.visits.length, whole ? 1 : 2);
    // The user's own digest is proof enough, and nobody has to be asked.
    const sum = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    const before = server.visits.length;
    const demanded = await ferry(["request", "-C", "--checksum", sum, "-o", dir.at("f"), server.url]);
    assertEquals([demanded.code, server.visits.length - before], [0, 0], demanded.stderr);
    // Another one than that of what is here and there is not.
    const other = ["--checksum", `sha256:${"0".repeat(64)}`];
    assertEquals((await ferry(["request", "-C", ...other, "-o", dir.at("f"), server.url])).code, 43);
    assertEquals(Deno.readTextFileSync(dir.at("f")), body);
  }));
});

/** A file in `folder` with the inode number of `path`, and the lock on it. */
function lockedTwin(path: string, folder: string): Deno.FsFile {
  const { ino } = Deno.statSync(path);
  for (let number = 0; number < 100; number++) {
    const file = Deno.openSync(`${folder}/${crypto.randomUUID()}`, { createNew: true, write: true });
    if (file.statSync().ino === ino) {
      file.lockSync(true);
      return file;
    }
    file.close();
  }
  throw new Error(`no file in ${folder} gets the number ${ino}`);
}

Deno.test("request ends with 23 on a full disk, keeps the part, and goes on when there is room", async () => {
  using dir = tempDir({ "mnt": null, "other": null });
  using mount = mountTmpfs(dir.at("mnt"), "size=2m,mode=755");
  using other = mountTmpfs(dir.at("other"), "size=2m,mode=755");
  if (mount === null || other === null) return;
  await using server = hostile(async (visit: Visit) => {
    const from = Number(/^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "")?.[1] ?? 0);
    const lines = ['ETag: "v1"', `Content-Length: ${LARGE.length - from}`];
    if (from > 0) lines.push(`Content-Range: bytes ${from}-${LARGE.length - 1}/${LARGE.length}`);
    await visit.head(from > 0 ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK", ...lines);
    await visit.send(LARGE.subarray(from));
  });
  // With little room left, there is none for the note but that of the part's end.
  for (const taken of [0, 1.5 * MB]) {
    Deno.writeFileSync(dir.at("mnt/taken"), new Uint8Array(taken));
    const args = ["-o", dir.at("mnt/f"), server.url];
    const full = await ferry(["request", ...args]);
    assertEquals(full.code, 23, full.stderr);
    assertStringIncludes(full.stderr, "no space left on device");
    assertStringIncludes(full.stderr, "--continue goes on from there");
    const kept = size(dir.at("mnt/f.ferry-part"));
    assert(kept > 200_000, `${kept}`);
    assertEquals(size(dir.at("mnt/f")), -1);
    const remount = (size: string) =>
      new Deno.Command("mount", { args: ["-o", `remount,size=${size}`, dir.at("mnt")] }).outputSync().success;
    assert(remount("20m"));
    // Somebody's lock on another disk, on the file that has the same number there, is no lock on the part.
    using _lock = lockedTwin(dir.at("mnt/f.ferry-part"), dir.at("other"));
    const again = await ferry(["request", "-C", "--json", ...args]);
    assertEquals([again.code, JSON.parse(again.stdout).bytes], [0, LARGE.length - kept], again.stderr);
    assertEquals(Deno.readFileSync(dir.at("mnt/f")), LARGE);
    Deno.removeSync(dir.at("mnt/f"));
    assert(remount("2m"));
  }
});

Deno.test("request -C goes on with downloads from nginx and Caddy, and starts over with those of http.server", async (t) => {
  const old = 1_700_000_000;
  const python = {
    serve: (dir: string) => {
      const port = freePort();
      const args = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, `${port}`];
      return startDaemon({ path: "python3", args }, `http://127.0.0.1:${port}/`);
    },
  };
  for (const [program, peer] of [["nginx", nginx], ["caddy", caddy], ["python3", python]] as const) {
    if (!installed(program)) continue;
    await t.step(program, async () => {
      using dir = tempDir({ "share/f": LARGE, "scratch": null });
      Deno.chmodSync(dir.path, 0o755);
      Deno.utimeSync(dir.at("share/f"), old, old);
      const daemon = await peer.serve!(dir.at("share"), { scratch: dir.at("scratch") });
      try {
        const args = ["-o", dir.at("f"), `${daemon.url}f`];
        const run = await until(dir.at("f.ferry-part"), 1.5 * MB, ["--limit-rate", "2M", ...args]);
        await run.end("SIGINT");
        const again = await ferry(["request", "-C", "--json", ...args]);
        assertEquals(again.code, 0, again.stderr);
        assertEquals(Deno.readFileSync(dir.at("f")), LARGE);
        const { bytes, resumed } = JSON.parse(again.stdout);
        if (program === "python3") {
          assertEquals([bytes, resumed], [LARGE.length, undefined]);
          assertStringIncludes(again.stderr, "starting over");
        } else assert(bytes <= LARGE.length - 1.5 * MB && resumed, again.stdout);
        const third = await ferry(["request", "-C", "--json", ...args]);
        assertEquals([third.code, JSON.parse(third.stdout).bytes], [0, 0], third.stderr);
        // One that is older than the server's may be another one.
        Deno.utimeSync(dir.at("f"), old - 100, old - 100);
        const fourth = await ferry(["request", "-C", "--json", ...args]);
        assertEquals([fourth.code, JSON.parse(fourth.stdout).bytes], [0, LARGE.length], fourth.stderr);
      } finally {
        await daemon.stop();
      }
    });
  }
});
