/** `?archive=`: a folder as one file, judged by the programs that people open such files with. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serve, tempDir, treeDigest } from "./harness.ts";
import { installed } from "./programs.ts";

/** What this server makes: the oldest runtimes have no zstd. */
async function formatsOf(url: string): Promise<string[]> {
  const response = await fetch(`${url}/?archive=none`);
  const { detail } = await response.json();
  assertEquals(response.status, 400);
  const formats = /must be (.*)$/.exec(detail)?.[1].split(", ") ?? [];
  assertEquals(formats.slice(0, 3), ["zip", "tar", "tar.gz"]);
  return formats;
}

async function download(url: string, path: string): Promise<Headers> {
  const response = await fetch(url);
  assertEquals(response.status, 200, url);
  await Deno.writeFile(path, response.body!);
  return response.headers;
}

/** Runs a program that must succeed; its output. */
function run(program: string, args: string[], cwd?: string): string {
  const { code, stdout, stderr } = new Deno.Command(program, {
    args,
    cwd,
    stdin: "null",
    env: { LC_ALL: "C.UTF-8", TZ: "UTC" },
  }).outputSync();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, `${program} ${args.join(" ")}: ${text}`);
  return text;
}

const LONG = "n".repeat(120);
const DEEP = Array.from({ length: 12 }, (_, i) => `folder-${i}-${"d".repeat(20)}`).join("/");

/** A tree of all that an archive has to keep. */
function makeTree() {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const dir = tempDir({
    "share/top/plain.txt": "plain\n",
    "share/top/empty": "",
    "share/top/empty folder": null,
    "share/top/text": "many words, many words\n".repeat(40_000),
    "share/top/noise": Uint8Array.from({ length: 600_000 }, (_, i) => noise[i % 60_000] ^ (i / 60_000)),
    "share/top/é ü 漢字 🎉": "x",
    "share/top/-rf": "x",
    "share/top/a:b?c*|<>\"'`$": "x",
    "share/top/line\nbreak": "x",
    [`share/top/${LONG}`]: "x",
    [`share/top/${DEEP}/${LONG}`]: "x",
    [`share/top/é${"é".repeat(100)}/x`]: "x",
    "share/top/script.sh": "#!/bin/sh\n",
  });
  Deno.chmodSync(dir.at("share/top/script.sh"), 0o755);
  Deno.chmodSync(dir.at("share/top/empty"), 0o600);
  Deno.chmodSync(dir.at("share/top/empty folder"), 0o700);
  Deno.symlinkSync("plain.txt", dir.at("share/top/link"));
  Deno.symlinkSync("../../plain.txt", dir.at(`share/top/${DEEP.split("/").slice(0, 2).join("/")}/up`));
  let time = 1_000_000_001;
  const age = (path: string) => {
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(path)) {
      if (isDirectory) age(`${path}/${name}`);
      // The time of a link cannot be set here.
      if (!isSymlink) Deno.utimeSync(`${path}/${name}`, time += 12_345_679, time);
    }
  };
  age(dir.at("share"));
  return dir;
}

/** A tree as text without the times of links. */
async function digest(root: string): Promise<string> {
  const text = await treeDigest(root, { dirTimes: true });
  return text.split("\n").map((line) => / link /.test(line) ? line.replace(/ \d+$/, "") : line).join("\n");
}

const EXTRACTORS: readonly { program: string; formats: string[]; args: (file: string) => string[] }[] = [
  { program: "unzip", formats: ["zip"], args: (file) => ["-q", file] },
  { program: "tar", formats: ["tar", "tar.gz", "tar.zst"], args: (file) => ["-xpf", file] },
  { program: "bsdtar", formats: ["zip", "tar", "tar.gz", "tar.zst"], args: (file) => ["-xpf", file] },
];

for (const { program, formats, args } of EXTRACTORS) {
  Deno.test({
    name: `serve sends a folder as an archive from which ${program} makes the same folder`,
    ignore: !installed(program) || !installed("zstd"),
    async fn() {
      using dir = makeTree();
      await using server = await serve(dir.at("share"));
      const made = await formatsOf(server.url);
      const wanted = await digest(dir.at("share"));
      for (const format of formats.filter((format) => made.includes(format))) {
        using into = tempDir();
        await download(`${server.url}/top/?archive=${format}`, into.at("archive"));
        Deno.mkdirSync(into.at("out"));
        run(program, args(into.at("archive")), into.at("out"));
        // unzip drops control characters of names.
        const mended = (text: string) => text.replaceAll("linebreak", "line\\nbreak");
        assertEquals(mended(await digest(into.at("out"))), wanted, format);
      }
    },
  });
}

Deno.test({
  name: "serve sends zip files that bsdtar reads from a pipe, and Python without a complaint",
  ignore: !installed("bsdtar") || !installed("python3"),
  async fn() {
    using dir = makeTree();
    await using server = await serve(dir.at("share"));
    await download(`${server.url}/top/?archive=zip`, dir.at("x.zip"));
    run("sh", ["-c", `cat x.zip | bsdtar -tf - | wc -l`], dir.path);
    const code = "import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; " +
      "print('\\n'.join(repr(n) for n in z.namelist()))";
    const names = run("python3", ["-c", code, dir.at("x.zip")]);
    assertStringIncludes(names, "top/é ü 漢字 🎉");
    await download(`${server.url}/top/?archive=tar.gz`, dir.at("x.tgz"));
    run("python3", ["-c", "import tarfile,sys; tarfile.open(sys.argv[1]).getmembers()", dir.at("x.tgz")]);
  },
});

/** The names in the tar of what is at `url`. */
async function namesIn(url: string, headers: HeadersInit = {}): Promise<string[]> {
  using dir = tempDir();
  const response = await fetch(url, { headers });
  assertEquals(response.status, 200);
  await Deno.writeFile(dir.at("x.tar"), response.body!);
  return run("tar", ["-tf", dir.at("x.tar")]).trim().split("\n");
}

Deno.test("serve leaves out of archives what is hidden, forbidden, its own, or elsewhere", async () => {
  using dir = tempDir({
    "outside/o": "OUT",
    "share/top/seen": "x",
    "share/top/.hidden": "x",
    "share/top/.folder/x": "x",
    "share/top/.ferry/state": "x",
    "share/top/sub/.ferry/state": "x",
    "share/top/sub/x": "x",
    "share/top/secret/x": "x",
    "share/top/secret/open/x": "x",
    "share/secret/x": "x",
    "share/top/a\\b": "x",
  });
  const links = {
    "out": "../../outside",
    "out-file": "../../outside/o",
    "absolute": dir.at("outside/o"),
    "dangling": "nowhere",
    "to-hidden": ".hidden",
    "to-secret": "secret/x",
    "to-other-secret": "../secret",
    "to-state": ".ferry/state",
    "loop": "loop",
  };
  for (const [name, target] of Object.entries(links)) Deno.symlinkSync(target, dir.at(`share/top/${name}`));
  run("mkfifo", [dir.at("share/top/pipe")]);
  const auth = "ann:pw@/:r,/top/secret:none,/secret:none,/top/secret/open:r";
  const headers = { authorization: `Basic ${btoa("ann:pw")}` };
  {
    await using server = await serve(dir.at("share"), ["--anonymous", "none", "--auth", auth]);
    const names = ["top/", "top/seen", "top/sub/", "top/sub/x"];
    assertEquals(await namesIn(`${server.url}/top/?archive=tar`, headers), names);
    for (const [path, status] of [["/top/", 401], ["/top/secret/", 403], ["/top/.folder/", 404]] as const) {
      const response = await fetch(`${server.url}${path}?archive=zip`, {
        headers: status === 401 ? {} : headers,
      });
      await response.body?.cancel();
      assertEquals(response.status, status, path);
    }
  }
  await using server = await serve(dir.at("share"), ["--hidden", "--follow-symlinks", "none"]);
  assertEquals(
    (await namesIn(`${server.url}/top/?archive=tar`)).filter((name) => name.split("/")[1].startsWith(".")),
    ["top/.folder/", "top/.folder/x", "top/.hidden"],
  );
});

Deno.test("serve keeps links within an archive as links, and takes along what others lead to", async () => {
  using dir = tempDir({ "top/a/f": "f", "other/g": "g", "other/h/i": "i", "single": "s" });
  const links = { "l": "a/f", "m": "../other", "n": "../other/h", "s": "../single", "up": ".." };
  for (const [name, target] of Object.entries(links)) Deno.symlinkSync(target, dir.at(`top/${name}`));
  Deno.symlinkSync(dir.at("top/a"), dir.at("top/absolute"));
  await using server = await serve(dir.path);
  using out = tempDir();
  await download(`${server.url}/top/?archive=tar`, out.at("x.tar"));
  run("tar", ["-xf", out.at("x.tar")], out.path);
  const link = (path: string) => Deno.readLinkSync(out.at(`top/${path}`));
  assertEquals([link("l"), link("absolute"), link("n")], ["a/f", "a", "m/h"]);
  assertEquals(Deno.readTextFileSync(out.at("top/m/h/i")), "i");
  assertEquals([Deno.lstatSync(out.at("top/s")).isFile, Deno.readTextFileSync(out.at("top/s"))], [true, "s"]);
  // The folder that it is in comes along, and is not gone through again.
  assertEquals([link("up/top"), link("up/other")], ["..", "../m"]);
});

Deno.test("serve says what an archive is, and what it is not", async () => {
  using dir = tempDir({ "été 1/f": "x", "f": "x" });
  await using server = await serve(dir.path);
  const types = {
    "zip": "application/zip",
    "tar": "application/x-tar",
    "tar.gz": "application/gzip",
    "tar.zst": "application/zstd",
  };
  const made = await formatsOf(server.url);
  for (const [format, type] of Object.entries(types)) {
    const url = `${server.url}/%C3%A9t%C3%A9%201/?archive=${format}`;
    const get = await fetch(url, { headers: { range: "bytes=0-1", "want-repr-digest": "sha-256=1" } });
    const body = await get.arrayBuffer();
    if (!made.includes(format)) {
      assertEquals(get.status, 400);
      continue;
    }
    assert(body.byteLength > 100);
    const head = await fetch(url, { method: "HEAD" });
    const told = (headers: Headers) =>
      ["content-type", "content-disposition", "accept-ranges", "cache-control"].map((name) =>
        headers.get(name)
      );
    assertEquals(told(get.headers).slice(0, 3), [
      type,
      `attachment; filename="_t_ 1.${format}"; filename*=UTF-8''%C3%A9t%C3%A9%201.${format}`,
      "none",
    ]);
    assertEquals([get.status, head.status, told(head.headers)], [200, 200, told(get.headers)]);
    for (const name of ["etag", "last-modified", "repr-digest", "content-length", "content-encoding"]) {
      assertEquals([get.headers.get(name), head.headers.get(name)], [null, null], name);
    }
    const failed = await fetch(url, { headers: { "if-match": '"x"' } });
    await failed.body?.cancel();
    assertEquals(failed.status, 412);
  }
  const top = await fetch(`${server.url}/?archive=zip`);
  await top.body?.cancel();
  assertEquals(top.headers.get("content-disposition"), 'attachment; filename="files.zip"');
  const cases: [path: string, status: number][] = [
    ["/?archive=rar", 400],
    ["/?archive=", 400],
    ["/?archive=%", 400],
    ["/f?archive=zip", 200],
    ["/none/?archive=zip", 404],
  ];
  for (const [path, status] of cases) {
    const response = await fetch(server.url + path);
    await response.body?.cancel();
    assertEquals(response.status, status, path);
  }
  const redirect = await fetch(`${server.url}/%C3%A9t%C3%A9%201?archive=zip`, { redirect: "manual" });
  await redirect.body?.cancel();
  assertEquals([redirect.status, redirect.headers.get("location")], [
    301,
    "./%C3%A9t%C3%A9%201/?archive=zip",
  ]);
});

Deno.test("serve offers archives on its pages, and none with --no-archive", async () => {
  using dir = tempDir({ "f": "x" });
  const page = async (url: string) => await (await fetch(url, { headers: { accept: "text/html" } })).text();
  {
    await using server = await serve(dir.path, ["--index", "f"]);
    assertMatch(await page(`${server.url}/?format=json`), /^\{/);
    const response = await fetch(`${server.url}/?archive=tar`, { headers: { accept: "text/html" } });
    await response.body?.cancel();
    assertEquals(response.headers.get("content-type"), "application/x-tar");
  }
  {
    await using server = await serve(dir.path);
    assertMatch(await page(server.url), /<button name="archive" value="zip">/);
  }
  await using server = await serve(dir.path, ["--no-archive"]);
  assert(!/archive/.test(await page(server.url)));
  const response = await fetch(`${server.url}/?archive=zip`);
  assertEquals([response.status, (await response.json()).code], [403, "forbidden"]);
});
