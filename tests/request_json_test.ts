/** The lines of `ferry request --json`: every key, and on which stream they are. */
import { assert, assertEquals } from "@std/assert";
import { ferry, serve, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

type Line = Record<string, unknown>;

/** The objects in `text`, which may have other lines between them. */
function objects(text: string): Line[] {
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** A line without what differs from run to run. */
function told({ ms, error, ...rest }: Line): Line {
  assert(Number.isInteger(ms) && (ms as number) >= 0);
  if (error === undefined) return rest;
  const { message, ...stable } = error as { message: string };
  assert(typeof message === "string" && message !== "");
  return { ...rest, error: stable };
}

Deno.test("request --json has one line for each kind of request, with the keys that it can have", async () => {
  const content = "some content\n";
  const large = new Uint8Array(9 << 20).fill(7);
  using shared = tempDir({ "f": content, "large": large });
  using dir = tempDir({ "small": content, "large": large });
  await using server = await serve(shared.path, ["--writable"]);
  await using odd = hostile(async (visit) => {
    if (visit.target === "/busy" && visit.index === 0) {
      return await visit.answer("503 Busy", "", "Retry-After: 0");
    }
    if (visit.target === "/away") return await visit.answer("302 Found", "", "Location: /named");
    await visit.answer("200 OK", "x", 'Content-Disposition: attachment; filename="given.txt"');
  });
  const digest = await sha256(content);
  const [f, out] = [`${server.url}/f`, dir.at("out")];
  const got = { url: f, method: "GET", status: 200, bytes: content.length, retries: 0 };
  const sent = { status: 201, bytes: content.length, retries: 0 };
  const error = (code: string, exit: number) => ({ error: { code, exit } });
  const cases: [stream: "stdout" | "stderr", args: string[], line: Line][] = [
    ["stdout", ["-o", out, f], { ...got, path: out, sha256: digest }],
    ["stderr", [f], got],
    ["stderr", ["-I", f], { ...got, method: "HEAD", bytes: 0 }],
    ["stderr", ["-r", "0-3", f], { ...got, status: 206, bytes: 4 }],
    ["stderr", ["--checksum", `sha256:${digest}`, f], { ...got, sha256: digest }],
    ["stdout", ["-o", out, `${server.url}/none`], {
      ...got,
      url: `${server.url}/none`,
      status: 404,
      bytes: 0,
      path: out,
      ...error("http_status", 22),
    }],
    ["stderr", [`${server.url}/none`], {
      ...got,
      url: `${server.url}/none`,
      status: 404,
      bytes: 0,
      ...error("http_status", 22),
    }],
    ["stderr", ["--recursive", `${server.url}/none/`], {
      url: `${server.url}/none/`,
      method: "GET",
      status: 404,
      bytes: 0,
      retries: 0,
      ...error("http_status", 22),
    }],
    ["stderr", ["http://127.0.0.1:1/x"], {
      url: "http://127.0.0.1:1/x",
      method: "GET",
      status: 0,
      bytes: 0,
      retries: 0,
      ...error("no_connection", 7),
    }],
    ["stdout", ["-o", dir.at("bad"), "--checksum", `sha256:${"0".repeat(64)}`, f], {
      ...got,
      path: dir.at("bad"),
      ...error("checksum_mismatch", 43),
    }],
    ["stderr", ["-T", dir.at("small"), `${server.url}/put`], {
      ...sent,
      url: `${server.url}/put`,
      method: "PUT",
    }],
    ["stderr", ["-T", dir.at("small"), `${server.url}/in/`], {
      ...sent,
      url: `${server.url}/in/small`,
      method: "PUT",
    }],
    // By tus, in several requests that are one to whoever asks.
    ["stderr", ["-T", dir.at("large"), `${server.url}/tus`], {
      ...sent,
      url: `${server.url}/tus`,
      method: "PUT",
      status: 204,
      bytes: large.length,
    }],
    ["stderr", ["DELETE", `${server.url}/put`], {
      url: `${server.url}/put`,
      method: "DELETE",
      status: 204,
      bytes: 0,
      retries: 0,
    }],
    ["stderr", ["-d", "a=1", `${odd.url}/x`], {
      url: `${odd.url}/x`,
      method: "POST",
      status: 200,
      bytes: 3,
      retries: 0,
    }],
    ["stdout", ["--output-dir", dir.path, "-J", `${odd.url}/away`], {
      url: `${odd.url}/away`,
      method: "GET",
      status: 200,
      bytes: 1,
      path: dir.at("given.txt"),
      sha256: await sha256("x"),
      retries: 0,
    }],
  ];
  for (const [stream, args, line] of cases) {
    const run = await ferry(["request", "--json", "-q", "--retry", "0", ...args]);
    const lines = { stdout: objects(run.stdout), stderr: objects(run.stderr) };
    const other = stream === "stdout" ? "stderr" : "stdout";
    assertEquals([args, lines[stream].map(told), lines[other]], [args, [line], []], run.stderr);
    assertEquals(run.code, (line.error as { exit: number } | undefined)?.exit ?? 0);
  }
  // Nor is what is not there the body of an answer.
  const tus = await ferry([
    "request",
    "-T",
    dir.at("large"),
    "-w",
    "%{method} %{url_effective} [%{sha256}]",
    server.url,
  ]);
  assertEquals([tus.code, tus.stdout], [0, `PUT ${server.url}/large []`], tus.stderr);
  odd.visits.length = 0;
  const again = await ferry(["request", "--json", `${odd.url}/busy`]);
  assertEquals(objects(again.stderr).map(({ status, retries }) => [status, retries]), [[200, 1]]);
  // Half of it is there.
  const whole = await ferry(["request", "-o", dir.at("half"), "--json", `${server.url}/large`]);
  assertEquals(objects(whole.stdout)[0].resumed, undefined);
  const complete = await ferry(["request", "-C", "-o", dir.at("half"), "--json", `${server.url}/large`]);
  const [last] = objects(complete.stdout);
  assertEquals([last.resumed, last.bytes, last.sha256], [true, 0, await sha256(large)]);
});

Deno.test("request --json keeps the characters of a server off the terminal, and within their line", async () => {
  await using server = hostile((visit) => visit.answer("404 \xc2\x9b2J\xe2\x80\xaeNo"));
  const run = await ferry(["request", "--json", "-q", server.url]);
  const [line] = objects(run.stderr);
  assertEquals((line.error as { code: string }).code, "http_status");
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  assertEquals(run.stderr.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/g), null);
});
