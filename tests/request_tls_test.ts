import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { AUTHORITY, CERTIFICATE, KEY, tlsServer } from "./tls_server.ts";

Deno.test("request trusts no unknown authority, and one that --cacert names", async () => {
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const server = tlsServer();
  const url = `https://localhost:${server.addr.port}/`;
  const wary = await ferry(["request", url]);
  assertEquals([wary.code, wary.stdout], [60, ""], wary.stderr);
  assertStringIncludes(wary.stderr, `localhost:${server.addr.port}`);
  const trusting = await ferry(["request", "--cacert", dir.at("ca.pem"), "-u", "a:b", url, url]);
  assertEquals(
    [trusting.code, trusting.stdout],
    [0, `secure Basic ${btoa("a:b")}`.repeat(2)],
    trusting.stderr,
  );
  const timed = await ferry(["request", "--cacert", dir.at("ca.pem"), "--connect-timeout", "10s", url]);
  assertEquals([timed.code, timed.stdout], [0, "secure null"], timed.stderr);
  await server.shutdown();
});

Deno.test("request refuses a certificate that is for another name", async () => {
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const server = tlsServer();
  const run = await ferry([
    "request",
    "--cacert",
    dir.at("ca.pem"),
    `https://127.0.0.1:${server.addr.port}/`,
  ]);
  assertEquals([run.code, run.stdout], [60, ""], run.stderr);
  await server.shutdown();
});

Deno.test("request keeps credentials from the same host without TLS", async () => {
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const plain = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => new Response(`plain ${request.headers.get("authorization")}`),
  );
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY, onListen() {} },
    () => Response.redirect(`http://localhost:${plain.addr.port}/`),
  );
  const run = await ferry([
    "request",
    "--cacert",
    dir.at("ca.pem"),
    "--token",
    "geheim",
    `https://localhost:${server.addr.port}/`,
  ]);
  assertEquals([run.code, run.stdout], [0, "plain null"], run.stderr);
  await Promise.all([server.shutdown(), plain.shutdown()]);
});
