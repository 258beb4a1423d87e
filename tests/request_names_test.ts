import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, serve, tempDir } from "./harness.ts";
import { hostile, type Visit } from "./hostile_server.ts";

const names = (path: string) => [...Deno.readDirSync(path)].map((entry) => entry.name).sort();

async function sha256Base64(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** Says of `/NUMBER/...` what stands in `told`, and `/to` redirects. */
function namer(told: readonly string[]) {
  return hostile(async (visit: Visit) => {
    const [, number] = /^\/(\d+)\//.exec(visit.target) ?? [];
    if (visit.target === "/to") {
      return await visit.answer("302 Found", "", "Location: /files/.%2e%2fleads-here.txt?x=/etc");
    }
    const lines = number === undefined ? [] : [`Content-Disposition: ${told[Number(number)]}`];
    await visit.answer("200 OK", visit.target, 'ETag: "v1"', ...lines);
  });
}

Deno.test("request -J takes the server's name, as one harmless name in the folder", async () => {
  const cases: [told: string, name: string][] = [
    ['attachment; filename="report.pdf"', "report.pdf"],
    ["attachment; filename=old.txt; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"],
    ['attachment; filename="../../../etc/passwd"', "passwd"],
    ['attachment; filename="/root/.bashrc"', "_bashrc"],
    ["attachment; filename*=UTF-8''x%1b%5b2Jy%00%0az", "x_[2Jy__z"],
    ["attachment; filename=-rf", "_rf"],
    ['attachment; filename="caf\xc3\xa9.txt"', "café.txt"],
    ["attachment; filename=a.ferry-part.json", "a_ferry-part.json"],
    ["attachment; filename=..", "typed"],
    ["inline", "typed (1)"],
    [`attachment; filename=${"n".repeat(300)}.iso`, "n".repeat(235) + ".iso"],
  ];
  await using server = namer(cases.map(([told]) => told));
  using dir = tempDir({ out: null });
  const urls = cases.map((_, index) => `${server.url}/${index}/typed`);
  const run = await ferry(["request", "-J", "--output-dir", dir.at("out"), ...urls]);
  assertEquals([run.code, run.stdout, run.stderr], [0, "", ""]);
  assertEquals(names(dir.at("out")), cases.map(([, name]) => name).sort());
  assertEquals(names(dir.path), ["out"]);
  cases.forEach(([, name], index) =>
    assertEquals(Deno.readTextFileSync(dir.at(`out/${name}`)), `/${index}/typed`)
  );
});

Deno.test("request -J takes the name that a redirect leads to, and nothing but the name", async () => {
  await using server = namer([]);
  using dir = tempDir();
  const run = await ferry(["request", "-J", "--json", server.url + "/to"], { cwd: dir.path });
  assertEquals([run.code, names(dir.path)], [0, ["_._leads-here.txt"]], run.stderr);
  assertEquals(JSON.parse(run.stdout).path, "_._leads-here.txt");
});

Deno.test("request -J never replaces a file, but for --overwrite; -O does, but for --no-overwrite", async () => {
  await using server = namer(["attachment; filename=a.tar.gz"]);
  const cases: [flags: string[], wanted: Record<string, string>][] = [
    [["-J"], { "a.tar.gz": "mine", "a (1).tar.gz": "/0/a.tar.gz" }],
    [["-J", "-O"], { "a.tar.gz": "mine", "a (1).tar.gz": "/0/a.tar.gz" }],
    [["-J", "--overwrite"], { "a.tar.gz": "/0/a.tar.gz" }],
    [["-O"], { "a.tar.gz": "/0/a.tar.gz" }],
    [["-O", "--no-overwrite"], { "a.tar.gz": "mine", "a (1).tar.gz": "/0/a.tar.gz" }],
    [["-o", "a.tar.gz", "--no-overwrite"], { "a.tar.gz": "mine", "a (1).tar.gz": "/0/a.tar.gz" }],
  ];
  for (const [flags, wanted] of cases) {
    using dir = tempDir({ "a.tar.gz": "mine" });
    const run = await ferry(["request", "--json", ...flags, server.url + "/0/a.tar.gz"], { cwd: dir.path });
    const found = Object.fromEntries(
      names(dir.path).map((name) => [name, Deno.readTextFileSync(dir.at(name))]),
    );
    assertEquals([flags, run.code, found], [flags, 0, wanted], run.stderr);
    assertEquals(JSON.parse(run.stdout).path, Object.keys(wanted).at(-1));
  }
});

Deno.test("request -J does not write through what lies at the server's name", async () => {
  await using server = namer(["attachment; filename=link"]);
  using dir = tempDir({ "out": null, "precious": "mine", "out/folder": null });
  Deno.symlinkSync("../precious", dir.at("out/link"));
  Deno.symlinkSync("../nowhere", dir.at("out/link (1)"));
  for (const [flags, count] of [[[], 4], [["--overwrite"], 4]] as const) {
    const args = ["request", "-J", ...flags, "--output-dir", dir.at("out"), server.url + "/0/x"];
    const run = await ferry(args);
    assertEquals([run.code, names(dir.at("out")).length], [0, count], run.stderr);
  }
  assertEquals(Deno.readTextFileSync(dir.at("precious")), "mine");
  assertEquals(Deno.readTextFileSync(dir.at("out/link (2)")), "/0/x");
  // Replaced is the link, not what it led to.
  assert(Deno.lstatSync(dir.at("out/link")).isFile);
  assertEquals(names(dir.path), ["out", "precious"]);
});

Deno.test("request -J -C goes on with the part that has the URL in its note", async () => {
  const body = "0123456789".repeat(100);
  await using server = hostile(async (visit) => {
    const range = /^bytes=(\d+)-/.exec(visit.headers.get("range") ?? "");
    const start = range === null ? 0 : Number(range[1]);
    const lines = [`ETag: "v1"`, 'Content-Disposition: attachment; filename="told.bin"'];
    if (range) lines.push(`Content-Range: bytes ${start}-${body.length - 1}/${body.length}`);
    await visit.head(
      `HTTP/1.1 ${range ? "206 Partial Content" : "200 OK"}`,
      `Content-Length: ${body.length - start}`,
      ...lines,
    );
    await visit.send(visit.index === 0 ? body.slice(0, 400) : body.slice(start));
  });
  using dir = tempDir({ "told.bin": "another one" });
  const args = ["request", "-J", "--retry", "0", server.url + "/download?id=5"];
  const first = await ferry(args, { cwd: dir.path });
  assertEquals(first.code, 18);
  assertStringIncludes(first.stderr, "told (1).bin.ferry-part");
  const second = await ferry([...args, "-C"], { cwd: dir.path });
  assertEquals([second.code, names(dir.path)], [0, ["told (1).bin", "told.bin"]], second.stderr);
  assertEquals(server.visits[1].headers.get("range"), "bytes=400-999");
  assertEquals(Deno.readTextFileSync(dir.at("told (1).bin")), body);
  assertEquals(Deno.readTextFileSync(dir.at("told.bin")), "another one");
});

Deno.test("request -J -C knows a file that is whole, and leaves one alone that is another", async () => {
  const body = "0123456789".repeat(300);
  using dir = tempDir({ "told.bin": body, "others": null, "others/told.bin": body.replace("5", "x") });
  await using server = hostile(async (visit) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(visit.headers.get("range") ?? "");
    const told = 'Content-Disposition: attachment; filename="told.bin"';
    const lines = [told, 'ETag: "v1"', `Repr-Digest: sha-256=:${await sha256Base64(body)}:`];
    if (range === null) return await visit.answer("200 OK", body, ...lines);
    const [start, end] = [Number(range[1]), range[2] === "" ? body.length : Number(range[2]) + 1];
    const part = `Content-Range: bytes ${start}-${end - 1}/${body.length}`;
    await visit.answer("206 Partial Content", body.slice(start, end), ...lines, part);
  });
  const args = ["request", "-J", "-C", "--json", server.url + "/download?id=5"];
  const whole = await ferry(args, { cwd: dir.path });
  assertEquals([whole.code, names(dir.path)], [0, ["others", "told.bin"]], whole.stderr);
  assertEquals([JSON.parse(whole.stdout).path, JSON.parse(whole.stdout).resumed], ["told.bin", true]);
  const other = await ferry(args, { cwd: dir.at("others") });
  assertEquals([other.code, names(dir.at("others"))], [0, ["told (1).bin", "told.bin"]], other.stderr);
  assertEquals(Deno.readTextFileSync(dir.at("others/told.bin")), body.replace("5", "x"));
  assertEquals(Deno.readTextFileSync(dir.at("others/told (1).bin")), body);
});

Deno.test("request -O keeps a name as long as a file system takes it, and makes room for a number", async () => {
  using shared = tempDir();
  using dir = tempDir();
  const names = ["a", "b"].map((end) => "é".repeat(127) + end);
  for (const name of names) Deno.writeTextFileSync(shared.at(name), name);
  await using server = await serve(shared.path);
  const urls = names.map((name) => `${server.url}/${encodeURIComponent(name)}`);
  const run = await ferry(["request", "-O", "--retry", "0", ...urls], { cwd: dir.path });
  assertEquals([run.code, run.stderr], [0, ""]);
  for (const name of names) assertEquals(Deno.readTextFileSync(dir.at(name)), name);
  const again = await ferry(["request", "-O", "--no-overwrite", urls[0]], { cwd: dir.path });
  assertEquals([again.code, again.stderr], [0, ""]);
  assertEquals([...Deno.readDirSync(dir.path)].filter(({ name }) => name.endsWith("é (1)")).length, 1);
});

Deno.test("request -J says what to do when nobody gives a name, and what it cannot go with", async () => {
  await using server = namer([]);
  using dir = tempDir({ file: "x" });
  const nameless = await ferry(["request", "-J", server.url + "/"], { cwd: dir.path });
  assertEquals([nameless.code, names(dir.path)], [2, ["file"]]);
  assertStringIncludes(nameless.stderr, "--output FILE");
  const both = await ferry(["request", "-J", "-o", "x", server.url + "/a"], { cwd: dir.path });
  assertEquals([both.code, names(dir.path)], [2, ["file"]]);
  assertStringIncludes(both.stderr, "--output and --remote-header-name");
  for (const [folder, why] of [["file/missing", "not a directory"], ["file", "not a folder"]]) {
    const run = await ferry(["request", "-J", "--output-dir", folder, server.url + "/a"], { cwd: dir.path });
    assertEquals(run.code, 23);
    assertStringIncludes(run.stderr, why);
  }
  assertEquals(server.visits.length, 1);
});
