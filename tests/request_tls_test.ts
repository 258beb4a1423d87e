import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { echoServer, selfSigned } from "./pinned_server.ts";
import { installed, startProgram } from "./programs.ts";
import { tinyproxy } from "./proxies.ts";
import { AUTHORITY, CERTIFICATE, KEY, tlsServer } from "./tls_server.ts";
import { pinOf } from "../lib/client/key_pair.ts";

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

Deno.test("request --unix speaks TLS where the URL says https, and trusts as it does elsewhere", async () => {
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const server = tlsServer();
  const socket = dir.at("socket");
  const listener = Deno.listen({ transport: "unix", path: socket });
  const joins: Promise<unknown>[] = [];
  const serving = (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      joins.push(
        Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]),
      );
    }
  })();
  const ask = (...args: string[]) =>
    ferry(["request", "--unix", socket, "-u", "a:b", ...args, "https://localhost/x"]);
  const wary = await ask();
  assertEquals([wary.code, wary.stdout], [60, ""], wary.stderr);
  const text = `secure Basic ${btoa("a:b")}`;
  for (
    const args of [["--cacert", dir.at("ca.pem")], ["--pin", `sha256:${pinOf(CERTIFICATE)}`], ["--insecure"]]
  ) {
    const run = await ask(...args);
    assertEquals([run.code, run.stdout], [0, text], run.stderr);
  }
  const other = await ask("--pin", `sha256:${"a".repeat(64)}`);
  assertEquals([other.code, other.stdout], [60, ""], other.stderr);
  listener.close();
  await serving.catch(() => {});
  await Promise.all(joins);
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

Deno.test({
  name: "request --cacert takes a server's own certificate, also one that openssl has made an authority's",
  ignore: !installed("openssl"),
  async fn() {
    using dir = tempDir();
    const make = async (name: string, ...more: string[]) => {
      const [cert, key] = [dir.at(`${name}.pem`), dir.at(`${name}.key`)];
      const args = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        cert,
      ];
      assertEquals((await new Deno.Command("openssl", { args: [...args, ...more] }).output()).code, 0);
      return { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
    };
    const listed = echoServer(
      await make("listed", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost"),
    );
    const common = echoServer(await make("common", "-subj", "/CN=localhost"));
    const usage = ["-subj", "/CN=localhost", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    const signer = echoServer(await make("signer", ...usage));
    const cases: [file: string, host: string, port: number, code: number, says: string][] = [
      ["signer", "localhost", signer.port, 60, "no digitalSignature"],
      ["listed", "localhost", listed.port, 0, ""],
      ["common", "localhost", common.port, 0, ""],
      ["listed", "127.0.0.1", listed.port, 60, "its certificate is for localhost"],
      ["common", "127.0.0.1", common.port, 60, "its certificate is for localhost"],
      ["listed", "localhost", common.port, 60, "another one than those of --cacert"],
    ];
    for (const [file, host, port, code, says] of cases) {
      const url = `https://${host}:${port}/x`;
      const run = await ferry(["request", "--cacert", dir.at(`${file}.pem`), "--token", "geheim", url, url]);
      const line = `GET /x ${host}:${port} Bearer geheim `;
      assertEquals(
        [file, host, run.code, run.stdout],
        [file, host, code, code === 0 ? line + line : ""],
        run.stderr,
      );
      assertStringIncludes(run.stderr, says);
    }
    assertEquals([listed.seen.length, common.seen.length, signer.seen.length], [2, 2, 0]);
    await Promise.all([listed.shutdown(), common.shutdown(), signer.shutdown()]);
  },
});

Deno.test({
  name:
    "request --cacert and --pin come to terms with an OpenSSL of any settings that are safe, and with no other",
  ignore: !installed("openssl"),
  async fn() {
    using dir = tempDir();
    const kinds: Record<string, string[]> = {
      rsa: ["rsa:2048"],
      p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    };
    for (const [name, kind] of Object.entries(kinds)) {
      const files = ["-keyout", dir.at(`${name}.key`), "-out", dir.at(`${name}.pem`)];
      const args = [
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        ...files,
        "-newkey",
        ...kind,
      ];
      assertEquals((await new Deno.Command("openssl", { args }).output()).code, 0);
    }
    const cases: [kind: string, code: number, settings: string[]][] = [
      ["rsa", 0, ["-cipher", "ECDHE-RSA-AES256-GCM-SHA384", "-groups", "P-256", "-verify", "1"]],
      ["rsa", 0, ["-sigalgs", "RSA-PSS+SHA384", "-groups", "P-384"]],
      ["p384", 0, []],
      ["rsa", 35, ["-cipher", "ECDHE-RSA-AES128-SHA"]],
      ["rsa", 35, ["-Verify", "1"]],
    ];
    for (const [kind, code, settings] of cases) {
      const [cert, key] = [dir.at(`${kind}.pem`), dir.at(`${kind}.key`)];
      await using server = await startProgram("openssl", (port) => [
        ...["s_server", "-accept", `127.0.0.1:${port}`, "-cert", cert, "-key", key, "-www", "-quiet"],
        ...["-tls1_2", ...settings],
      ]);
      const url = `https://localhost:${server.port}/`;
      const pin = `sha256:${pinOf(Deno.readTextFileSync(cert))}`;
      for (const trust of [["--cacert", cert], ["--pin", pin]]) {
        const run = await ferry(["request", "--retry", "0", ...trust, url]);
        assertEquals([settings, trust[0], run.code], [settings, trust[0], code], run.stderr);
        assertEquals(run.stdout.includes("s_server"), code === 0, run.stdout);
      }
    }
  },
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

Deno.test("request --insecure takes any certificate, and says so", async () => {
  // Expired, for another name, and of no authority; then one of an authority that is not known.
  const data = "data".repeat(100_000);
  using dir = tempDir({ data });
  const pair = await selfSigned(["nas.example"], { now: Date.now() - 5 * 24 * 3600 * 1000 });
  const [own, signed] = [echoServer(pair), echoServer({ cert: CERTIFICATE, key: KEY })];
  for (const { port } of [own, signed]) {
    const url = `https://127.0.0.1:${port}/x`;
    const run = await ferry(["request", "-k", "-u", "a:b", "-d", `@${dir.at("data")}`, url, url]);
    const line = `POST /x 127.0.0.1:${port} Basic ${btoa("a:b")} ${data}`;
    assertEquals([run.code, run.stdout], [0, line + line], run.stderr);
    assertStringIncludes(run.stderr, "no certificate is checked");
    assertEquals((await ferry(["request", "-q", "--insecure", url])).stderr, "");
  }
  await Promise.all([own.shutdown(), signed.shutdown()]);
  const plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("plain"));
  const wrong = await ferry(["request", "--retry", "0", "-k", `https://127.0.0.1:${plain.addr.port}/`]);
  assertEquals([wrong.code, wrong.stdout], [35, ""], wrong.stderr);
  await plain.shutdown();
});

Deno.test({
  name: "request --cert shows its certificate to a server that asks for one",
  ignore: !installed("nginx") || !installed("openssl"),
  async fn() {
    using dir = tempDir({ "ca.pem": AUTHORITY, "server.pem": CERTIFICATE, "server.key": KEY });
    const made = await new Deno.Command("openssl", {
      args: ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        .concat(
          "-subj",
          "/CN=client",
          "-days",
          "2",
          "-keyout",
          dir.at("client.key"),
          "-out",
          dir.at("client.pem"),
        ),
      stdout: "null",
      stderr: "null",
    }).output();
    assertEquals(made.code, 0);
    const [client, clientKey] = [dir.at("client.pem"), dir.at("client.key")].map((path) =>
      Deno.readTextFileSync(path)
    );
    Deno.writeTextFileSync(dir.at("both.pem"), clientKey + client);
    Deno.chmodSync(dir.at("both.pem"), 0o644);
    await using nginx = await startProgram("nginx", (port, state) => {
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
        `${name}_temp_path ${state};`
      );
      Deno.writeTextFileSync(
        `${state}/conf`,
        `daemon off; master_process off; pid ${state}/pid; error_log ${state}/log;
        events {}
        http {
          ${paths.join(" ")} access_log off;
          server {
            listen 127.0.0.1:${port} ssl;
            ssl_certificate ${dir.at("server.pem")}; ssl_certificate_key ${dir.at("server.key")};
            ssl_client_certificate ${dir.at("client.pem")}; ssl_verify_client on;
            location / { return 200 "$ssl_client_verify $ssl_server_name"; }
          }
        }`,
      );
      return ["-c", `${state}/conf`, "-e", `${state}/log`];
    });
    const url = `https://localhost:${nginx.port}/`;
    const [cert, key, ca] = [dir.at("client.pem"), dir.at("client.key"), dir.at("ca.pem")];
    const known = ["--cacert", ca];
    const cases: [args: string[], code: number, stdout: string, stderr: RegExp][] = [
      [[...known, "--cert", cert, "--key", key, url, url], 0, "SUCCESS localhost".repeat(2), /^$/],
      [[...known, "-E", dir.at("both.pem"), url], 0, "SUCCESS localhost", /can be read by other users/],
      [[...known, url], 22, "", /400/],
      // Not to a server that is not known.
      [["--cert", cert, "--key", key, url], 60, "", /not trusted/],
      [["--pin", `sha256:${pinOf(CERTIFICATE)}`, "--cert", cert, "--key", key, url], 60, "", /--cacert/],
      [["--insecure", "--cert", cert, "--key", key, url], 2, "", /--insecure cannot go with --cert/],
      [["--cert", cert, url], 2, "", /no PEM private key/],
      [["--cert", cert, "--key", dir.at("server.key"), url], 2, "", /--key .*server.key: is not the key/],
      [["--cert", dir.at("nowhere"), "--key", key, url], 2, "", /nowhere: cannot be read/],
      [["--key", key, url], 2, "", /--key goes with --cert/],
    ];
    for (const [args, code, stdout, stderr] of cases) {
      const run = await ferry(["request", ...args]);
      assertEquals([run.code, run.stdout], [code, stdout], `${args.join(" ")}: ${run.stderr}`);
      assertMatch(run.stderr, stderr);
    }
    if (!installed("tinyproxy")) return;
    await using proxy = await tinyproxy();
    const env = { https_proxy: `http://${proxy.host}`, no_proxy: "" };
    const through = await ferry(["request", ...known, "--cert", cert, "--key", key, url, url], { env });
    assertEquals([through.code, through.stdout], [0, "SUCCESS localhost".repeat(2)], through.stderr);
  },
});

Deno.test("request says that a server wants a certificate, when TLS itself does", async () => {
  using dir = tempDir({ "server.pem": CERTIFICATE, "server.key": KEY, "ca.pem": AUTHORITY });
  if (!installed("openssl")) return;
  await using server = await startProgram("openssl", (port) => [
    "s_server",
    ...["-accept", `127.0.0.1:${port}`, "-cert", dir.at("server.pem"), "-key", dir.at("server.key")],
    ...["-Verify", "1", "-CAfile", dir.at("ca.pem"), "-www", "-quiet"],
  ]);
  const run = await ferry(["request", "--cacert", dir.at("ca.pem"), `https://localhost:${server.port}/`]);
  assertEquals([run.code, run.stdout], [35, ""], run.stderr);
  assertStringIncludes(run.stderr, "--cert FILE");
});

Deno.test("request waits for a silent TLS server no longer than it may, whatever certificates are about", async () => {
  using dir = tempDir({ "cert.pem": CERTIFICATE, "key.pem": KEY });
  Deno.chmodSync(dir.at("key.pem"), 0o600);
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `https://127.0.0.1:${silent.addr.port}/`;
  for (const args of [[], ["--insecure"], ["--cert", dir.at("cert.pem"), "--key", dir.at("key.pem")]]) {
    for (const flag of ["--connect-timeout", "--timeout"]) {
      const run = await ferry(["request", "--retry", "0", flag, "200ms", ...args, url]);
      assertEquals([run.code, run.stdout], [28, ""], run.stderr);
    }
  }
  silent.close();
});
