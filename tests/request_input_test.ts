import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, sha256, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";

/** Says what it was asked. */
function echo() {
  return hostile((visit) => {
    if (visit.target === "/gone") return visit.answer("404 Not Found", "");
    const extra = visit.headers.get("x-extra") ?? "";
    const body = new TextDecoder().decode(visit.body);
    return visit.answer("200 OK", [visit.method, visit.target, extra, body].join(" ").trimEnd() + "\n");
  });
}

/** Names and contents of the files in a folder. */
function filesOf(path: string): [string, string][] {
  return [...Deno.readDirSync(path)].map((
    { name },
  ): [string, string] => [name, Deno.readTextFileSync(`${path}/${name}`)])
    .sort();
}

Deno.test("request --input takes a URL a line, from a file and from stdin", async () => {
  await using server = echo();
  const lines = [
    `# comment`,
    `${server.url}/a`,
    "",
    `  ${server.url}/b?x=1#part  `,
    `${server.url}/[c]`,
    "#",
    "",
  ];
  using dir = tempDir({
    "unix": lines.join("\n"),
    "dos": "\ufeff" + lines.join("\r\n"),
    "last": `${server.url}/z`,
  });
  const expected = "GET /a\nGET /b?x=1\nGET /[c]\n";
  const cases: [args: string[], stdin: string | undefined, stdout: string][] = [
    [["--input", dir.at("unix")], undefined, expected],
    [["--input", dir.at("dos")], undefined, expected],
    [["--input", "-"], lines.join("\n"), expected],
    [["--input", "-"], "", ""],
    [["--input", dir.at("last"), `${server.url}/first`], undefined, "GET /first\nGET /z\n"],
    [["DELETE", "--input", dir.at("last")], undefined, "DELETE /z\n"],
  ];
  for (const [args, stdin, stdout] of cases) {
    const run = await ferry(["request", ...args], { stdin });
    assertEquals([args, run.code, run.stdout, run.stderr], [args, 0, stdout, ""]);
  }
});

Deno.test("request --input takes options of a URL from a line of JSON", async () => {
  await using server = echo();
  const { url } = server;
  const right = await sha256("GET /sum\n");
  const lines = [
    { url: `${url}/a`, output: "one.txt" },
    { url: `${url}/b`, headers: { "X-Extra": "ü" }, output: "two" },
    { url: `${url}/c`, data: "k=v", output: "three" },
    {
      url: `${url}/d`,
      method: "put",
      data: "all of it",
      headers: { "content-type": "text/plain" },
      output: "four",
    },
    { url: `${url}/sum`, checksum: `sha256:${right}` },
    { url: `${url}/wrong`, checksum: `sha256:${right}` },
    { url: `${url}/shown`, output: "-" },
    { url: `${url}/gone`, output: "nothing" },
  ];
  using dir = tempDir({ list: lines.map((line) => JSON.stringify(line)).join("\n"), out: null });
  const args = ["--input", dir.at("list"), "--output-dir", dir.at("out"), "-q", "--json"];
  const run = await ferry(["request", ...args, "-H", "X-Extra: common"]);
  assertEquals(run.code, 43);
  assertEquals(filesOf(dir.at("out")), [
    ["four", "PUT /d common all of it\n"],
    ["one.txt", "GET /a common\n"],
    ["three", "POST /c common k=v\n"],
    ["two", "GET /b ü\n"],
  ]);
  assertEquals(
    server.visits.find(({ target }) => target === "/d")!.headers.get("content-type"),
    "text/plain",
  );
  assertEquals(
    server.visits.find(({ target }) => target === "/c")!.headers.get("content-type"),
    "application/x-www-form-urlencoded",
  );
  const told = run.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  assertEquals(told.map((line) => new URL(line.url).pathname).sort(), [
    "/a",
    "/b",
    "/c",
    "/d",
    "/gone",
    "/sum",
    "/wrong",
  ]);
  assertEquals(told.filter((line) => line.error).map((line) => line.error.exit).sort(), [22, 43, 43]);
  assertStringIncludes(run.stdout, "GET /shown common\n");
});

Deno.test("request --input refuses a file with a bad line before anything is fetched, and names the line", async () => {
  await using server = echo();
  using dir = tempDir();
  const cases: [line: string, why: string][] = [
    ["{", "is not JSON"],
    ['{"url": "http://h/", "ouput": "x"}', 'unknown "ouput"'],
    ['{"output": "x"}', '"url" is missing'],
    ['{"url": 7}', '"url" must be a text'],
    ['{"url": "http://h/", "output": ""}', '"output" is empty'],
    ['{"url": "http://h/", "checksum": "md5:1"}', '"checksum" must be'],
    ['{"url": "http://h/", "method": "A B"}', '"method" A B is none'],
    ['{"url": "http://h/", "method": "Connect"}', '"method" CONNECT is for proxies'],
    ['{"url": "http://h/", "method": "GET", "data": "x"}', '"data" is a body'],
    ['{"url": "http://h/", "headers": ["geheim"]}', '"headers" must be'],
    ['{"url": "http://h/", "headers": {"a": 1}}', 'header "a" must be a text'],
    ['{"url": "http://h/", "headers": {"a": "geheim\\nx"}}', 'header "a" has characters'],
    ["{}".padEnd(1_100_000, " "), "longer than"],
  ];
  const runs = await Promise.all(cases.map(async ([line, why], index) => {
    const path = dir.at(`list${index}`);
    Deno.writeTextFileSync(path, `${server.url}/a\n# ...\n${line}\n`);
    const run = await ferry(["request", "--input", path]);
    assertEquals([run.code, run.stdout], [2, ""]);
    assertStringIncludes(run.stderr, why);
    assertStringIncludes(run.stderr, `list${index}:3: `);
    assert(!run.stderr.includes("geheim"));
    return run.stderr.trim().split("\n").length;
  }));
  assertEquals([new Set(runs), server.visits.length], [new Set([1]), 0]);
  const others: [args: string[], code: number, why: string][] = [
    [["--input", dir.at("none")], 26, "none"],
    [["--input", ""], 2, "--input is empty"],
    [["--input", dir.at("list0"), "-o", "x"], 2, "--output is for the URLs"],
    [["--input", dir.at("list0"), "-T", "-"], 2, "through a pipe"],
    [["--input", dir.at("list0"), "--checksum", `sha256:${"0".repeat(64)}`], 2, "--checksum is of one URL"],
    [[], 2, "a URL is missing"],
  ];
  await Promise.all(others.map(async ([args, code, why]) => {
    const run = await ferry(["request", ...args]);
    assertEquals([args, run.code], [args, code]);
    assertStringIncludes(run.stderr, why);
  }));
});

Deno.test("request --input - tells a bad line and goes on with the others", async () => {
  await using server = echo();
  using dir = tempDir();
  const stdin = [
    `${server.url}/a`,
    '{"url": 7}',
    "not a URL",
    `{"url": "${server.url}/x", "output": "../x"}`,
    "http://\xff",
    `${server.url}/b`,
  ].join("\n");
  const bytes = Uint8Array.from(stdin, (char) => char.charCodeAt(0));
  const run = await ferry(["request", "--input", "-", "--output-dir", dir.path, "--json"], { stdin: bytes });
  assertEquals(run.code, 2);
  assertEquals(filesOf(dir.path), [["a", "GET /a\n"], ["b", "GET /b\n"]]);
  const told = run.stderr.split("\n").filter((line) => line.startsWith("ferry: ")).sort();
  assertEquals(told.length, 4, run.stderr);
  for (const why of ['stdin:2: "url" must be a text', "stdin:4: ", "stdin:5: it is not UTF-8", "not a URL"]) {
    assertStringIncludes(run.stderr, why);
  }
});
