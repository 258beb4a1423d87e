import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, rawRequest, sha256 } from "./harness.ts";
import { bearer, statusOf, tokenServer } from "./token_tools.ts";

const TREE = {
  "top.txt": "top",
  "docs/report.pdf": "report",
  "docs/report.pdf.bak": "sibling",
  "docs/other.txt": "other",
  "docs/.hidden": "hidden",
  "photos/a.jpg": "a",
  "photos/sub/b.jpg": "b",
  "photos2/c.jpg": "c",
};

/** All that lies beside and above what is shared, as seen from a link. */
const OUTSIDE = [
  "",
  "/",
  "/report.pdf.bak",
  "/other.txt",
  "/report.pdf/",
  "/report.pdf/../other.txt",
  "/report.pdf/%2e%2e/other.txt",
  "/%2e%2e/top.txt",
  "/../top.txt",
  "/..%2ftop.txt",
  "/..%5ctop.txt",
  "//top.txt",
  "/./../top.txt",
  "/top.txt",
  "/docs/other.txt",
  "/.hidden",
  "/.ferry/health",
  "/.ferry/v1/tree",
  "/.ferry/uploads/",
  "/report.pd",
  "/report.pdfx",
  "/REPORT.PDF",
];

Deno.test("a share link shows one file to anybody, and nothing beside it", async () => {
  await using tokens = await tokenServer(TREE);
  const link = await tokens.link("/docs/report.pdf");
  assert(/^http:\/\/127\.0\.0\.1:\d+\/\.ferry\/s\/ferry1\.[\w-]+\.[\w-]{43}\/report\.pdf$/.test(link), link);
  const response = await fetch(link);
  assertEquals([response.status, await response.text()], [200, "report"]);
  assertEquals(response.headers.get("referrer-policy"), "no-referrer");
  assertEquals(response.headers.get("cache-control")?.startsWith("private, no-cache"), true);
  const part = await fetch(link, { headers: { range: "bytes=0-2" } });
  assertEquals([part.status, await part.text()], [206, "rep"]);
  assertEquals(await statusOf(link, { headers: { "if-none-match": response.headers.get("etag")! } }), 304);
  assertEquals(await statusOf(link, { method: "HEAD" }), 200);
  assertEquals(await statusOf(link, { method: "OPTIONS" }), 204);
  const named = await fetch(`${link}?download`);
  assertStringIncludes(named.headers.get("content-disposition") ?? "", "report.pdf");
  await named.body?.cancel();
  const base = new URL(link).pathname.replace("/report.pdf", "");
  for (const outside of OUTSIDE) {
    const { status, headers, body } = await rawRequest(
      tokens.server.port,
      `GET ${base}${outside} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    assert(status >= 400 && status < 500, `${outside}: ${status}`);
    assert(!/^(top|sibling|other|hidden)$/m.test(body), outside);
    // A browser must not ask for a password.
    assertEquals(headers.has("www-authenticate"), false, outside);
  }
  for (
    const method of [
      "PUT",
      "DELETE",
      "MKCOL",
      "MOVE",
      "COPY",
      "PROPFIND",
      "PROPPATCH",
      "LOCK",
      "POST",
      "PATCH",
    ]
  ) {
    const headers = { destination: "/docs/stolen" };
    assertEquals([method, await statusOf(link, { method, headers })], [method, 405]);
  }
  const headers = { referer: link };
  await (await fetch(`${tokens.server.url}/missing`, { headers })).body?.cancel();
  await tokens.server.stop();
  assert(!tokens.server.log().includes("ferry1."), "the log has no links that work");
  assertStringIncludes(tokens.server.log(), "GET /.ferry/s/[token]/report.pdf HTTP/1.1");
});

Deno.test("a share link shows a folder with all below it, by links that stay in it", async () => {
  await using tokens = await tokenServer(TREE);
  const link = await tokens.link("/photos/", "--expires", "1h");
  assert(link.endsWith("/photos/"), link);
  const page = await (await fetch(link, { headers: { accept: "text/html" } })).text();
  assertStringIncludes(page, 'href="./a.jpg"');
  assert(!page.includes("../"), "no way up from the top");
  assertEquals(await (await fetch(new URL("./sub/b.jpg", link))).text(), "b");
  const sub = await (await fetch(new URL("./sub/", link), { headers: { accept: "text/html" } })).text();
  assertStringIncludes(sub, '<a href="../">photos</a>');
  assertEquals((sub.match(/href="\.\.\//g) ?? []).length, 2);
  const { path, entries } = await (await fetch(`${link}sub/?format=json`)).json();
  assertEquals([path, entries.length], ["/photos/sub/", 1]);
  // Without its slash it is led to it.
  const moved = await fetch(link.slice(0, -1), { redirect: "manual" });
  assertEquals([moved.status, moved.headers.get("location")], [301, "./photos/"]);
  for (const outside of ["../photos2/c.jpg", "../", "..", "../top.txt", "x/../../top.txt"]) {
    const { pathname } = new URL(link);
    const { status } = await rawRequest(
      tokens.server.port,
      `GET ${pathname}${outside} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    assert(status >= 400 && status < 500, `${outside}: ${status}`);
  }
  assertEquals(await statusOf(link.replace("/photos/", "/photos2/c.jpg")), 403);
});

Deno.test("a share link of a folder deep in the server does not tell where that is", async () => {
  await using tokens = await tokenServer({ "clients/acme/2026/plan.txt": "plan", "clients/bolt/x": "x" });
  const link = await tokens.link("/clients/acme/2026/");
  for (const format of ["html", "json", "text"]) {
    const text = await (await fetch(`${link}?format=${format}`)).text();
    assert(!text.includes("acme") && !text.includes("clients"), text);
    assertStringIncludes(text, "plan.txt");
  }
  const archive = await fetch(`${link}?archive=tar`);
  const text = await archive.text();
  assertStringIncludes(text, "plan.txt");
  assert(!text.includes("acme") && !text.includes("bolt"));
  assertStringIncludes(archive.headers.get("content-disposition") ?? "", "2026.tar");
  const missing = await (await fetch(`${link}missing`)).text();
  assert(!missing.includes("acme"), missing);
});

Deno.test("a share link follows the rules of the path as they were made: what is moved away is not shown", async () => {
  await using tokens = await tokenServer(TREE, ["--anonymous", "none", "--auth", "ann:pw"]);
  const { url } = tokens.server;
  const ann = { authorization: `Basic ${btoa("ann:pw")}` };
  const link = await tokens.link("/docs/report.pdf");
  const pinned = await tokens.link("/docs/report.pdf", "--checksum", `sha256:${await sha256("report")}`);
  const move = (from: string, to: string) =>
    statusOf(url + from, { method: "MOVE", headers: { ...ann, destination: to } });
  assertEquals([await statusOf(link), await statusOf(pinned)], [200, 200]);
  assertEquals(await move("/docs/report.pdf", "/docs/old.pdf"), 201);
  assertEquals([await statusOf(link), await statusOf(pinned)], [404, 404]);
  assertEquals(await statusOf(link.replace("report.pdf", "old.pdf")), 403);
  assertEquals(await move("/docs/other.txt", "/docs/report.pdf"), 201);
  // A link is to a path; a pinned one is to a content.
  assertEquals(await (await fetch(link)).text(), "other");
  const changed = await fetch(pinned);
  assertEquals(changed.status, 410);
  assert(!(await changed.text()).includes("other"));
  assertEquals(await statusOf(pinned, { headers: { range: "bytes=0-1" } }), 410);
  assertEquals(await move("/docs/old.pdf", "/docs/report.pdf"), 204);
  const again = await fetch(pinned);
  assertEquals([again.status, await again.text()], [200, "report"]);
});

Deno.test("a link with a checksum shows no other content that stands for the file", async () => {
  await using tokens = await tokenServer(
    { "page.html": "<p>right</p>", "page.html.gz": "not even gzip" },
    ["--anonymous", "none", "--precompressed"],
  );
  const link = await tokens.link("/page.html", "--checksum", `sha256:${await sha256("<p>right</p>")}`);
  const { body } = await rawRequest(
    tokens.server.port,
    `GET ${new URL(link).pathname} HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
  );
  assertEquals(body, "<p>right</p>");
});

Deno.test("a share link ends when its time or its uses do, and when it is revoked", async () => {
  await using tokens = await tokenServer(TREE);
  const [once, revoked, short] = await Promise.all([
    tokens.link("/docs/report.pdf", "--once"),
    tokens.link("/photos/"),
    tokens.link("/top.txt", "--expires", "1s"),
  ]);
  const got = await Promise.all(Array.from({ length: 10 }, () => statusOf(once)));
  assertEquals(got.filter((status) => status === 200).length, 1);
  assertEquals(got.filter((status) => status === 403).length, 9);
  assertEquals(await statusOf(revoked), 200);
  assertEquals((await tokens.run("revoke", [revoked])).code, 0);
  assertEquals([await statusOf(revoked), await statusOf(`${revoked}a.jpg`)], [410, 410]);
  while (await statusOf(short) === 200) await new Promise((resolve) => setTimeout(resolve, 100));
  const ended = await fetch(short);
  assertEquals([ended.status, ended.headers.has("www-authenticate")], [410, false]);
  assertStringIncludes(await ended.text(), "this link has ended");
  await tokens.restart();
  const moved = (link: string) => link.replace(/^http:\/\/[^/]*/, tokens.server.url);
  assertEquals([await statusOf(moved(once)), await statusOf(moved(revoked))], [403, 410]);
});

Deno.test("only tokens that were made as links stand in URLs", async () => {
  await using tokens = await tokenServer(TREE);
  const token = await tokens.token();
  assertEquals(await statusOf(`${tokens.server.url}/.ferry/s/${token}/top.txt`), 404);
  for (const forged of ["x", "ferry1.x.y", `${token}x`, "%66erry1", "..", ""]) {
    assertEquals([forged, await statusOf(`${tokens.server.url}/.ferry/s/${forged}/top.txt`)], [forged, 404]);
  }
  const link = await tokens.link("/docs/report.pdf");
  // Nor are those of links taken anywhere else.
  const headers = bearer(link.split("/")[5]);
  for (const path of ["/docs/report.pdf", "/.ferry/v1/file?path=docs&file=report.pdf"]) {
    assertEquals(await statusOf(tokens.server.url + path, { headers }), 401);
  }
});

Deno.test("token share refuses what would not be a link, with exit 2 or 3", async () => {
  await using tokens = await tokenServer({});
  const cases: [args: string[], code: number, says: string][] = [
    [["http://h/a/", "--once"], 2, "--once is for a file"],
    [["http://h/a/", "--checksum", `sha256:${"0".repeat(64)}`], 2, "--checksum is for a file"],
    [["http://h/a", "--checksum", "md5:1"], 2, "--checksum"],
    [["http://h/a", "--once", "--uses", "2"], 2, "--once and --uses"],
    [["http://ann:pw@h/a"], 2, "login"],
    [["http://h/a?b"], 2, "query"],
    [["http://h/a%2fb"], 3, "encoded slash"],
    [["h/a"], 3, "not a URL"],
    [["http://h/a", "--expires", "0s"], 2, "--expires"],
    [["http://h/a", "--expires", "9999d"], 2, "--expires"],
    [["http://h/a", "--bytes", "0"], 2, "--bytes"],
  ];
  for (const [args, code, says] of cases) {
    const run = await tokens.run("share", args);
    assertEquals([run.code, run.stdout], [code, ""], args.join(" "));
    assertStringIncludes(run.stderr, says);
  }
  const { code, stderr } = await ferry(["token", "share", "http://h/a"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--token-key");
});
