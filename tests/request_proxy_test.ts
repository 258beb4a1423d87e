/** `ferry request` through the proxies that the environment names. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";
import { microsocks, tinyproxy } from "./proxies.ts";
import { AUTHORITY, CERTIFICATE, KEY, tlsServer } from "./tls_server.ts";
import { echoServer, selfSigned } from "./pinned_server.ts";

const USER = { user: "ann", password: "geheim" };

/** Says how a request came: its line and what of a proxy is in its headers. */
function plainServer() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    const via = request.headers.get("via") === null ? "direct" : "via";
    return new Response(`${via} ${pathname}${search} ${request.headers.get("proxy-authorization")}`);
  });
}

/** Takes TLS connections, and leads each to `end`. */
function tlsFront(end: { hostname: string; port: number }) {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: CERTIFICATE, key: KEY });
  const joins: Promise<unknown>[] = [];
  const join = async (near: Deno.TlsConn) => {
    const far = await Deno.connect(end);
    await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
  };
  const serving = (async () => {
    for await (const near of listener) joins.push(join(near).catch(() => {}));
  })().catch(() => {});
  return {
    port: listener.addr.port,
    async close() {
      listener.close();
      await serving;
      await Promise.all(joins);
    },
  };
}

function request(args: string[], env: Record<string, string>) {
  return ferry(["request", "--retry", "0", ...args], { env });
}

// Those of whoever runs the tests are out of the way.
for (const name of ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]) {
  Deno.env.delete(name);
  Deno.env.delete(name.toUpperCase());
}

Deno.test({
  name: "request goes through an HTTP proxy, with a user where it wants one",
  ignore: !installed("tinyproxy"),
  async fn() {
    using dir = tempDir({ "ca.pem": AUTHORITY });
    const [plain, secure] = [plainServer(), tlsServer()];
    await using open = await tinyproxy();
    await using closed = await tinyproxy(USER);
    const http = `http://127.0.0.1:${plain.addr.port}/a?b=c`;
    const https = `https://localhost:${secure.addr.port}/`;
    const ca = ["--cacert", dir.at("ca.pem")];
    const named = `http://ann:geheim@${closed.host}`;
    const cases: [name: string, args: string[], env: Record<string, string>, code: number, body: string][] = [
      ["plain", [http, http], { http_proxy: `http://${open.host}` }, 0, "via /a?b=c null".repeat(2)],
      [
        "tunnel",
        [...ca, https, https],
        { HTTPS_PROXY: open.host, https_proxy: open.host },
        0,
        "secure null".repeat(2),
      ],
      [
        "both",
        [...ca, http, https],
        { http_proxy: named, https_proxy: named },
        0,
        "via /a?b=c nullsecure null",
      ],
      ["nobody", [http], { http_proxy: `http://${closed.host}` }, 67, ""],
      ["nobody, tunnel", [...ca, https], { https_proxy: `http://${closed.host}` }, 67, ""],
      ["wrong user", [http], { http_proxy: `http://ann:falsch@${closed.host}` }, 67, ""],
      [
        "exempt",
        [http],
        { http_proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.0/8" },
        0,
        "direct /a?b=c null",
      ],
      ["capital HTTP_PROXY", [http], { HTTP_PROXY: "http://127.0.0.1:1" }, 0, "direct /a?b=c null"],
      ["not there", [http], { http_proxy: "http://127.0.0.1:1" }, 7, ""],
      ["name not found", [http], { http_proxy: "http://proxy.invalid:1" }, 6, ""],
    ];
    for (const [name, args, changes, code, body] of cases) {
      const run = await request(["-v", ...args], changes);
      assertEquals([name, run.code, run.stdout], [name, code, body], run.stderr);
      for (const secret of ["geheim", "falsch", btoa("ann:geheim")]) {
        assert(!run.stderr.includes(secret), run.stderr);
      }
      // This proxy answers with 401 to a user that it does not know, as the server behind it might.
      if (name !== "wrong user" && (code === 67 || code === 7)) {
        assertStringIncludes(run.stderr, "the proxy 127.0.0.1:");
      }
      if (code === 6) assertStringIncludes(run.stderr, "proxy.invalid");
    }
    // What the tunnel leads to is not there.
    const lost = await request([`https://127.0.0.1:1/`], { https_proxy: `http://${open.host}` });
    assertEquals(lost.code, 7, lost.stderr);
    assertStringIncludes(lost.stderr, "does not connect to 127.0.0.1:1");
    await Promise.all([plain.shutdown(), secure.shutdown()]);
  },
});

Deno.test({
  name: "request goes through a SOCKS proxy, by name or by address, with a user where it wants one",
  ignore: !installed("microsocks"),
  async fn() {
    using dir = tempDir({ "ca.pem": AUTHORITY });
    const [plain, secure] = [plainServer(), tlsServer()];
    await using open = await microsocks();
    await using closed = await microsocks(USER);
    const http = `http://localhost:${plain.addr.port}/a`;
    const https = `https://localhost:${secure.addr.port}/`;
    const ca = ["--cacert", dir.at("ca.pem")];
    const cases: [name: string, args: string[], proxy: string, code: number, body: string][] = [
      ["here", [...ca, http, https], `socks5://${open.host}`, 0, "direct /a nullsecure null"],
      ["there", [...ca, http, https], `socks5h://${open.host}`, 0, "direct /a nullsecure null"],
      ["user", [http], `socks5h://ann:geheim@${closed.host}`, 0, "direct /a null"],
      ["nobody", [http], `socks5h://${closed.host}`, 67, ""],
      ["wrong user", [http], `socks5h://ann:falsch@${closed.host}`, 67, ""],
      ["unknown here", ["http://nowhere.invalid/"], `socks5://${open.host}`, 6, ""],
      ["unknown there", ["http://nowhere.invalid/"], `socks5h://${open.host}`, 7, ""],
      ["refused there", ["http://127.0.0.1:1/"], `socks5h://${open.host}`, 7, ""],
    ];
    for (const [name, args, all_proxy, code, body] of cases) {
      const run = await request(args, { all_proxy });
      assertEquals([name, run.code, run.stdout], [name, code, body], run.stderr);
      assert(!/geheim|falsch/.test(run.stderr), run.stderr);
    }
    await Promise.all([plain.shutdown(), secure.shutdown()]);
  },
});

Deno.test({
  name: "request --pin and --insecure hold through proxies, and an https:// proxy has to be trusted itself",
  ignore: !installed("tinyproxy"),
  async fn() {
    using dir = tempDir({ "ca.pem": AUTHORITY });
    const pair = await selfSigned(["localhost"]);
    const [server, trusted] = [echoServer(pair), tlsServer()];
    await using proxy = await tinyproxy();
    const url = `https://127.0.0.1:${server.port}/x`;
    const line = `POST /x 127.0.0.1:${server.port} null data`;
    const env = { https_proxy: `http://${proxy.host}` };
    for (const trust of [["--pin", pair.pin], ["--insecure"]]) {
      const run = await request([...trust, "-d", "data", url, url], env);
      assertEquals([run.code, run.stdout], [0, line + line], run.stderr);
    }
    // TLS to the proxy, and in it TLS to the host.
    const [host, port] = proxy.host.split(":");
    const front = tlsFront({ hostname: host, port: Number(port) });
    const https = `https://localhost:${trusted.addr.port}/`;
    const within = { https_proxy: `https://localhost:${front.port}` };
    const wary = await request([https], within);
    assertEquals(wary.code, 60, wary.stderr);
    assertStringIncludes(wary.stderr, `the proxy localhost:${front.port}`);
    const run = await request(["--cacert", dir.at("ca.pem"), https, https], within);
    assertEquals([run.code, run.stdout], [0, "secure null".repeat(2)], run.stderr);
    await Promise.all([server.shutdown(), trusted.shutdown(), front.close()]);
  },
});

Deno.test("request refuses what is no proxy before it connects, naming the variable and no password", async () => {
  for (
    const [value, part] of [["ftp://ann:geheim@h", "socks5h"], ["http://ann:geheim@", "http://HOST:PORT"]]
  ) {
    const run = await request(["http://127.0.0.1:1/"], { http_proxy: value });
    assertEquals(run.code, 2, run.stderr);
    assertStringIncludes(run.stderr, part);
    assertStringIncludes(run.stderr, "http_proxy");
    assert(!run.stderr.includes("geheim"), run.stderr);
  }
});

Deno.test("request waits for a silent proxy no longer than it may", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${silent.addr.port}`;
  const limits: [flag: string, part: string][] = [["--connect-timeout", "the proxy"], [
    "--timeout",
    "time limit",
  ]];
  for (const scheme of ["http", "https", "socks5h"]) {
    for (const [flag, part] of limits) {
      const run = await request([flag, "200ms", "https://host.example/"], {
        all_proxy: `${scheme}://${host}`,
      });
      assertEquals([run.code, run.stdout], [28, ""], run.stderr);
      assertStringIncludes(run.stderr, part);
    }
  }
  silent.close();
});
