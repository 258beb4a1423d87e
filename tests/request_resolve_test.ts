/** Where `ferry request` connects to: `--resolve`, `--ipv4` and `--ipv6`, and addresses in URLs. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { AUTHORITY, tlsServer } from "./tls_server.ts";

/** Says whom it was asked for. */
function hostServer(hostname: string) {
  return Deno.serve(
    { hostname, port: 0, onListen() {} },
    (request) => new Response(request.headers.get("host")),
  );
}

Deno.test("request --resolve connects to the address that it names; name and certificate stay those of the URL", async () => {
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const [plain, secure] = [hostServer("127.0.0.1"), tlsServer()];
  const { port } = plain.addr;
  const at = (host: string, address = "127.0.0.1") => ["--resolve", `${host}:${port}:${address}`];
  const cases: [args: string[], code: number, stdout: string][] = [
    [[...at("host.example"), `http://host.example:${port}/`], 0, `host.example:${port}`],
    // The first one does not answer; the second one does.
    [
      [...at("host.example", "127.0.0.2,127.0.0.1"), `http://HOST.example:${port}/`],
      0,
      `host.example:${port}`,
    ],
    [[...at("[::1]"), `http://[::1]:${port}/`], 0, `[::1]:${port}`],
    [[...at("a.example"), ...at("b.example"), `http://b.example:${port}/`], 0, `b.example:${port}`],
    // Another port, and nobody there.
    [["--resolve", `host.invalid:${port + 1}:127.0.0.1`, `http://host.invalid:${port}/`], 6, ""],
    [["--resolve", "host.example:1:127.0.0.1", "http://host.example:1/"], 7, ""],
    [[...at("localhost", "192.0.2.256"), `http://localhost:${port}/`], 2, ""],
    [["--resolve", "localhost", `http://localhost:${port}/`], 2, ""],
  ];
  for (const [args, code, stdout] of cases) {
    const run = await ferry(["request", "--retry", "0", ...args]);
    assertEquals([run.code, run.stdout], [code, stdout], run.stderr);
    if (code === 2) assertStringIncludes(run.stderr, "--resolve");
  }
  const { port: tls } = secure.addr;
  const trusted = ["request", "--cacert", dir.at("ca.pem"), "--resolve"];
  const named = await ferry([...trusted, `localhost:${tls}:127.0.0.1`, `https://localhost:${tls}/`]);
  assertEquals([named.code, named.stdout], [0, "secure null"], named.stderr);
  const other = await ferry([...trusted, `host.example:${tls}:127.0.0.1`, `https://host.example:${tls}/`]);
  assertEquals([other.code, other.stdout], [60, ""], other.stderr);
  assertStringIncludes(other.stderr, "host.example");
  await Promise.all([plain.shutdown(), secure.shutdown()]);
});

Deno.test("request connects to IPv6, or to one kind of addresses alone", async () => {
  const [v4, v6] = [hostServer("127.0.0.1"), hostServer("::1")];
  const cases: [args: string[], code: number, stdout: string][] = [
    [[`http://[::1]:${v6.addr.port}/`], 0, `[::1]:${v6.addr.port}`],
    [["-6", `http://[0:0::0:1]:${v6.addr.port}/`], 0, `[::1]:${v6.addr.port}`],
    [["-4", `http://localhost:${v4.addr.port}/`], 0, `localhost:${v4.addr.port}`],
    [["--ipv4", `http://[::1]:${v6.addr.port}/`], 7, ""],
    [["--ipv6", `http://127.0.0.1:${v4.addr.port}/`], 7, ""],
    [["-6", "http://nowhere.invalid/"], 6, ""],
    [["-4", "-6", `http://localhost:${v4.addr.port}/`], 2, ""],
    [[`http://[fe80::1%25lo]:${v6.addr.port}/`], 3, ""],
    [[`http://[fe80::1%lo]:${v6.addr.port}/`], 3, ""],
  ];
  for (const [args, code, stdout] of cases) {
    const run = await ferry(["request", "--retry", "0", ...args]);
    assertEquals([run.code, run.stdout], [code, stdout], run.stderr);
    if (code === 3) assertStringIncludes(run.stderr, "zone");
  }
  await Promise.all([v4.shutdown(), v6.shutdown()]);
});
