/** `ferry request --write-out`: what it writes about each URL, where, and that curl writes the same. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { installed } from "./programs.ts";
import { onTerminal } from "./terminal.ts";
import { AUTHORITY, tlsServer } from "./tls_server.ts";

/** A server of a few pages. */
function pages() {
  return hostile(async (visit) => {
    const { target, index } = visit;
    if (target === "/away") await visit.answer("302 Found", "gone\n", "Location: /page?x=1");
    else if (target === "/none") {
      await visit.answer("404 Not Found", "nothing here\n", "Content-Type: text/x");
    } else if (target === "/busy" && index === 0) await visit.answer("503 Busy");
    else if (target === "/evil") await visit.answer("200 OK", "x", "X-Note: \xc2\x9b2J\xe2\x80\xae");
    else {
      await visit.answer("200 OK", "a page\n", "Content-Type: text/plain", "X-Test: yes", 'ETag: "e"');
    }
  });
}

Deno.test("request --write-out writes what curl does", async () => {
  if (!installed("curl")) return;
  await using server = pages();
  using dir = tempDir({ "upload": "four" });
  const format =
    "%{http_code} %{response_code} %{size_download} %{size_upload} %{url} %{url_effective} %{num_redirects} " +
    "<%{redirect_url}> <%{content_type}> %{method} %{http_version} %{remote_ip} %{remote_port} %{local_ip} " +
    "%{num_headers} <%header{x-test}> <%header{none}> %{exitcode} 100%% \\t\\n";
  const cases: [own: string[], curls: string[]][] = [
    [["/page"], ["/page"]],
    [["/away"], ["-L", "/away"]],
    [["--no-location", "/away"], ["/away"]],
    [["--no-fail", "/none"], ["/none"]],
    [["-T", dir.at("upload"), "/page"], ["-T", dir.at("upload"), "/page"]],
    [["-d", "a=1", "/page"], ["-d", "a=1", "/page"]],
    [["-I", "/page"], ["-I", "/page"]],
  ];
  for (const [own, curls] of cases) {
    const urls = (args: string[]) => args.map((arg) => /^\/[a-z]+$/.test(arg) ? server.url + arg : arg);
    const args = ["-o", "/dev/null", "-w", format];
    const run = await ferry(["request", "-w", format, "-q", ...urls(own)]);
    const { stdout } = await new Deno.Command("curl", { args: ["-s", ...args, ...urls(curls)] }).output();
    // The body comes before it.
    const line = run.stdout.split("\n").slice(-2).join("\n");
    assertEquals([own, line], [own, new TextDecoder().decode(stdout)], run.stderr);
  }
});

Deno.test("request --write-out follows the body, tells of failures too, and writes to stderr what is for that", async () => {
  await using server = pages();
  const [page, none] = [server.url + "/page", server.url + "/none"];
  using dir = tempDir({ "format": "%{filename_effective} \r\n%{bytes} %{resumed}\\n" });
  const cases: [args: string[], code: number, stdout: string][] = [
    [["-w", "[%{status}]", page], 0, "a page\n[200]"],
    [["-w", "%{exitcode} %{errormsg}\\n", none], 22, `22 ${none}: 404 Not Found\n`],
    [["-w", "%{status} %{size_download}\\n", none], 22, "404 13\n"],
    [["-w", "%{status} %{exitcode} <%{content_type}>\\n", "http://127.0.0.1:1/"], 7, "000 7 <>\n"],
    [["-w", "%{status} %{exitcode} %{url}\\n", "htp://ann:secret@h/"], 3, "000 3 htp://h/\n"],
    [["-w", "ok%{onerror} but %{exitcode}\\n", page], 0, "a page\nok"],
    [["-w", "ok%{onerror} but %{exitcode}\\n", none], 22, "ok but 22\n"],
    [["-w", "%{num_retries} %{num_connects}\\n", server.url + "/busy"], 0, "a page\n1 2\n"],
    [["-w", "@" + dir.at("format"), "-o", dir.at("out"), page], 0, `${dir.at("out")} 7 0\n`],
    [["-w", "%{sha256}", "-I", page], 0, ""],
    [["-w", "%{sha256}", page], 0, "a page\n" + await sha256("a page\n")],
    [["-w", "", page], 0, "a page\n"],
  ];
  server.visits.length = 0;
  for (const [args, code, stdout] of cases) {
    if (args.at(-1)!.endsWith("/busy")) server.visits.length = 0;
    const run = await ferry(["request", "--retry", "1", ...args]);
    assertEquals([args, run.code], [args, code], run.stderr);
    if (!args.includes("-I")) assertEquals([args, run.stdout], [args, stdout]);
  }
  const both = await ferry(["request", "-w", "%{stderr}%{status} %{num_headers}%{stdout}!", page]);
  assertEquals([both.stdout, both.stderr], ["a page\n!", "200 5"]);
  const json = await ferry(["request", "-o", dir.at("out"), "-w", "%{json}\\n%{header_json}\\n", page]);
  const [facts, headers] = json.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    [facts.url, facts.http_code, facts.size_download, facts.errormsg, facts.remote_ip, facts.sha256],
    [page, 200, 7, null, "127.0.0.1", await sha256("a page\n")],
  );
  assertEquals(headers["x-test"], ["yes"]);
});

Deno.test("request --write-out tells times that follow each other, names and TLS included", async () => {
  await using server = tlsServer();
  using dir = tempDir({ "ca.pem": AUTHORITY });
  const times = ["namelookup", "connect", "appconnect", "pretransfer", "starttransfer", "total"];
  const format = `${times.map((name) => `%{time_${name}}`).join(" ")} %{scheme}`;
  const args = ["--cacert", dir.at("ca.pem"), "-o", "/dev/null", "-w", format];
  const run = await ferry(["request", ...args, `https://localhost:${server.addr.port}/`]);
  assertEquals(run.code, 0, run.stderr);
  const values = run.stdout.split(" ");
  assertEquals(values.pop(), "https");
  assert(values.every((value) => /^\d+\.\d{6}$/.test(value) && Number(value) > 0), run.stdout);
  assertEquals(values.map(Number), values.map(Number).sort((a, b) => a - b));
});

Deno.test("request --write-out says what is wrong with a format before anything is requested", async () => {
  await using server = pages();
  using dir = tempDir({ "long": "x".repeat((1 << 20) + 1) });
  const cases: [string, number, string][] = [
    ["%{http_cod}", 2, "did you mean %{http_code}?"],
    ["@" + dir.at("none"), 26, dir.at("none")],
    ["@" + dir.at("long"), 2, "too long"],
    ["@-", 2, "name of a file"],
  ];
  for (const [format, code, text] of cases) {
    const run = await ferry(["request", "-w", format, server.url]);
    assertEquals([format, run.code], [format, code]);
    assertStringIncludes(run.stderr, text);
  }
  assertEquals(server.visits.length, 0);
});

Deno.test("request --write-out with several URLs writes each behind its own body, and within no other", async () => {
  const gates = new Map(["/0", "/1", "/2"].map((path) => [path, Promise.withResolvers<void>()]));
  await using server = hostile(async (visit) => {
    const { target } = visit;
    await visit.head("HTTP/1.1 200 OK", "Content-Length: 4");
    await visit.send(target.slice(1).repeat(2));
    if (target === "/2") { for (const gate of gates.values()) gate.resolve(); }
    await gates.get(target)?.promise;
    await visit.send(target.slice(1).repeat(2));
  });
  using dir = tempDir();
  // The second is a file, which is there while the first one is still being written; the third fails at once.
  const args = ["--parallel", "4", "-w", "(%{exitcode})", "-o", "-", "-o", dir.at("f"), "-o", "-", "-o", "-"];
  const run = await ferry([
    "request",
    ...args,
    server.url + "/0",
    server.url + "/1",
    "x:",
    server.url + "/2",
  ]);
  assertEquals(run.code, 3, run.stderr);
  assert(/^0000\(0\)(?:\(.\)){0,2}2222(?:\(.\)){1,3}$/.test(run.stdout), run.stdout);
  assertEquals(run.stdout.replace(/[^3]/g, ""), "3");
});

Deno.test("request --write-out tells of many small files by what is known of each", async () => {
  const names = Array.from({ length: 60 }, (_, index) => `f${index}`);
  using shared = tempDir(Object.fromEntries(names.map((name) => [name, name])));
  using dir = tempDir();
  await using server = await serve(shared.path);
  const input = names.map((name) => `${server.url}/${name}`).join("\n");
  const expected = names.map((name) => `200 ${name.length} ${server.url}/${name} ${dir.at(name)} 0\n`).sort();
  for (const more of ["", "%{stderr}%{remote_ip} %{content_type}\\n"]) {
    const format = `%{status} %{size_download} %{url_effective} %{filename_effective} %{exitcode}\\n${more}`;
    const run = await ferry(
      ["request", "--input", "-", "--output-dir", dir.path, "-w", format],
      { stdin: input },
    );
    assertEquals(run.code, 0, run.stderr);
    assertEquals(run.stdout.split(/(?<=\n)/).sort(), expected);
    if (more !== "") assertEquals(new Set(run.stderr.trim().split("\n")).size, 1, run.stderr);
  }
});

Deno.test("request --write-out lets no control character of a server reach a terminal", async () => {
  await using server = pages();
  const run = await onTerminal([
    "request",
    "-o",
    "/dev/null",
    "-w",
    "\x1b[1m%header{x-note}",
    server.url + "/evil",
  ]);
  if (run === null) return;
  assertEquals([run.code, run.raw], [0, "\x1b[1m\\x9b2J\\u202e"]);
  const piped = await ferry(["request", "-o", "/dev/null", "-w", "%header{x-note}", server.url + "/evil"]);
  assertEquals(piped.stdout, "\u009b2J\u202e");
});
