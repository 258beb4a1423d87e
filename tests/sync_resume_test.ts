import { assert, assertEquals } from "@std/assert";
import { cuttingProxy } from "./cutting_proxy.ts";
import { ferryCommand, serve, type Server, tempDir, treeDigest } from "./harness.ts";
import { assertNothing, empty, paths, sync } from "./sync_fixtures.ts";

const MB = 1024 * 1024;
const LARGE = 128 * MB;

/** What may travel a second time after an accident. */
const AGAIN = 16 * MB;

/** Writes a file whose every megabyte is another one. */
function writeLarge(path: string, size: number, seed = 1): void {
  const block = new Uint8Array(MB).map((_, i) => (i * 31 + seed) >> 3);
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  for (let left = size, number = 0; left > 0; left -= MB, number++) {
    new DataView(block.buffer).setUint32(0, number);
    file.writeSync(block.subarray(0, Math.min(MB, left)));
  }
  file.utimeSync(1_600_000_000, 1_600_000_000);
}

/** Bytes of large files that have come in part below `dir`. */
function partial(dir: string): number {
  try {
    const sizes = paths(`${dir}/.ferry/partial`).map((path) =>
      Deno.statSync(`${dir}/.ferry/partial/${path}`)
    );
    return sizes.filter(({ isFile }) => isFile).reduce((sum, { size }) => sum + size, 0);
  } catch {
    return 0;
  }
}

/** Starts a run and waits until `reached` of `dst`, by default the bytes of large files, is `most`. */
async function runTo(most: number, args: readonly string[], dst: string, reached = partial) {
  const command = ferryCommand(["sync", "--json", ...args]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  let over = false;
  output.then(() => over = true);
  while (!over && reached(dst) < most) await pause(reached === partial ? 1 : 20);
  assert(!over, new TextDecoder().decode((await Promise.race([output, null]))?.stderr));
  return { kill: (signal: Deno.Signal = "SIGKILL") => child.kill(signal), output };
}

const FILES = 1200;
const FILE = 32 * 1024;

/** Many small files, of which no two are alike. */
function writeSmall(dir: string): void {
  const bytes = new Uint8Array(FILE);
  for (let i = 0; i < FILES; i++) {
    if (i % 50 === 0) Deno.mkdirSync(`${dir}/d${i / 50}`);
    new DataView(bytes.buffer).setUint32(0, i);
    const path = `${dir}/d${Math.floor(i / 50)}/f${i}`;
    Deno.writeFileSync(path, bytes);
    Deno.utimeSync(path, 1_600_000_000, 1_600_000_000);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Small files below `dir` that are whole, staged ones among them. */
function wholeFiles(dir: string): number {
  let count = 0;
  const visit = (path: string) => {
    try {
      for (const entry of Deno.readDirSync(path)) {
        const full = `${path}/${entry.name}`;
        if (entry.isDirectory) visit(full);
        else if (Deno.lstatSync(full).mtime?.getTime() === 1_600_000_000_000) count++;
      }
    } catch {
      // Renamed meanwhile.
    }
  };
  visit(dir);
  return count;
}

async function assertSame(dir: { at(name: string): string }, share = dir.at("dst")): Promise<void> {
  assertEquals(
    await treeDigest(share, { dirTimes: true }),
    await treeDigest(dir.at("src"), { dirTimes: true }),
  );
  assertEquals(paths(share).filter((path) => path.startsWith(".ferry")), []);
}

for (const way of ["pull", "push", "copy"] as const) {
  for (const victim of ["client", "server"] as const) {
    if (way === "copy" && victim === "server") continue;
    Deno.test(`a ${way} of a large file goes on where it was after kill -9 of the ${victim}`, async () => {
      using dir = tempDir({ "src": null, "dst": null });
      writeLarge(dir.at("src/large"), LARGE);
      const start = () => serve(dir.at(way === "pull" ? "src" : "dst"), ["--writable"]);
      let server: Server | null = way === "copy" ? null : await start();
      try {
        const ends = () => [
          way === "pull" ? server!.url : dir.at("src"),
          way === "push" ? server!.url : dir.at("dst"),
        ];
        const run = await runTo(LARGE / 4, ends(), dir.at("dst"));
        if (victim === "client") run.kill();
        else await server!.stop("SIGKILL");
        const { code } = await run.output;
        assertEquals(victim === "client" ? code === 137 : code === 18 || code === 7, true, String(code));
        if (victim === "server") server = await start();
        const had = partial(dir.at("dst"));
        assert(had >= LARGE / 4 && had < LARGE, String(had));
        const next = await sync(ends());
        assertEquals([next.code, next.changes], [0, ["create large"]], next.stderr);
        const travelled = Number(next.done.bytes_sent) + Number(next.done.bytes_received);
        if (way !== "copy") assert(travelled <= LARGE - had + AGAIN, `${travelled} with ${had} there`);
        await assertSame(dir);
        assertNothing(await sync(ends()));
      } finally {
        await server?.stop();
      }
    });
  }
}

for (const way of ["pull", "push", "copy"] as const) {
  for (const victim of ["client", "server"] as const) {
    if (way === "copy" && victim === "server") continue;
    Deno.test(`a ${way} of small files sends few of them again after kill -9 of the ${victim}`, async () => {
      using dir = tempDir({ "src": null, "dst": null });
      writeSmall(dir.at("src"));
      const start = () => serve(dir.at(way === "pull" ? "src" : "dst"), ["--writable"]);
      let server: Server | null = way === "copy" ? null : await start();
      try {
        const ends = () => [
          way === "pull" ? server!.url : dir.at("src"),
          way === "push" ? server!.url : dir.at("dst"),
        ];
        const run = await runTo(FILES * 0.6, ends(), dir.at("dst"), wholeFiles);
        if (victim === "client") run.kill();
        else await server!.stop("SIGKILL");
        await run.output;
        if (victim === "server") server = await start();
        const had = FILES * 0.6 * FILE;
        const next = await sync(ends());
        assertEquals([next.code, next.problems], [0, []], next.stderr);
        const travelled = Number(next.done.bytes_sent) + Number(next.done.bytes_received);
        // Names and frames come to about 200 bytes a file.
        const most = FILES * FILE - had + AGAIN + FILES * 200;
        if (way !== "copy") assert(travelled <= most, `${travelled} with ${had} there`);
        await assertSame(dir);
        assertNothing(await sync(ends()));
      } finally {
        await server?.stop();
      }
    });
  }
}

/** Stands in front of a server and keeps the last line of its trees to itself, so that a run goes on listing. */
function endlessListing(port: number) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const url = new URL(request.url);
    url.port = String(port);
    const tree = url.pathname.endsWith("/tree");
    if (tree) url.searchParams.delete("gzip");
    const { method, headers, body } = request;
    const response = await fetch(url, { method, headers, body });
    if (!tree) return new Response(response.body, response);
    const text = await response.text();
    const lines = new TextEncoder().encode(text.slice(0, text.lastIndexOf('{"end"')));
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(lines) }), response);
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

for (const end of ["SIGTERM", "SIGKILL", "a cut connection"] as const) {
  Deno.test(`a first pull that ends by ${end} before all is listed fetches little of it again`, async () => {
    using dir = tempDir({ "src": null, "dst": null });
    writeSmall(dir.at("src"));
    await using server = await serve(dir.at("src"));
    const had = FILES * 0.9;
    {
      await using listing = endlessListing(server.port);
      await using proxy = cuttingProxy(listing.port, []);
      const run = await runTo(had, [proxy.url, dir.at("dst")], dir.at("dst"), wholeFiles);
      if (end !== "a cut connection") run.kill(end);
      else await proxy[Symbol.asyncDispose]();
      const codes = { "SIGTERM": [143], "SIGKILL": [137], "a cut connection": [7, 18] };
      const { code, stderr } = await run.output;
      assert(codes[end].includes(code), `${code}: ${new TextDecoder().decode(stderr)}`);
    }
    // Nothing shows: what would be there is not known yet.
    assertEquals([...Deno.readDirSync(dir.at("dst"))].map(({ name }) => name), [".ferry"]);
    const next = await sync([server.url, dir.at("dst")]);
    assertEquals([next.code, next.problems], [0, []], next.stderr);
    const travelled = Number(next.done.bytes_sent) + Number(next.done.bytes_received);
    assert(travelled <= (FILES - had) * FILE + AGAIN, String(travelled));
    await assertSame(dir);
    assertNothing(await sync([server.url, dir.at("dst")]));
  });
}

for (const way of ["pull", "push"] as const) {
  // One call is tried four times, so three cuts must not hurt any; a large file that gets on is tried for ever.
  const flaky = {
    "many files": [3000, 5 * MB, 30 * MB, 55 * MB],
    "one file": [1, 5, 20, 40, 41, 59].map((n) => n * MB),
  };
  for (const [what, cuts] of Object.entries(flaky)) {
    Deno.test(`a ${way} of ${what} comes to its end by itself although its connections are cut`, async () => {
      using dir = tempDir({ "src": null, "dst": null });
      writeLarge(dir.at("src/large"), 60 * MB);
      for (let i = 0; i < (what === "many files" ? 300 : 0); i++) {
        Deno.writeTextFileSync(dir.at(`src/${i}`), `${i} `.repeat(4000));
      }
      await using server = await serve(dir.at(way === "pull" ? "src" : "dst"), ["--writable"]);
      await using proxy = cuttingProxy(server.port, cuts);
      const ends = way === "pull" ? [proxy.url, dir.at("dst")] : [dir.at("src"), proxy.url];
      const run = await sync(ends);
      assertEquals([run.code, run.problems], [0, []], run.stderr);
      assertEquals(proxy.cuts(), cuts.length);
      const travelled = Number(run.done.bytes_sent) + Number(run.done.bytes_received);
      assert(travelled <= 65 * MB + cuts.length * AGAIN, String(travelled));
      await assertSame(dir);
      assertNothing(await sync(ends));
    });
  }

  Deno.test(`a ${way} through a connection that is cut for good ends with 18, and the next one goes on`, async () => {
    using dir = tempDir({ "src": null, "dst": null });
    writeLarge(dir.at("src/large"), 60 * MB);
    await using server = await serve(dir.at(way === "pull" ? "src" : "dst"), ["--writable"]);
    {
      await using proxy = cuttingProxy(
        server.port,
        Array.from({ length: 1000 }, (_, i) => 30 * MB + i * 100),
      );
      const run = await sync(way === "pull" ? [proxy.url, dir.at("dst")] : [dir.at("src"), proxy.url]);
      assertEquals(run.code, 18, run.stderr);
    }
    const had = partial(dir.at("dst"));
    assert(had > 10 * MB, String(had));
    const next = await sync(way === "pull" ? [server.url, dir.at("dst")] : [dir.at("src"), server.url]);
    assertEquals(next.code, 0, next.stderr);
    const travelled = Number(next.done.bytes_sent) + Number(next.done.bytes_received);
    assert(travelled <= 60 * MB - had + AGAIN, String(travelled));
    await assertSame(dir);
  });

  Deno.test(`a ${way} takes nothing over that is not the beginning of the file`, async () => {
    using dir = tempDir({ "src": null, "dst": null });
    await using server = await serve(dir.at(way === "pull" ? "src" : "dst"), ["--writable"]);
    const ends = way === "pull" ? [server.url, dir.at("dst")] : [dir.at("src"), server.url];
    const spoils: Record<string, (part: string) => void> = {
      "another byte": (part) => {
        using file = Deno.openSync(part, { write: true });
        file.seekSync(5_000_000, Deno.SeekMode.Start);
        file.writeSync(new Uint8Array([255, 254, 253]));
      },
      "another version": () => writeLarge(dir.at("src/large"), 24 * MB, 7),
      "more than the file": (part) => Deno.truncateSync(part, 48 * MB),
      "nothing": (part) => Deno.removeSync(part),
      "no file at all": (part) => {
        Deno.removeSync(part);
        Deno.mkdirSync(part);
      },
      "no such file any more": () => Deno.removeSync(dir.at("src/large")),
    };
    for (const [label, spoil] of Object.entries(spoils)) {
      writeLarge(dir.at("src/large"), 24 * MB);
      // So slow that it cannot be done before it is killed.
      const run = await runTo(8 * MB, ["--bwlimit", "40M", ...ends], dir.at("dst"));
      run.kill();
      await run.output;
      const [folder] = Deno.readDirSync(dir.at("dst/.ferry/partial"));
      const [part] = Deno.readDirSync(dir.at(`dst/.ferry/partial/${folder.name}`));
      spoil(dir.at(`dst/.ferry/partial/${folder.name}/${part.name}`));
      const next = await sync(ends);
      assertEquals([label, next.code, next.problems], [label, 0, []], next.stderr);
      await assertSame(dir);
      empty(dir.at("dst"));
    }
  });
}
