import { assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";

// An authority made for these tests, valid until 2120, and a certificate of it for localhost alone.
const AUTHORITY = `\
-----BEGIN CERTIFICATE-----
MIIBYjCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRGZXJyeSB0
ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
HzEdMBsGA1UEAwwURmVycnkgdGVzdCBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggq
hkjOPQMBBwNCAASyOjYc0yufWpAE3pmP7NLViBzE7WUPl6vXAio9vd12FXVtcTPi
WqMd+0T/Z0uHlb9cZ4H8fg2BA2uQ9ssIMSbLozIwMDAPBgNVHRMBAf8EBTADAQH/
MB0GA1UdDgQWBBTko7vZGZiT6kX57Vm6EkTWdjnsmjAKBggqhkjOPQQDAgNJADBG
AiEA5dJs2oe9zZZR4attzruVw9NF7pv5u059bJhObXWGSVUCIQCbhX3iqP1we49c
c9RzySVWcf1FoEkizfRsGDyBtYRIbQ==
-----END CERTIFICATE-----
`;

const CERTIFICATE = `\
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIBAjAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRGZXJyeSB0
ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
FDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
1ZqqVyRBRD+I/qfxyoadlqflgxRhMpdbwp7Z0i6E9r/r7YuU2cfPqDmt2rrCWNOl
M7P89riaji+udFVbiqDGDaNjMGEwCQYDVR0TBAIwADAUBgNVHREEDTALgglsb2Nh
bGhvc3QwHQYDVR0OBBYEFBqR3YiM9RXwIUHoLtinUD7AXxZ2MB8GA1UdIwQYMBaA
FOSju9kZmJPqRfntWboSRNZ2OeyaMAoGCCqGSM49BAMCA0cAMEQCIDLvsCDzzXZM
IIRBLK4V8d9TL+AyVfgoSq97elaX8XFSAiAWukr1zG2B3oishm5UmhxCm68aC7dk
lTHGVkFVWwSyMA==
-----END CERTIFICATE-----
`;

// Guards nothing: it is here for everybody to read.
const KEY = `\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7TgLFi3oZveYupPK
DQllwKbycMg0pNh++mlvdSKfLxChRANCAATVmqpXJEFEP4j+p/HKhp2Wp+WDFGEy
l1vCntnSLoT2v+vti5TZx8+oOa3ausJY06Uzs/z2uJqOL650VVuKoMYN
-----END PRIVATE KEY-----
`;

function tlsServer() {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY, onListen() {} },
    (request) => new Response(`secure ${request.headers.get("authorization")}`),
  );
}

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
