/** `ferry serve` with TLS: certificates from files and of its own, pairing, HTTP/2, new ones without a lost request. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { selfSigned } from "./pinned_server.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./tls_server.ts";

/** `curl ARGS` on a server whose certificate it does not ask for; null where there is no curl. */
async function curl(args: string[]): Promise<{ code: number; text: string } | null> {
  try {
    const all = ["--silent", "--show-error", "--insecure", "--max-time", "20", ...args];
    const { code, stdout, stderr } = await new Deno.Command("curl", { args: all }).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Waits until `holds`. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    assert(Date.now() < end, "it did not come about");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

Deno.test("serve --tls-cert speaks TLS with the certificate of an authority, and HTTP/2 with who wants it", async () => {
  using dir = tempDir({ "share/a b.txt": "hello", "ca.pem": AUTHORITY, "c.pem": CERTIFICATE, "k.pem": KEY });
  Deno.chmodSync(dir.at("k.pem"), 0o600);
  const flags = [
    "--tls-cert",
    dir.at("c.pem"),
    "--tls-key",
    dir.at("k.pem"),
    "--host",
    "localhost",
    "--writable",
  ];
  await using server = await serve(dir.at("share"), [...flags, "--log", "combined"]);
  assertMatch(server.url, /^https:\/\/localhost:\d+$/);
  const run = await ferry(["request", "--cacert", dir.at("ca.pem"), `${server.url}/a%20b.txt`]);
  assertEquals([run.code, run.stdout], [0, "hello"], run.stderr);
  const http2 = await curl(["--http2", "-i", `${server.url}/a%20b.txt`]);
  if (http2 === null) return console.log("no curl here: HTTP/2 not tried");
  assertMatch(http2.text, /^HTTP\/2 200/);
  assert(http2.text.endsWith("hello"), http2.text);
  assert(!/^(connection|keep-alive|transfer-encoding):/im.test(http2.text), http2.text);
  const old = await curl(["--http1.1", "-i", `${server.url}/a%20b.txt`]);
  assertMatch(old!.text, /^HTTP\/1.1 200/);
  // What leans on the Host header, which HTTP/2 does not have, and headers that it forbids.
  const to = (path: string) => ["-X", "MOVE", "-H", `Destination: ${server.url}${path}`];
  const moved = await curl([
    "--http2",
    "-o",
    "-",
    "-w",
    "%{http_code}",
    ...to("/c.txt"),
    `${server.url}/a%20b.txt`,
  ]);
  assertEquals(moved!.text, "201");
  const away = await curl([
    "--http2",
    "-w",
    " %{http_code}",
    "-X",
    "MOVE",
    "-H",
    "Destination: https://elsewhere.example/c",
    `${server.url}/c.txt`,
  ]);
  assert(away!.text.endsWith(" 400"), away!.text);
  const put = await curl([
    "--http2",
    "-w",
    "%{http_version} %{http_code}",
    "-T",
    dir.at("ca.pem"),
    `${server.url}/up`,
  ]);
  assertEquals(put!.text, "2 201");
  const range = await curl(["--http2", "-r", "1-3", `${server.url}/c.txt`]);
  assertEquals(range!.text, "ell");
  for (const path of ["/a/../b", "/%2e%2e/etc/passwd"]) {
    const dots = await curl(["--http2", "--path-as-is", "-w", " %{http_code}", `${server.url}${path}`]);
    assert(dots!.text.endsWith(" 400"), dots!.text);
  }
  await until(() => server.log().includes('"GET /a%20b.txt HTTP/2.0" 200'));
  assertStringIncludes(server.log(), '"GET /a%20b.txt HTTP/1.1" 200');
});

Deno.test("serve with several workers speaks TLS and HTTP/2 in each", async () => {
  using dir = tempDir({ "share/f": "hello", "up": "up" });
  await using server = await serve(dir.at("share"), [
    "--tls-self-signed",
    "--state-dir",
    dir.at("state"),
    "--writable",
    "--workers",
    "2",
  ]);
  for (let i = 0; i < 6; i++) {
    const version = i % 2 === 0 ? "--http2" : "--http1.1";
    const put = await curl([
      version,
      "-o",
      "-",
      "-w",
      "%{http_code}",
      "-T",
      dir.at("up"),
      `${server.url}/g${i}`,
    ]);
    if (put === null) return console.log("no curl here: not tried");
    assertEquals(put.text, "201");
    const read = await curl([version, `${server.url}/f`]);
    assertEquals(read!.text, "hello");
    const health = await curl(["--http2", `${server.url}/.ferry/health`]);
    assertStringIncludes(health!.text, '"ok"');
  }
});

Deno.test("serve --tls-self-signed prints what request --pin takes, and keeps its certificate for the next time", async () => {
  using dir = tempDir({ "share/f": "hello" });
  const flags = ["--tls-self-signed", "--state-dir", dir.at("state")];
  let pairing = "";
  for (const round of [1, 2]) {
    await using server = await serve(dir.at("share"), flags);
    await until(() => server.log().includes("pair with"));
    const line = /^ferry: pair with: ferry (request --pin sha256:[0-9a-f]{64} )(https:\/\/127.0.0.1:\d+\/)$/m
      .exec(server.log());
    assert(line !== null, server.log());
    const run = await ferry([...line[1].trim().split(" "), `${line[2]}f`]);
    assertEquals([run.code, run.stdout], [0, "hello"], run.stderr);
    if (round === 2) assertEquals(line[1], pairing);
    pairing = line[1];
    const unpinned = await ferry(["request", `${line[2]}f`]);
    assertEquals(unpinned.code, 60, unpinned.stderr);
  }
  const kept = dir.at("state/tls/self-signed.pem");
  assertEquals((Deno.statSync(kept).mode ?? 0) & 0o777, 0o600);
  // Another one, when somebody removes it.
  Deno.removeSync(kept);
  await using server = await serve(dir.at("share"), flags);
  await until(() => server.log().includes("pair with"));
  assert(!server.log().includes(pairing));
});

Deno.test("sync --pin replicates with a server that has a certificate of its own, both ways", async () => {
  using dir = tempDir({ "src/a": "1", "src/b/c": "2", "share": null });
  await using server = await serve(dir.at("share"), [
    "--tls-self-signed",
    "--state-dir",
    dir.at("state"),
    "--writable",
  ]);
  await until(() => server.log().includes("pair with"));
  const pin = /sha256:[0-9a-f]{64}/.exec(server.log())![0];
  const push = await ferry(["sync", "--pin", pin, dir.at("src"), server.url]);
  assertEquals(push.code, 0, push.stderr);
  const pull = await ferry(["sync", "--pin", pin, server.url, dir.at("dst")]);
  assertEquals(pull.code, 0, pull.stderr);
  assertEquals(Deno.readTextFileSync(dir.at("dst/b/c")), "2");
});

Deno.test("serve takes a certificate that was put anew, by itself and by SIGHUP, while requests go on", async () => {
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => selfSigned(["localhost", "127.0.0.1"])));
  using dir = tempDir({ "share/f": "x".repeat(100_000), "c.pem": one.cert, "k.pem": one.key });
  Deno.writeFileSync(dir.at("share/big"), new Uint8Array(20_000_000).fill(7));
  Deno.chmodSync(dir.at("k.pem"), 0o600);
  const flags = ["--tls-cert", dir.at("c.pem"), "--tls-key", dir.at("k.pem"), "--log", "none", "--writable"];
  await using server = await serve(dir.at("share"), flags);
  // The binary's runtime, Deno 2.4, does not tell an HTTP/2 connection that it ends.
  const http2 = Deno.env.get("FERRY_BIN") === undefined;
  using client = Deno.createHttpClient({ caCerts: [one.cert, two.cert, three.cert], http2 });
  let done = false, count = 0;
  const failures: unknown[] = [];
  const asking = async () => {
    while (!done && failures.length === 0) {
      try {
        const response = await fetch(`${server.url}/f`, { client });
        if ((await response.text()).length !== 100_000) failures.push("short");
      } catch (error) {
        failures.push(error);
      }
      count++;
    }
  };
  const askers = [asking(), asking()];
  // What is under way ends where it began.
  const download = (await fetch(`${server.url}/big`, { client })).body!.getReader();
  let downloaded = (await download.read()).value!.length;
  const body = new TransformStream<Uint8Array>();
  const upload = fetch(`${server.url}/up`, { method: "PUT", body: body.readable, client });
  const writer = body.writable.getWriter();
  await writer.write(new TextEncoder().encode("before "));
  /** Those who leave take connections for a moment still, and one in two may come to them. */
  const everywhere = async (pin: string) => {
    for (let i = 0; i < 20; i++) if (await pinned(pin) !== 0) return false;
    return true;
  };
  const pinned = async (pin: string) =>
    (await ferry(["request", "-I", "--pin", pin, `${server.url}/f`])).code;
  assertEquals(await pinned(one.pin), 0);
  Deno.writeTextFileSync(dir.at("c.pem"), two.cert);
  Deno.writeTextFileSync(dir.at("k.pem"), two.key);
  // It looks every two seconds.
  await until(async () => await pinned(two.pin) === 0);
  await writer.write(new TextEncoder().encode("and after"));
  await writer.close();
  assertEquals((await upload).status, 201);
  assertEquals(Deno.readTextFileSync(dir.at("share/up")), "before and after");
  await until(() => everywhere(two.pin));
  assertEquals(await pinned(one.pin), 60);
  // One that is not whole is not taken.
  Deno.writeTextFileSync(dir.at("k.pem"), one.key);
  Deno.kill(server.pid, "SIGHUP");
  await until(() => server.log().includes("the old settings stay in use"));
  assertStringIncludes(server.log(), `--tls-key ${dir.at("k.pem")}: is not the key of the first certificate`);
  assertEquals(await pinned(two.pin), 0);
  Deno.writeTextFileSync(dir.at("c.pem"), three.cert);
  Deno.writeTextFileSync(dir.at("k.pem"), three.key);
  Deno.kill(server.pid, "SIGHUP");
  await until(async () => await pinned(three.pin) === 0);
  done = true;
  await Promise.all(askers);
  for (;;) {
    const { value, done } = await download.read();
    if (done) break;
    downloaded += value.length;
  }
  assertEquals(downloaded, 20_000_000);
  assertEquals(failures, []);
  assert(count > 5, String(count));
  assertEquals(await server.stop(), 0);
});

Deno.test("serve says what is wrong with a certificate, its key or the flags, and does not start", async () => {
  const [one, two] = await Promise.all([1, 2].map(() => selfSigned(["localhost"])));
  using dir = tempDir({ c: one.cert, k: one.key, other: two.key, text: "hello", "share/k": one.key });
  Deno.symlinkSync("share/k", dir.at("link"));
  const cases: [string[], string][] = [
    [["--tls-cert", dir.at("c")], "--tls-cert needs --tls-key"],
    [["--tls-key", dir.at("k")], "--tls-key needs --tls-cert"],
    [["--tls-self-signed", "--tls-key", dir.at("k")], "--tls-self-signed makes"],
    [["--tls-self-signed", "--unix", dir.at("s")], "--unix"],
    [["--tls-cert", dir.at("c"), "--tls-key", dir.at("other")], "is not the key of the first certificate"],
    [["--tls-cert", dir.at("text"), "--tls-key", dir.at("k")], "there is no PEM certificate"],
    [["--tls-cert", dir.at("none"), "--tls-key", dir.at("k")], "no such file"],
    [["--tls-self-signed", "--state-dir", dir.at("text")], "--tls-self-signed: cannot"],
    // Whoever may read the share could take them.
    [["--tls-cert", dir.at("c"), "--tls-key", dir.at("share/k")], "would lie in the shared folder"],
    [["--tls-cert", dir.at("c"), "--tls-key", dir.at("link")], "would lie in the shared folder"],
    [["--tls-self-signed", "--state-dir", dir.at("share/state")], "would lie in the shared folder"],
  ];
  for (const [flags, message] of cases) {
    const run = await ferry(["serve", dir.at("share"), "--port", "0", ...flags]);
    assertEquals([run.code, run.stdout], [2, ""], run.stderr);
    assertStringIncludes(run.stderr, message);
  }
  assertEquals([...Deno.readDirSync(dir.at("share"))].length, 1);
  // Unwise, but no mistake.
  Deno.chmodSync(dir.at("k"), 0o644);
  await using server = await serve(dir.at("share"), ["--tls-cert", dir.at("c"), "--tls-key", dir.at("k")]);
  assertStringIncludes(server.log(), "chmod 600 it");
});

Deno.test("who speaks plain HTTP to TLS, or TLS to plain HTTP, learns what to do", async () => {
  using dir = tempDir({ "share/f": "hello" });
  const state = ["--state-dir", dir.at("state")];
  await using tls = await serve(dir.at("share"), ["--tls-self-signed", ...state]);
  await using plain = await serve(dir.at("share"), []);
  const toTls = await ferry(["request", "--retry", "0", tls.url.replace("https", "http")]);
  assertEquals(toTls.code, 22, toTls.stderr);
  assertStringIncludes(toTls.stderr, "https://");
  // Nor does anybody else suffer from it.
  for (let i = 0; i < 40; i++) {
    const odd = await Deno.connect({ hostname: "127.0.0.1", port: tls.port });
    await odd.write(
      i % 2 === 0 ? crypto.getRandomValues(new Uint8Array(i)) : Uint8Array.of(22, 3, 1, 255, 255, 1),
    );
    odd.close();
  }
  await until(() => tls.log().includes("pair with"));
  const pin = /sha256:[0-9a-f]{64}/.exec(tls.log())![0];
  const run = await ferry(["request", "--pin", pin, `${tls.url}/f`]);
  assertEquals([run.code, run.stdout], [0, "hello"], run.stderr);
  const toPlain = await ferry(["request", "--retry", "0", plain.url.replace("http", "https")]);
  assertEquals(toPlain.code, 35, toPlain.stderr);
  assertStringIncludes(toPlain.stderr, "http://");
});
