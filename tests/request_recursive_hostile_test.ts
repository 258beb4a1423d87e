/** `ferry request --recursive` from servers whose listings lie: nothing is written outside, and nothing goes on for ever. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile, type Visit } from "./hostile_server.ts";

/** Every path below `root`. */
function paths(root: string): string[] {
  const found: string[] = [];
  const visit = (prefix: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(`${root}/${prefix}`)) {
      found.push(prefix + name);
      if (isDirectory) visit(`${prefix}${name}/`);
    }
  };
  visit("");
  return found.sort();
}

const page = (...hrefs: string[]) =>
  `<title>Index of /</title>${hrefs.map((href) => `<a href="${href}">${href}</a>`).join("\n")}`;
const json = (...names: string[]) =>
  JSON.stringify({
    path: "/",
    entries: names.map((name) => ({
      name: name.replace(/\/$/, ""),
      kind: name.endsWith("/") ? "dir" : "file",
      size: 4,
      mtime: "2023-11-14T22:13:20.000Z",
    })),
  });
const HTML = "Content-Type: text/html";
const JSON_TYPE = "Content-Type: application/json";
const list = (visit: Visit, ...hrefs: string[]) => visit.answer("200 OK", page(...hrefs), HTML);

Deno.test("request --recursive never leaves its folder, whatever a listing says", async () => {
  await using other = hostile((visit) => visit.answer("200 OK", "evil"));
  const hrefs = [
    "../up",
    "../../../../tmp/ferry-evil",
    "/etc/passwd",
    "%2e%2e/%2e%2e/x",
    "%2e%2e%2f%2e%2e%2fx",
    "..%5c..%5cx",
    "x%00y",
    "a/../../x",
    `${other.url}/pub/x`,
    "//127.0.0.1:1/pub/x",
    "file:///etc/passwd",
    ".ferry/",
    ".ferry",
    "good.ferry-part",
    "%ff%fe",
    "good",
  ];
  await using server = hostile(async (visit) => {
    if (visit.target === "/pub/") await list(visit, ...hrefs);
    else if (visit.target === "/names/") {
      await visit.answer(
        "200 OK",
        json("../up", "..", "a/b", "a\\b", "\0", "x\x1b[31m", "y\xc2\x9b31m", "../../d/", "good"),
        JSON_TYPE,
      );
    } else if (visit.target.startsWith("/pub/") || visit.target.startsWith("/names/")) {
      await visit.answer("200 OK", "body");
    } else await visit.answer("404 Not Found");
  });
  using dir = tempDir();
  const run = await ferry(["request", "--recursive", server.url + "/pub/", "--output-dir", dir.at("a/copy")]);
  assertEquals(paths(dir.path), ["a", "a/copy", "a/copy/good"]);
  assertEquals(server.visits.map(({ target }) => target), ["/pub/", "/pub/good"]);
  assertEquals(other.visits.length, 0);
  // What it would have had to leave out is told; what merely lies elsewhere is not.
  assertEquals(run.code, 1, run.stderr);
  for (const name of ["%2e%2e%2f%2e%2e%2fx", "..%5c..%5cx", "x%00y", "good.ferry-part", "%ff%fe"]) {
    assertStringIncludes(run.stderr, `not fetched: ${name}: `);
  }
  assertStringIncludes(run.stderr, "1 file fetched (4 B), 0 unchanged, 5 failed");
  const named = await ferry([
    "request",
    "--recursive",
    server.url + "/names/",
    "--output-dir",
    dir.at("b/copy"),
    "--json",
  ]);
  const copies = ["copy", "copy/good", "copy/x\x1b[31m", "copy/y\u009b31m"];
  assertEquals([named.code, paths(dir.at("b"))], [1, copies]);
  // The names come as they are to whoever reads the JSON, and as escapes to a terminal.
  assert(!/[^\n\x20-\x7e]/.test(named.stdout), named.stdout);
  const told = named.stdout.trim().split("\n").map((line) =>
    JSON.parse(line).path.slice(dir.path.length + 3)
  );
  assertEquals(told.toSorted(), copies.slice(1));
  assert(!named.stderr.includes("\x1b") && !named.stderr.includes("\0"), JSON.stringify(named.stderr));
});

Deno.test("request --recursive writes through no symbolic link that lies in its folder", async () => {
  await using server = hostile(async (visit) => {
    if (visit.target === "/") await list(visit, "link/", "file", "plain/", "fine");
    else if (visit.target.endsWith("/")) await list(visit, "x");
    else await visit.answer("200 OK", "evil");
  });
  using outside = tempDir({ "target": "mine" });
  using dir = tempDir();
  Deno.symlinkSync(outside.path, dir.at("link"));
  Deno.symlinkSync(outside.at("target"), dir.at("file"));
  Deno.writeTextFileSync(dir.at("plain"), "mine");
  const run = await ferry(["request", "--recursive", server.url, "--output-dir", dir.path]);
  assertEquals(run.code, 23, run.stderr);
  assertEquals(paths(outside.path), ["target"]);
  assertEquals(Deno.readTextFileSync(outside.at("target")), "mine");
  assertEquals(Deno.readTextFileSync(dir.at("plain")), "mine");
  assertEquals(Deno.readTextFileSync(dir.at("fine")), "evil");
  for (const name of ["link", "file"]) {
    assertStringIncludes(run.stderr, `${dir.at(name)}: it is a symbolic link, which is not followed`);
  }
  assertStringIncludes(run.stderr, "1 file fetched (4 B), 0 unchanged, 3 failed");
});

Deno.test("request --recursive ends in a folder that lists itself, and says where", async () => {
  await using server = hostile((visit) =>
    visit.target.endsWith("/") ? list(visit, "again/", "x") : visit.answer("200 OK", "body")
  );
  using dir = tempDir();
  const run = await ferry(["request", "--recursive", server.url, "--output-dir", dir.path]);
  assertEquals(run.code, 1);
  assertStringIncludes(run.stderr, "more than 64 folders deep, not gone into; --depth N goes deeper");
  assertStringIncludes(run.stderr, "65 files fetched");
  const told = await ferry([
    "request",
    "--recursive",
    server.url,
    "--output-dir",
    dir.at("b"),
    "--depth",
    "3",
  ]);
  assertEquals([told.code, told.stderr], [0, "ferry: 4 files fetched (16 B), 0 unchanged, 0 failed\n"]);
});

Deno.test("request --recursive follows no redirect of a listing to somewhere else", async () => {
  await using other = hostile((visit) =>
    visit.target.endsWith("/") ? list(visit, "x") : visit.answer("200 OK", "x")
  );
  await using server = hostile(async (visit) => {
    if (visit.target === "/ok/") await list(visit, "host/", "up/", "same/", "file", "gone");
    else if (visit.target === "/ok/host/") {
      await visit.answer("302 Found", "", `Location: ${other.url}/ok/host/`);
    } else if (visit.target === "/ok/up/") await visit.answer("301 Moved", "", "Location: /secret/");
    else if (visit.target === "/ok/same/") {
      await visit.answer("302 Found", "", "Location: /ok/s%61me/?listed");
    } else if (visit.target === "/ok/same/?listed" || visit.target === "/ok/s%61me/?listed") {
      await list(visit, "y");
    } else if (visit.target === "/ok/file") await visit.answer("302 Found", "", `Location: ${other.url}/cdn`);
    else if (visit.target === "/ok/same/y") await visit.answer("200 OK", "y");
    else await visit.answer("404 Not Found");
  });
  using dir = tempDir();
  const run = await ferry([
    "request",
    "--recursive",
    server.url + "/ok",
    "--output-dir",
    dir.path,
    "--retry",
    "0",
  ]);
  assertEquals(paths(dir.path), ["file", "same", "same/y"]);
  assertEquals(other.visits.map(({ target }) => target), ["/cdn"]);
  assertStringIncludes(
    run.stderr,
    `redirects to ${other.url}/ok/host/, which is not followed with --recursive`,
  );
  assertStringIncludes(run.stderr, `redirects to ${server.url}/secret/, which is not followed`);
  assertStringIncludes(run.stderr, `${server.url}/ok/gone: 404`);
  assertStringIncludes(run.stderr, "2 files fetched (2 B), 0 unchanged, 3 failed");
  assertEquals(run.code, 47);
});

Deno.test("request --recursive takes no other page for a listing", async () => {
  const answers: Record<string, [body: string, type: string]> = {
    "/page/": ['<title>My cat</title><a href="cat.jpg">see</a> <a href="old/">and</a>', HTML],
    "/json/": ['{"hello":["world"]}', JSON_TYPE],
    "/cut/": ['[{"name":"a","type":"file","mtime":"Tue, 14 Nov 2023 22:13:20 GMT","size":4},', JSON_TYPE],
    "/binary/": ["\0\x01\x02", "Content-Type: application/octet-stream"],
    "/image/": [page("x"), "Content-Type: image/png"],
    "/nothing/": ["", HTML],
  };
  await using server = hostile(async (visit) => {
    if (visit.method !== "GET") return await visit.answer("405 Method Not Allowed");
    const answer = answers[visit.target];
    if (answer === undefined) await visit.answer("404 Not Found");
    else await visit.answer("200 OK", ...answer);
  });
  using dir = tempDir();
  await Promise.all(
    Object.keys(answers).map(async (path) => {
      const run = await ferry(["request", "--recursive", server.url + path, "--output-dir", dir.at("copy")]);
      assertEquals([path, run.code, run.stdout], [path, 22, ""], run.stderr);
      assertStringIncludes(run.stderr, `${server.url}${path}: the server shows no listing of this folder`);
    }),
  );
  const missing = await ferry([
    "request",
    "--recursive",
    server.url + "/missing",
    "--output-dir",
    dir.at("copy"),
  ]);
  assertEquals(missing.code, 22);
  assertStringIncludes(missing.stderr, "404");
  // Nothing was listed, so nothing is made.
  assertEquals(paths(dir.path), []);
});

Deno.test("request --recursive ends in time when a listing does not, and takes what a broken one lists after all", async () => {
  let broken = 0;
  await using server = hostile(async (visit) => {
    if (visit.target === "/endless/") {
      await visit.head("HTTP/1.1 200 OK", HTML, "Connection: close");
      await visit.send(page("x"));
      await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, 20_000)));
    } else if (visit.target === "/broken/") {
      if (broken++ === 0) {
        await visit.head("HTTP/1.1 200 OK", HTML, "Content-Length: 1000", "Connection: close");
        await visit.send(page("lie"));
      } else await list(visit, "x");
    } else await visit.answer("200 OK", "body");
  });
  using dir = tempDir();
  const [endless, mended] = await Promise.all([
    ferry([
      "request",
      "--recursive",
      server.url + "/endless/",
      "--output-dir",
      dir.at("a"),
      "--timeout",
      "500ms",
    ]),
    ferry(["request", "--recursive", server.url + "/broken/", "--output-dir", dir.at("b")]),
  ]);
  assertEquals(endless.code, 28, endless.stderr);
  assertEquals([mended.code, paths(dir.path)], [0, ["b", "b/x"]], mended.stderr);
});

Deno.test("request --recursive asks by ETag where a server tells no times", async () => {
  let version = "1";
  await using server = hostile(async (visit) => {
    if (visit.target === "/") return await list(visit, "a", "b");
    const etag = `ETag: "${visit.target === "/a" ? version : "b"}"`;
    const known = visit.headers.get("if-none-match");
    if (known !== null && etag === `ETag: ${known}`) await visit.head("HTTP/1.1 304 Not Modified", etag);
    else await visit.answer("200 OK", `version ${version}`, etag);
  });
  using dir = tempDir();
  const mirror = () => ferry(["request", "--recursive", server.url, "--output-dir", dir.path]);
  assertStringIncludes((await mirror()).stderr, "2 files fetched (18 B), 0 unchanged, 0 failed");
  assertStringIncludes((await mirror()).stderr, "0 files fetched (0 B), 2 unchanged, 0 failed");
  version = "2";
  Deno.writeTextFileSync(dir.at("b"), "changed here");
  assertStringIncludes((await mirror()).stderr, "2 files fetched (18 B), 0 unchanged, 0 failed");
  assertEquals([Deno.readTextFileSync(dir.at("a")), Deno.readTextFileSync(dir.at("b"))], [
    "version 2",
    "version 2",
  ]);
  assertEquals(paths(dir.path), [".ferry", ".ferry/mirror.json", "a", "b"]);
});
