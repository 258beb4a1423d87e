/** `ferry request --pin`: one certificate is trusted, whatever its name, and before it is seen nothing is said. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, ferryCommand, tempDir } from "./harness.ts";
import { echoServer, selfSigned, switchingProxy } from "./pinned_server.ts";
import { installed } from "./programs.ts";
import { serverFlight } from "./tls_flight.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./tls_server.ts";
import { pinOf } from "../lib/client/key_pair.ts";

Deno.test("request --pin trusts the certificate with this SHA-256, under any name, for many requests", async () => {
  const pair = await selfSigned(["localhost", "nas.example"]);
  const server = echoServer(pair);
  const colons = "sha256:" + pair.pin.slice(7).toUpperCase().match(/../g)!.join(":");
  for (const [pin, host] of [[pair.pin, "localhost"], [colons, "127.0.0.1"]]) {
    const url = `https://${host}:${server.port}/x`;
    const run = await ferry(["request", "--pin", pin, "-u", "a:b", "-d", "data", url, url]);
    const line = `POST /x ${host}:${server.port} Basic ${btoa("a:b")} data`;
    assertEquals([run.code, run.stdout], [0, line + line], run.stderr);
  }
  await server.shutdown();
});

Deno.test("request --pin says nothing to a server with another certificate", async () => {
  const [pair, other] = await Promise.all([selfSigned(["localhost"]), selfSigned(["localhost"])]);
  const server = echoServer(other);
  const url = `https://localhost:${server.port}/`;
  const run = await ferry(["request", "--pin", pair.pin, "--token", "geheim", "-d", "data", url]);
  assertEquals([run.code, run.stdout, server.seen], [60, "", []], run.stderr);
  assertStringIncludes(run.stderr, `its certificate is ${other.pin}, not the pinned one`);
  // Several pins are for several servers.
  const both = await ferry(["request", "--pin", pair.pin, "--pin", other.pin, url]);
  assertEquals(both.code, 0, both.stderr);
  await server.shutdown();
});

Deno.test("request --pin is not fooled by somebody who shows the certificate first and then another one", async () => {
  // One that the client would trust without the flag.
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const pair = await selfSigned(["localhost"]);
  const [server, evil] = [echoServer(pair), echoServer({ cert: CERTIFICATE, key: KEY })];
  const ca = dir.at("ca.pem");
  const stores: Record<string, string>[] = [
    { DENO_CERT: ca },
    { DENO_TLS_CA_STORE: "system", SSL_CERT_FILE: ca },
  ];
  for (const env of stores) {
    const trusted = await ferry(["request", `https://localhost:${evil.port}/`], { env });
    assertEquals(trusted.code, 0, trusted.stderr);
    evil.seen.length = 0;
    // The certificate is looked at by a first connection; the second one is for a request, the third for another one.
    for (const connections of [1, 2]) {
      const proxy = switchingProxy({ port: server.port, connections }, evil.port);
      const url = `https://localhost:${proxy.port}`;
      const run = await ferry(
        ["request", "--pin", pair.pin, "--token", "geheim", "-d", "data", `${url}/close`, `${url}/`],
        { env },
      );
      const trusted = connections === 1 ? "" : `POST /close localhost:${proxy.port} Bearer geheim data`;
      assertEquals([run.code, run.stdout, server.seen.splice(0).join()], [60, trusted, trusted], run.stderr);
      assert(proxy.count() > connections);
      await proxy.close();
    }
  }
  assertEquals(evil.seen, []);
  await Promise.all([server.shutdown(), evil.shutdown()]);
});

Deno.test("request --pin wants a runtime that has asked nothing by itself before", async () => {
  const { path, args } = ferryCommand([
    "request",
    "--pin",
    `sha256:${"0".repeat(64)}`,
    "https://127.0.0.1:9/",
  ]);
  const source = Deno.env.get("FERRY_BIN") === undefined;
  for (const late of [false, true]) {
    // A process keeps its age when it becomes another program.
    const shell = `unset DENO_NO_UPDATE_CHECK; ${late ? "sleep 0.6; " : ""}exec "$@"`;
    const command = new Deno.Command("sh", { args: ["-c", shell, "sh", path, ...args] });
    const output = await command.output();
    const stderr = new TextDecoder().decode(output.stderr);
    const refused = source && late || stderr.includes("DENO_NO_UPDATE_CHECK=1");
    assertEquals(output.code, refused ? 2 : 7, stderr);
    assertStringIncludes(stderr, refused ? "DENO_NO_UPDATE_CHECK=1" : "127.0.0.1:9");
    if (!source) assert(!refused, stderr);
  }
});

Deno.test("request --pin goes nowhere without TLS, not even by a redirect", async () => {
  const pair = await selfSigned(["localhost"]);
  const server = echoServer(pair);
  const plain = await ferry(["request", "--pin", pair.pin, "http://127.0.0.1:9/"]);
  assertEquals(plain.code, 60, plain.stderr);
  const away = await ferry(["request", "--pin", pair.pin, `https://localhost:${server.port}/away`]);
  assertEquals([away.code, away.stdout], [60, ""], away.stderr);
  assertStringIncludes(away.stderr, "without TLS");
  await server.shutdown();
});

Deno.test("request --pin takes certificates that the runtime takes from no server, of who has their key", async () => {
  using dir = tempDir({ data: "data".repeat(100_000) });
  const key = dir.at("key.pem"), cert = dir.at("cert.pem");
  // One that an authority signed; then authorities, as openssl makes them by default.
  const pairs = [{ cert: CERTIFICATE, key: KEY }];
  const kinds = installed("openssl")
    ? [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], [
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
    ]]
    : [];
  for (const kind of kinds) {
    const args = ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=x", "-keyout", key, "-out", cert];
    const made = await new Deno.Command("openssl", { args: [...args, "-newkey", ...kind] }).output();
    assert(made.success);
    pairs.push({ cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) });
  }
  const wrong = await selfSigned(["localhost"]);
  for (const pair of pairs) {
    const server = echoServer(pair);
    const pin = `sha256:${pinOf(pair.cert)}`;
    const url = `https://127.0.0.1:${server.port}/x`;
    const run = await ferry(["request", "--pin", pin, "-u", "a:b", "-d", `@${dir.at("data")}`, url, url]);
    const line = `POST /x 127.0.0.1:${server.port} Basic ${btoa("a:b")} ${"data".repeat(100_000)}`;
    assertEquals([run.code, run.stdout === line + line], [0, true], run.stderr);
    const refused = await ferry(["request", "--pin", wrong.pin, url]);
    assertEquals([refused.code, server.seen.length], [60, 2], refused.stderr);
    await server.shutdown();
  }
});

Deno.test("request --pin takes none that has expired", async () => {
  const old = await selfSigned(["localhost"], { now: Date.now() - 5 * 24 * 3600 * 1000 });
  const expired = echoServer(old);
  const run = await ferry(["request", "--pin", old.pin, `https://localhost:${expired.port}/`]);
  assertEquals([run.code, expired.seen], [60, []], run.stderr);
  assertStringIncludes(run.stderr.toLowerCase(), "expired");
  await expired.shutdown();
});

Deno.test("request --pin takes none that has expired, also when it comes after another pinned one", async () => {
  const old = await selfSigned(["localhost"], { now: Date.now() - 5 * 24 * 3600 * 1000 });
  const [good, expired] = [echoServer({ cert: CERTIFICATE, key: KEY }), echoServer(old)];
  // It is looked at by the first connection; the runtime refuses it, by both names; then the handshake is our own.
  const proxy = switchingProxy({ port: good.port, connections: 3 }, expired.port);
  const pins = ["--pin", `sha256:${pinOf(CERTIFICATE)}`, "--pin", old.pin];
  const run = await ferry(["request", ...pins, `https://127.0.0.1:${proxy.port}/`]);
  assertEquals([run.code, proxy.count(), expired.seen], [60, 4, []], run.stderr);
  assertStringIncludes(run.stderr, "expired");
  await proxy.close();
  await Promise.all([good.shutdown(), expired.shutdown()]);
});

Deno.test("request --pin outlives a server whose share of the key is of a wrong length", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      const hello = new Uint8Array(16 * 1024);
      await conn.read(hello);
      const point = new Uint8Array(31).fill(9);
      await conn.write(serverFlight(hello, { cert: CERTIFICATE, key: KEY }, { point }));
      // Until the client has gone.
      while (await conn.read(hello).catch(() => null) !== null);
      conn.close();
    }
  })().catch(() => {});
  const url = `https://127.0.0.1:${listener.addr.port}/`;
  const run = await ferry(["request", "--retry", "0", "--pin", `sha256:${pinOf(CERTIFICATE)}`, url]);
  assertEquals([run.code, run.stdout], [35, ""], run.stderr);
  assertStringIncludes(run.stderr, "its share of the key is none");
  listener.close();
  await serving;
});

Deno.test("request --pin tells wrong use, servers without TLS and silent ones as other failures", async () => {
  const pin = "sha256:" + "a".repeat(64);
  for (
    const args of [["--pin", "sha256:abc"], ["--pin", pin, "--cacert", "x"]]
  ) {
    const run = await ferry(["request", ...args, "https://localhost/"]);
    assertEquals(run.code, 2, run.stderr);
    assertStringIncludes(run.stderr, "--pin");
  }
  const plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("plain"));
  const wrong = await ferry(["request", "--pin", pin, `https://127.0.0.1:${plain.addr.port}/`]);
  assertEquals(wrong.code, 35, wrong.stderr);
  await plain.shutdown();
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `https://127.0.0.1:${silent.addr.port}/`;
  const late = await ferry(["request", "--retry", "0", "--connect-timeout", "200ms", "--pin", pin, url]);
  assertEquals(late.code, 28, late.stderr);
  const limited = await ferry(["request", "--timeout", "200ms", "--pin", pin, url]);
  assertEquals(limited.code, 28, limited.stderr);
  silent.close();
});
