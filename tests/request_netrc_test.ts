/** `ferry request --netrc`, and passwords that are asked for. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { onTerminal } from "./terminal.ts";

/** Says with whose credentials a request came; `/to/URL` leads to URL. */
function whoServer(hostname = "127.0.0.1") {
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/to/")) return Response.redirect(decodeURIComponent(pathname.slice(4)));
    const value = request.headers.get("authorization");
    return new Response(`${value?.startsWith("Basic ") ? atob(value.slice(6)) : value}\n`);
  });
  return { port: server.addr.port, shutdown: () => server.shutdown() };
}

Deno.test("request --netrc gives each host its own login, and none to where a redirect should not take it", async () => {
  const [first, second] = [whoServer(), whoServer()];
  using home = tempDir({
    ".netrc": "machine one.example login ann password p1\nmachine two.example login bob password p2\n" +
      "default login any password p3\n",
    "other": "machine one.example login eve password p4",
  });
  for (const name of [".netrc", "other"]) Deno.chmodSync(home.at(name), 0o600);
  const one = `http://one.example:${first.port}`;
  const two = `http://two.example:${second.port}`;
  const three = `http://three.example:${second.port}`;
  const resolve = [`one.example:${first.port}`, `one.example:${second.port}`, `two.example:${second.port}`]
    .concat(`three.example:${second.port}`)
    .flatMap((end) => ["--resolve", `${end}:127.0.0.1`]);
  const to = (url: string) => `${one}/to/${encodeURIComponent(url)}`;
  const cases: [args: string[], env: Record<string, string>, stdout: string][] = [
    [[`${one}/`, `${two}/`, `${three}/`], {}, "ann:p1\nbob:p2\nany:p3\n"],
    [[`${one}/`], { NETRC: home.at("other") }, "eve:p4\n"],
    [["-u", "ann", `${one}/`], {}, "ann:p1\n"],
    [["-u", "ann:own", `${one}/`], {}, "ann:own\n"],
    [[`http://ann:url@one.example:${first.port}/`], {}, "ann:url\n"],
    [["--token", "t", `${one}/`], {}, "Bearer t\n"],
    [[`${one}/`, `${three}/`], { FERRY_TOKEN: "t" }, "ann:p1\nBearer t\n"],
    [[to(`${two}/`), to(`${three}/`), to(`http://one.example:${second.port}/`)], {}, "bob:p2\nnull\nnull\n"],
    [["-u", "ann:own", to(`${two}/`), to(`${three}/`)], {}, "bob:p2\nnull\n"],
  ];
  for (const [args, env, stdout] of cases) {
    const run = await ferry(["request", "--netrc", ...resolve, "-v", ...args], {
      env: { HOME: home.path, ...env },
    });
    assertEquals([run.code, run.stdout], [0, stdout], run.stderr);
    for (const secret of ["p1", "p2", "p3", "p4", btoa("ann:own")]) {
      assert(!run.stderr.includes(secret), run.stderr);
    }
  }
  const unasked = await ferry(["request", ...resolve, `${one}/`], { env: { HOME: home.path } });
  assertEquals(unasked.stdout, "null\n");
  const unknown = await ferry(["request", "--netrc", ...resolve, "-u", "eve", `${one}/`], {
    env: { HOME: home.path },
  });
  assertEquals(unknown.code, 2, unknown.stderr);
  await Promise.all([first.shutdown(), second.shutdown()]);
});

Deno.test("request --netrc refuses a file that others can read, and names what is wrong with it", async () => {
  using home = tempDir({
    ".netrc": "machine h login ann password geheim",
    "torn": 'machine h login ann password "geheim',
    "folder": null,
  });
  const at = (name: string) => home.at(name);
  Deno.chmodSync(at("torn"), 0o600);
  Deno.chmodSync(at("folder"), 0o700);
  const cases: [env: Record<string, string>, mode: number, code: number, part: string][] = [
    [{ HOME: home.path }, 0o640, 2, "chmod 600"],
    [{ HOME: home.path }, 0o604, 2, "chmod 600"],
    [{ HOME: home.path }, 0o620, 2, "chmod 600"],
    [{ NETRC: at("nowhere") }, 0o600, 26, "nowhere"],
    [{ NETRC: at("folder") }, 0o600, 2, "is a folder"],
    [{ NETRC: at("torn") }, 0o600, 2, "line 1"],
    [{ HOME: "", NETRC: "" }, 0o600, 2, "HOME"],
  ];
  for (const [env, mode, code, part] of cases) {
    Deno.chmodSync(at(".netrc"), mode);
    const run = await ferry(["request", "--netrc", "http://127.0.0.1:1/"], { env });
    assertEquals(run.code, code, run.stderr);
    assertStringIncludes(run.stderr, part);
    assert(!run.stderr.includes("geheim"), run.stderr);
  }
});

Deno.test("request --netrc refuses a file of somebody else", async () => {
  // Only root can give a file away; for others one of root's is somebody else's.
  using home = tempDir({ ".netrc": "machine h login ann password geheim" });
  Deno.chmodSync(home.at(".netrc"), 0o600);
  if (Deno.uid() === 0) Deno.chownSync(home.at(".netrc"), 65534, 65534);
  const env: Record<string, string> = Deno.uid() === 0 ? { HOME: home.path } : { NETRC: "/etc/passwd" };
  const run = await ferry(["request", "--netrc", "http://127.0.0.1:1/"], { env });
  assertEquals(run.code, 2, run.stderr);
  assertStringIncludes(run.stderr, "belongs to another user");
});

Deno.test("request -u USER asks for the password on a terminal, and shows none of its keys", async () => {
  const server = whoServer();
  const url = `http://127.0.0.1:${server.port}/`;
  const run = await onTerminal(["request", "-u", "ann", url], {
    typed: { prompt: "Password of ann: ", keys: "gehx\x7feim\r" },
  });
  if (run !== null) {
    assertEquals([run.code, run.raw.replaceAll("\r\n", "\n")], [0, "Password of ann: \nann:geheim\n"]);
  }
  // A script has nobody to ask.
  const alone = await ferry(["request", "-u", "ann", url], { stdin: "geheim\n" });
  assertEquals([alone.code, alone.stdout], [2, ""], alone.stderr);
  assertStringIncludes(alone.stderr, "--user must be USER:PASSWORD");
  await server.shutdown();
});
