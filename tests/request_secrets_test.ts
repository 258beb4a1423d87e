/** What `ferry request` is told in confidence shows nowhere: not in messages, not in files, not in the list of processes. */
import { assert, assertEquals } from "@std/assert";
import { ENV, ferry, ferryCommand, tempDir } from "./harness.ts";

/** What must not show, in any form that it takes on the way. */
const SECRETS = ["geheim1", "geheim2", "geheim3", "geheim4"];
const FORMS = SECRETS.flatMap((secret) => [secret, btoa(`ann:${secret}`), encodeURIComponent(secret)]);

function assertHidden(text: string, about: string): void {
  for (const form of FORMS) assert(!text.includes(form), `${about}: ${form} shows in ${text}`);
}

Deno.test("request shows no secret, however it fails and whatever it tells", async () => {
  const big = new Uint8Array(3 << 20).fill(65);
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr;
  const answers: Record<string, string> = {
    "/away": "302 Found\r\nlocation: http://ann:geheim4@127.0.0.1:1/",
    "/odd": "302 Found\r\nlocation: ftp://ann:geheim4@127.0.0.1:1/",
    "/denied": "401 Unauthorized",
    "/broken": `200 OK\r\netag: "e"\r\ncontent-length: ${big.length * 2}`,
  };
  const open = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const conn of server) {
      open.add(conn);
      (async () => {
        const buffer = new Uint8Array(10_000);
        const count = await conn.read(buffer);
        const path = new TextDecoder().decode(buffer.subarray(0, count ?? 0)).split(" ")[1] ?? "";
        const head = answers[path] ?? "500 No";
        const length = path === "/broken" ? "" : "\r\ncontent-length: 0";
        await conn.write(
          new TextEncoder().encode(`HTTP/1.1 ${head}${length}\r\nset-cookie: a=geheim4\r\n\r\n`),
        );
        for (let sent = 0; path === "/broken" && sent < big.length;) {
          sent += await conn.write(big.subarray(sent));
        }
        conn.close();
      })().catch(() => {});
    }
  })().catch(() => {});
  using dir = tempDir({ input: '{"url":"http://h/","headers":{"X-Api-Key":"geheim1" }}}' });
  const secret = ["-H", "Cookie: sid=geheim2", "-H", "X-Api-Key: geheim3"];
  const host = `127.0.0.1:${port}`;
  const cases: [args: string[], code: number][] = [
    [["-u", "ann:geheim1", ...secret, `http://${host}/denied`], 67],
    [["--token", "geheim1", ...secret, `http://${host}/x`], 22],
    [[...secret, `http://ann:geheim1@${host}/x`], 22],
    [[`http://ann:geheim1@${host}/away`], 7],
    [[`http://ann:geheim1@${host}/odd`], 3],
    [["http://ann:geheim1@127.0.0.1:1/x"], 7],
    [["http://ann:geheim1@nowhere.invalid/x"], 6],
    [["http://ann:geheim1@[::1/x"], 2],
    [["http://ann:geheim1@host:99999/x"], 3],
    [["--data-json", '{"password":"geheim1",}', `http://${host}/x`], 2],
    [["--input", dir.at("input")], 2],
    [["ann:geheim1@host/x"], 3],
    [["-H", "Authorization geheim1", `http://${host}/x`], 2],
    [["--user", "ann:geheim1", "--token", "geheim2", `http://${host}/x`], 2],
    [["-o", dir.at("file"), ...secret, `http://ann:geheim1@${host}/broken`], 18],
  ];
  for (const [args, code] of cases) {
    // All that is known of the URL, but not the headers of the server's own.
    const known = "%{json} %{url} %{redirect_url} %{errormsg}%{stderr}%{json}";
    const run = await ferry(["request", "--retry", "0", "-v", "--json", "-w", known, ...args]);
    assertEquals(run.code, code, run.stderr);
    assertHidden(run.stdout + run.stderr, args.join(" "));
  }
  const kept = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assertEquals(kept, ["file.ferry-part", "file.ferry-part.json", "input"]);
  assertHidden(Deno.readTextFileSync(dir.at("file.ferry-part.json")), "the note of the part");
  server.close();
  await serving;
});

Deno.test({
  name: "request takes its secrets out of the list of processes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      asked.resolve();
      await answer.promise;
      return new Response(request.headers.get("authorization"));
    });
    const url = `http://ann:geheim1@127.0.0.1:${server.addr.port}/x`;
    const { path, args } = ferryCommand([
      "request",
      "-H",
      "X-Token: geheim3",
      "-ubob:geheim4",
      "--mirror",
      "http://eve:geheim2@127.0.0.1:9/x",
      url,
    ]);
    const child = new Deno.Command(path, { args, stdin: "null", stdout: "piped", stderr: "piped", env: ENV })
      .spawn();
    await asked.promise;
    const line = Deno.readTextFileSync(`/proc/${child.pid}/cmdline`);
    answer.resolve();
    const { code, stdout } = await child.output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, `Basic ${btoa("ann:geheim1")}`]);
    assertEquals(line.split("\0").at(-2), url.replace("geheim1", "*******"));
    assert(line.includes("\0X-Token:********\0-ubob:*******\0"), line);
    assert(line.includes("\0http://eve:*******@127.0.0.1:9/x\0"), line);
    assertHidden(line, "the command line");
    await server.shutdown();
  },
});
