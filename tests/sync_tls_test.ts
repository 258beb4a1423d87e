/** `ferry sync` and certificates: nobody is trusted by mistake, and the server is named. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { paths } from "./sync_fixtures.ts";
import { echoServer, selfSigned } from "./pinned_server.ts";
import { AUTHORITY, tlsServer } from "./tls_server.ts";

Deno.test("sync ends with 60 where the authority is unknown, and sends nothing", async () => {
  using dir = tempDir({ "src/f": "x", "ca.pem": AUTHORITY });
  const server = tlsServer();
  const url = `https://ann:geheim@localhost:${server.addr.port}/`;
  for (const ends of [[dir.at("src"), url], [url, dir.at("dst")]]) {
    const run = await ferry(["sync", ...ends]);
    assertEquals([run.code, run.stdout], [60, ""], run.stderr);
    assertStringIncludes(run.stderr, `localhost:${server.addr.port}`);
  }
  // One that the system trusts gets further: this server is just not Ferry's.
  const trusting = await ferry(["sync", url, dir.at("dst")], { env: { DENO_CERT: dir.at("ca.pem") } });
  assertEquals(trusting.code, 22, trusting.stderr);
  assertEquals(paths(dir.path), ["ca.pem", "src", "src/f"]);
  await server.shutdown();
});

Deno.test("sync ends with 35 where a server does not speak TLS", async () => {
  using dir = tempDir({ "src/f": "x", "share": null });
  await using server = await serve(dir.at("share"), ["--writable"]);
  const run = await ferry(["sync", dir.at("src"), server.url.replace("http:", "https:")]);
  assertEquals([run.code, run.stdout], [35, ""], run.stderr);
  assertStringIncludes(run.stderr, `127.0.0.1:${server.port}`);
});

Deno.test("sync --pin speaks to a server that has the certificate, and says nothing to another one", async () => {
  using dir = tempDir({ "src/f": "x" });
  const [pair, other] = await Promise.all([selfSigned(["localhost"]), selfSigned(["localhost"])]);
  const server = echoServer(pair);
  const url = `https://ann:geheim@127.0.0.1:${server.port}/`;
  const wrong = await ferry(["sync", "--pin", other.pin, dir.at("src"), url]);
  assertEquals([wrong.code, server.seen], [60, []], wrong.stderr);
  // This one is just not Ferry's.
  const met = await ferry(["sync", "--pin", pair.pin, dir.at("src"), url]);
  assertEquals([met.code, server.seen.length > 0], [22, true], met.stderr);
  const local = await ferry(["sync", "--pin", pair.pin, dir.at("src"), dir.at("dst")]);
  assertEquals(local.code, 2, local.stderr);
  await server.shutdown();
});
