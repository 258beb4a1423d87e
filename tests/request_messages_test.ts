import { assert, assertEquals } from "@std/assert";
import { freePort } from "../bench/daemon.ts";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile, silence } from "./hostile_server.ts";

Deno.test("request says in one line what went wrong, with what, and what to do", async () => {
  using dir = tempDir({ "share/a.txt": "hello\n", "folder": null, "old": "old", "taken.ferry-part": null });
  await using tls = await serve(dir.at("share"), ["--tls-self-signed", "--state-dir", dir.at("state")]);
  await using plain = await serve(dir.at("share"));
  await using server = hostile(async (visit) => {
    const { target } = visit;
    if (target === "/silent") await silence();
    else if (target === "/loop") await visit.answer("302 Found", "", "Location: /loop");
    else if (target === "/away") await visit.answer("302 Found", "", "Location: file:///etc/passwd");
    else if (target === "/secret") await visit.answer("401 Unauthorized");
    else if (target === "/gone") await visit.answer("404 Not Found");
    else if (target === "/digest") {
      await visit.answer("401 Unauthorized", "", 'WWW-Authenticate: Digest realm="basic, not", nonce="x"');
    } else if (target === "/garbage") await visit.send("SSH-2.0-OpenSSH_9.2p1\r\n");
    else if (target === "/cut") {
      await visit.head("HTTP/1.1 200 OK", "Content-Length: 10", 'ETag: "v1"');
      await visit.send("12345");
    } else if (target === "/lost") {
      await visit.head("HTTP/1.1 200 OK", "Content-Length: 10");
      await visit.send("12345");
    } else await visit.answer("200 OK", "hello\n");
  });
  const { url, port } = server;
  const closed = `127.0.0.1:${freePort()}`;
  const zeros = "0".repeat(64);
  const hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
  const file = (name: string) => ["-o", dir.at(name)];
  const cases: [args: string[], code: number, message: string][] = [
    [["http://no-such-host.invalid/"], 6, "host not found: no-such-host.invalid; is its name spelled right?"],
    [[`http://${closed}/`], 7, `no connection to ${closed}: connection refused; is a server running there?`],
    [
      ["--unix", dir.at("socket"), url],
      7,
      `no connection to the socket ${dir.at("socket")}: there is no such socket`,
    ],
    [[`${url}/gone`], 22, `${url}/gone: 404 Not Found`],
    [
      [`${url}/secret`],
      67,
      `${url}/secret: 401 Unauthorized; --user USER:PASSWORD or --token TOKEN says who asks`,
    ],
    [
      [`${url}/digest`],
      67,
      `${url}/digest: 401 Unauthorized; the server wants a login by Digest, and ferry knows Basic and Bearer alone`,
    ],
    [
      [...file("lost"), `${url}/lost`],
      18,
      `the connection to 127.0.0.1:${port} broke off in the middle of the answer; without a length and ` +
      "a strong ETag its 5 bytes cannot be gone on from",
    ],
    [
      [`${url}/loop`, "--max-redirects", "3"],
      47,
      `${url}/loop: more than 3 redirects; the last one leads to ${url}/loop; --max-redirects N allows more`,
    ],
    [[`${url}/away`], 3, `${url}/away redirects to file:///etc/passwd: only http and https are followed`],
    [
      ["--timeout", "300ms", `${url}/silent`],
      28,
      `${url}/silent: the time limit of 300ms ran out (--timeout)`,
    ],
    [
      [...file("part"), `${url}/cut`],
      18,
      `the connection to 127.0.0.1:${port} broke off in the middle of the answer; 5 bytes are kept in ` +
      `${dir.at("part")}.ferry-part, --continue goes on from there`,
    ],
    [
      ["-r", "0-1", url],
      33,
      `${url}/: the server serves no ranges of it, only the whole; ask without --range`,
    ],
    [
      [...file("sum"), "--checksum", `sha256:${zeros}`, url],
      43,
      `${url}/: the SHA-256 is ${hello}, not the ${zeros} that --checksum demands`,
    ],
    [
      [`https://127.0.0.1:${plain.port}/`],
      35,
      `TLS handshake with 127.0.0.1:${plain.port} failed: it does not speak TLS; did you mean http://?`,
    ],
    // Files of this machine.
    [file("taken").concat(url), 23, `cannot write ${dir.at("taken.ferry-part")}: is a directory`],
    [["-o", "/dev/full", url], 23, "cannot write /dev/full: no space left on device"],
    [file("folder").concat(url), 23, `cannot write ${dir.at("folder")}: it is a folder; see --output-dir`],
    [
      file("no/f").concat(url),
      23,
      `cannot write ${dir.at("no/f")}: there is no folder ${dir.at("no")}; make it first`,
    ],
    [
      ["-O", "--output-dir", dir.at("old/no"), `${url}/f`],
      23,
      `cannot write ${dir.at("old/no")}: a parent is not a directory`,
    ],
    [["--input", dir.at("folder")], 26, `cannot read ${dir.at("folder")}: it is a folder`],
    [["-T", dir.at("none"), `${url}/x`], 26, `cannot read ${dir.at("none")}: no such file or directory`],
    [["-T", dir.at("folder"), `${url}/x`], 26, `cannot read ${dir.at("folder")}: it is a folder`],
    [["-d", `@${dir.at("none")}`, url], 26, `cannot read ${dir.at("none")}: no such file or directory`],
    // What is wrong with the command line.
    [["example.org/x"], 3, "not a URL: example.org/x; did you mean http://example.org/x?"],
    [["https:/example.org"], 3, "not a URL: https:/example.org; did you mean https://example.org?"],
    [["ftp://h/x"], 3, "ftp://h/x: the scheme ftp is not served, only http and https are"],
    [["http://h:99999/"], 3, "not a valid URL: http://h:99999/"],
    [["http://me:geheim@h:x/"], 3, "not a valid URL: http://h:x/"],
    [["--timout", "5", url], 2, "unknown flag --timout; did you mean --timeout?"],
    [["-X", "GET", url], 2, "unknown flag -X; the method is a word before the URL: ferry request DELETE URL"],
    [
      ["-fsSL", url],
      2,
      "unknown flag -f; a status of 400 or more is exit 22 as it is; --no-fail lets it pass",
    ],
    [["-c", "-O", url], 2, "unknown flag -c; did you mean -C?"],
    [["--unix", "", url], 2, "--unix is empty"],
    [["--timeout", "soon", url], 2, "--timeout soon: must be a duration such as 500ms, 30s, 5m or 2h"],
    [["--limit-rate", "0", url], 2, "--limit-rate 0 would never end"],
    [["-O", url], 2, `${url}/ has no file name at its end; --output FILE gives one`],
    [["-o", "out/", url], 2, "--output out/ is the name of a folder; --output-dir DIR takes one"],
    [["-C", "-r", "0-1", url], 2, "--continue and --range cannot go together"],
    [["-C", "-O", "-H", "range: bytes=0-1", url], 2, "--continue and --header Range cannot go together"],
    [["-C", url], 2, "--continue needs a file: --output FILE, --remote-name or --output-dir DIR"],
    [["-H", "Nonsense", url], 2, '--header Nonsense: must be like "Name: value"'],
    [
      ["-u", "geheim", url],
      2,
      "--user must be USER:PASSWORD where there is no terminal to ask for the password",
    ],
    [["--token", "geheim geheim", url], 2, "--token is empty or has characters that no token has"],
    [["-T", "", url], 2, "--upload is empty"],
    [["-d", "@", url], 2, "--data @: the name of a file is missing after @"],
    [["--data-json", "@", url], 2, "--data-json @: the name of a file is missing after @"],
    [
      ["-I", "--checksum", `sha256:${"0".repeat(64)}`, url],
      2,
      "--checksum is for a body, and --head brings none",
    ],
    [["-d", "x", "-T", "y", url], 2, "--data and --upload cannot go together"],
  ];
  await Promise.all(cases.map(async ([args, code, message]) => {
    const run = await ferry(["request", "--retry", "0", ...args], { cwd: dir.path });
    assertEquals([args, run.code, run.stdout, run.stderr], [args, code, "", `ferry: ${message}\n`]);
  }));
  for (
    const [address, code] of [[tls.url, 60], [tls.url.replace("https:", "http:"), 22], [
      `${url}/garbage`,
      22,
    ]] as const
  ) {
    const run = await ferry(["request", "--retry", "0", address]);
    assertEquals([address, run.code, run.stdout], [address, code, ""], run.stderr);
    const advice = code === 60
      ? "--pin sha256:HEX"
      : address.endsWith("garbage")
      ? "did not answer in HTTP"
      : "https://";
    assert(run.stderr.includes(advice) && run.stderr.includes("127.0.0.1:"), run.stderr);
    assertEquals(run.stderr.trimEnd().split("\n").length, 1, run.stderr);
  }
  assertEquals([...Deno.readDirSync(dir.at("folder"))].length, 0);
});
