import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

Deno.test("request keeps credentials and cookies from another origin, and gives them to its own", async () => {
  await using other = hostile((visit) => visit.answer("200 OK", "other"));
  await using server = hostile(async (visit) => {
    if (visit.target === "/away") await visit.answer("302 Found", "", `Location: ${other.url}/x`);
    else if (visit.target === "/home") await visit.answer("301 Moved", "", "Location: /final");
    else await visit.answer("200 OK", "home");
  });
  const bare = server.url.replace("http://", "");
  const ways: { args: string[]; url: string; env?: Record<string, string> }[] = [
    { args: ["-u", "me:geheim"], url: server.url },
    { args: ["--token", "geheim"], url: server.url },
    { args: [], url: server.url, env: { FERRY_TOKEN: "geheim" } },
    { args: [], url: `http://m%65:g%65heim@${bare}` },
    {
      args: ["-H", "Authorization: Bearer geheim", "-H", "Cookie: id=geheim", "-H", "X-Api-Key: geheim"],
      url: server.url,
    },
  ];
  for (const { args, url, env } of ways) {
    const away = await ferry(["request", ...args, "-v", url + "/away"], { env });
    assertEquals([away.code, away.stdout], [0, "other"], away.stderr);
    const seen = other.visits.at(-1)!.headers;
    assertEquals([seen.get("authorization"), seen.get("cookie"), seen.get("x-api-key")], [null, null, null]);
    assert(!away.stderr.includes("geheim") && !away.stderr.includes(btoa("me:geheim")), away.stderr);
    const home = await ferry(["request", ...args, url + "/home"], { env });
    assertEquals([home.code, home.stdout], [0, "home"]);
    const kept = server.visits.at(-1)!;
    assertEquals(kept.target, "/final");
    const expected = args[0] === "-u" || url.includes("@") ? `Basic ${btoa("me:geheim")}` : "Bearer geheim";
    assertEquals(kept.headers.get("authorization"), expected);
  }
});

Deno.test("request follows redirects with the method that RFC 9110 asks for", async () => {
  await using server = hostile(async (visit) => {
    const status = /^\/from\/(\d+)/.exec(visit.target)?.[1];
    if (status) await visit.answer(`${status} Go`, "", "Location: /to");
    else {
      const type = visit.headers.get("content-type") ?? "none";
      await visit.answer("200 OK", `${visit.method} ${visit.body.length} ${type}`);
    }
  });
  const form = "application/x-www-form-urlencoded";
  const cases: [string, string, string][] = [
    ["301", "POST", "GET 0 none"],
    ["302", "POST", "GET 0 none"],
    ["303", "POST", "GET 0 none"],
    ["307", "POST", `POST 5 ${form}`],
    ["308", "POST", `POST 5 ${form}`],
    ["301", "PUT", `PUT 5 ${form}`],
    ["303", "PUT", "GET 0 none"],
  ];
  await Promise.all(cases.map(async ([status, method, expected]) => {
    const run = await ferry(["request", method, "-d", "hello", `${server.url}/from/${status}`]);
    assertEquals([status, method, run.code, run.stdout], [status, method, 0, expected]);
  }));
  const head = await ferry(["request", "-I", `${server.url}/from/303`]);
  assertEquals([head.code, server.visits.at(-1)!.method], [0, "HEAD"]);
});

Deno.test("request ends with 47 in a loop, and follows no further than it is told", async () => {
  await using server = hostile((visit) => visit.answer("302 Found", "", `Location: ${visit.target}x`));
  const loop = await ferry(["request", server.url + "/"]);
  assertEquals([loop.code, server.visits.length], [47, 11]);
  assertStringIncludes(loop.stderr, "more than 10 redirects");
  assertEquals((await ferry(["request", "--max-redirects", "0", server.url + "/"])).code, 47);
  assertEquals(server.visits.length, 12);
  const taken = await ferry(["request", "--no-location", "-i", server.url + "/"]);
  assertEquals([taken.code, server.visits.length], [0, 13]);
  assertStringIncludes(taken.stdout, "302");
});

Deno.test("request follows to http and https alone, and ignores userinfo in a redirect", async () => {
  using dir = tempDir({ "secret": "content of a file" });
  const targets = [
    `file://${dir.at("secret")}`,
    "data:,x",
    "ftp://h/",
    "javascript:1",
    "http://[bad",
    "blob:http://x/",
  ];
  await using server = hostile(async (visit) => {
    if (visit.target === "/creds") {
      await visit.answer("302 Found", "", `Location: http://evil:geheim@127.0.0.1:${server.port}/end`);
    } else if (visit.target === "/end") {
      await visit.answer("200 OK", visit.headers.get("authorization") ?? "none");
    } else await visit.answer("302 Found", "", `Location: ${targets[Number(visit.target.slice(1))]}`);
  });
  await Promise.all(targets.map(async (target, index) => {
    const run = await ferry(["request", `${server.url}/${index}`]);
    assertEquals([target, run.code, run.stdout], [target, 3, ""], run.stderr);
  }));
  assertEquals((await ferry(["request", server.url + "/creds"])).stdout, "none");
});

Deno.test("request -O takes the name from the URL that was given, not from a redirect", async () => {
  await using server = hostile(async (visit) => {
    if (visit.target === "/wanted") {
      await visit.answer(
        "302 Found",
        "",
        "Location: /.bashrc",
        'Content-Disposition: attachment; filename="/etc/x"',
      );
    } else await visit.answer("200 OK", "body", 'Content-Disposition: attachment; filename="../../evil"');
  });
  using dir = tempDir();
  const run = await ferry(["request", "-O", server.url + "/wanted"], { cwd: dir.path });
  assertEquals(run.code, 0);
  assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["wanted"]);
});
