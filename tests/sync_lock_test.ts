import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferryCommand, serve, tempDir } from "./harness.ts";
import { assertNothing, empty, paths, sync } from "./sync_fixtures.ts";

/** A server whose folder is never listed to its end, so that a run that reads it lasts as long as it is wanted. */
function endlessSource() {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/info")) {
      return Response.json({ ferry: "0", protocol: 1, kind: "dir", permissions: "r" });
    }
    if (!pathname.endsWith("/tree")) return new Response(null, { status: 404 });
    resolve();
    return new Response(
      new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) }),
    );
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/slow/`,
    /** A run has locked its destination: it begins to scan. */
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A run into `to` that does not end by itself, and holds the lock once this gives it. */
async function longRun(to: string) {
  const source = endlessSource();
  const command = ferryCommand(["sync", source.url, to]);
  const child = new Deno.Command(command.path, {
    args: command.args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  await Promise.race([source.asked, child.status]);
  const stop = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // Its server has ended, and so has it.
    }
    const { code } = await child.output();
    await source[Symbol.asyncDispose]();
    return code;
  };
  return { stop, pid: child.pid, source: source.url };
}

function assertLocked(run: { code: number; stderr: string }, by: { pid: number; source: string }): void {
  assertEquals(run.code, 42, run.stderr);
  for (const part of [by.source, `process ${by.pid}`, Deno.hostname(), "since 20"]) {
    assertStringIncludes(run.stderr, part);
  }
}

const ONE_FILE = { "src/f": "content", "dst": null };

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`sync ends with 42 while another run writes to the folder, until that ends by ${signal}`, async () => {
    using dir = tempDir(ONE_FILE);
    Deno.mkdirSync(dir.at("dst/sub"));
    const first = await longRun(dir.at("dst"));
    try {
      assertLocked(await sync([dir.at("src"), dir.at("dst")]), first);
      assertLocked(await sync([dir.at("src"), dir.at("dst/sub")]), first);
      const dry = await sync(["-n", dir.at("src"), dir.at("dst")]);
      assertEquals([dry.code, dry.changes], [0, ["create f"]]);
      assertEquals(paths(dir.at("dst")).filter((path) => !path.startsWith(".ferry")), ["sub"]);
    } finally {
      assertEquals(await first.stop(signal), signal === "SIGKILL" ? 137 : 143);
    }
    const next = await sync([dir.at("src"), dir.at("dst")]);
    assertEquals([next.code, next.changes], [0, ["create f"]]);
    assertNothing(await sync([dir.at("src"), dir.at("dst")]));
    assertEquals(paths(dir.at("dst")), ["f", "sub"]);
  });
}

Deno.test("sync ends with 42 while another run writes to a folder in its destination, and as a job", async () => {
  using dir = tempDir({ ...ONE_FILE, "top/deep/dst/own": "x" });
  await using from = await serve(dir.at("src"));
  await using to = await serve(dir.path, ["--anonymous", "rwds", "--peer", from.url]);
  const first = await longRun(dir.at("top/deep/dst"));
  try {
    for (const way of [[dir.at("src"), dir.at("top")], [from.url, `${to.url}/top`]]) {
      const run = await sync(["--delete", "--force", ...way]);
      assertLocked(run, first);
      // Where a share lies is none of its clients' business.
      assertEquals(run.stderr.includes(dir.path), way[1] === dir.at("top"), run.stderr);
    }
    assertEquals((await sync(["-n", dir.at("src"), dir.at("top")])).code, 0);
    // It may be read meanwhile.
    assertEquals((await sync([dir.at("top/deep"), dir.at("dst")])).code, 0);
    assertEquals(Deno.readTextFileSync(dir.at("top/deep/dst/own")), "x");
  } finally {
    await first.stop("SIGKILL");
  }
  const next = await sync([dir.at("src"), dir.at("top")]);
  assertEquals([next.code, next.changes], [0, ["create f"]]);
});

Deno.test("sync into a server ends with 42 while another run writes there, until that is killed", async () => {
  using dir = tempDir({ ...ONE_FILE, "dst/a/x": "x", "dst/b/x": "x" });
  await using server = await serve(dir.at("dst"), ["--writable"]);
  const first = await longRun(`${server.url}/a`);
  try {
    for (const path of ["a", "", "a/below"]) {
      assertLocked(await sync([dir.at("src"), `${server.url}/${path}`]), first);
    }
    // On the server's own machine too.
    const local = await sync([dir.at("src"), dir.at("dst")]);
    assertLocked(local, { pid: server.pid, source: first.source });
    assertLocked(await sync([dir.at("src"), dir.at("dst/b")]), { pid: server.pid, source: first.source });
    assertEquals((await sync(["-n", dir.at("src"), `${server.url}/a`])).code, 0);
    assertEquals((await sync([dir.at("src"), `${server.url}/b`])).code, 0);
  } finally {
    await first.stop("SIGKILL");
  }
  assertEquals((await sync([dir.at("src"), `${server.url}/a`])).code, 0);
  assertEquals((await sync([dir.at("src"), dir.at("dst")])).code, 0);
  assertEquals(paths(dir.at("dst")).filter((path) => path.startsWith(".ferry")), []);
});

Deno.test("sync into a server ends with 42 while a local run writes to its folder", async () => {
  using dir = tempDir({ ...ONE_FILE, "dst/a/x": "x" });
  await using server = await serve(dir.at("dst"), ["--writable"]);
  for (const [held, wanted] of [["dst", ""], ["dst", "/a"], ["dst/a", "/a"], ["dst/a", "/a/below"]]) {
    const first = await longRun(dir.at(held));
    try {
      const run = await sync([dir.at("src"), server.url + wanted]);
      assertLocked(run, first);
      assert(!run.stderr.includes(dir.path), run.stderr);
    } finally {
      await first.stop("SIGKILL");
    }
  }
  assertEquals((await sync([dir.at("src"), server.url])).code, 0);
});

Deno.test("what a killed server held is free for the next one", async () => {
  using dir = tempDir(ONE_FILE);
  {
    await using server = await serve(dir.at("dst"), ["--writable"]);
    const first = await longRun(server.url);
    await server.stop("SIGKILL");
    // It finds out that its push is gone.
    await first.stop("SIGTERM");
  }
  assert(paths(dir.at("dst")).includes(".ferry/lock"));
  assertEquals((await sync([dir.at("src"), dir.at("dst")])).code, 0);
  assertEquals(paths(dir.at("dst")), ["f"]);
});

Deno.test("serve ends at once on SIGTERM although a push has its folder", async () => {
  using dir = tempDir(ONE_FILE);
  await using server = await serve(dir.at("dst"), ["--writable"]);
  const first = await longRun(server.url);
  try {
    const late = setTimeout(() => Deno.kill(server.pid, "SIGKILL"), 8000);
    assertEquals(await server.stop(), 0, server.log());
    clearTimeout(late);
  } finally {
    await first.stop("SIGTERM");
  }
  assertEquals(paths(dir.at("dst")), []);
});

Deno.test("two runs that begin at the same moment do not both write", async () => {
  using dir = tempDir({ "dst": null });
  for (let i = 0; i < 30; i++) Deno.mkdirSync(dir.at(`src/d${i}`), { recursive: true });
  await using server = await serve(dir.at("dst"), ["--writable"]);
  for (const to of [dir.at("dst"), server.url, dir.at("new")]) {
    const runs = await Promise.all([1, 2, 3].map(() => sync([dir.at("src"), to])));
    assert(runs.every(({ code }) => code === 0 || code === 42), runs.map(({ stderr }) => stderr).join(""));
    assert(runs.some(({ code }) => code === 0));
    assertEquals(runs.flatMap(({ problems }) => problems), []);
    assertNothing(await sync([dir.at("src"), to]));
    empty(dir.at("dst"));
  }
});
