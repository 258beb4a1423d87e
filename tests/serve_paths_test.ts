import { assert, assertEquals } from "@std/assert";
import { rawRequest, serve, tempDir } from "./harness.ts";

/** What lies beside the share, and what must never come out of it. */
const SECRET = "SECRET-BYTES";

const VERBS = ["GET", "HEAD", "PUT", "DELETE", "MKCOL", "MOVE", "COPY", "OPTIONS"];

/** Raw request targets, byte for byte, that can only be attacks or mistakes. */
const HOSTILE = [
  "/../secret.txt",
  "/..",
  "/../",
  "/./in.txt",
  "/dir/../../secret.txt",
  "/dir/../in.txt",
  "/%2e%2e/secret.txt",
  "/%2E%2e/secret.txt",
  "/.%2e/secret.txt",
  "/%2e./secret.txt",
  "/%2e/in.txt",
  "/dir%2f..%2f..%2fsecret.txt",
  "/dir%2Fx",
  "/..%2fsecret.txt",
  "/..%5csecret.txt",
  "/dir%5Cx",
  "/..\\secret.txt",
  "/%00",
  "/in.txt%00",
  "/in.txt%00.html",
  "/%c0%ae%c0%ae/secret.txt",
  "/%c0%af..%c0%afsecret.txt",
  "/%e0%80%ae/secret.txt",
  "/%ff",
  "/\xff\xfe",
  "//secret.txt",
  "//etc/passwd",
  "/dir//x",
  "/in.txt//",
  "/%",
  "/%2",
  "/%zz",
  "/%u002e",
  "/.ferry",
  "/.ferry/",
  "/.ferry/state",
  "/%2eferry/state",
  "/dir/.ferry/state",
  "/dir/.ferry",
  "/.hidden",
  "/.hidden/x",
  "/out/secret.txt",
  "/out",
  "/out/",
  "/secretlink",
  "/dangling",
  "/loop",
  "/loop/x",
  "/" + "x".repeat(256),
  "/" + "d/".repeat(2500),
  "http://other/../secret.txt",
  "http://other/%2e%2e/secret.txt",
];

function makeTree() {
  const dir = tempDir({
    "secret.txt": SECRET,
    "share/in.txt": "fine",
    "share/dir/x": "fine",
    "share/.ferry/state": SECRET,
    "share/dir/.ferry/state": SECRET,
    "share/.hidden/x": SECRET,
  });
  Deno.symlinkSync(dir.path, dir.at("share/out"));
  Deno.symlinkSync("../secret.txt", dir.at("share/secretlink"));
  Deno.symlinkSync("nowhere", dir.at("share/dangling"));
  Deno.symlinkSync("loop", dir.at("share/loop"));
  return dir;
}

/** Everything below the folder, as one text; links by what they say. */
function snapshot(path: string): string {
  const lines: string[] = [];
  for (const { name, isDirectory, isSymlink } of Deno.readDirSync(path)) {
    const below = `${path}/${name}`;
    if (isDirectory) lines.push(`${name}/(${snapshot(below)})`);
    else lines.push(`${name}=${isSymlink ? Deno.readLinkSync(below) : Deno.readTextFileSync(below)}`);
  }
  return lines.sort().join(" ");
}

for (const verb of VERBS) {
  Deno.test(`serve refuses every hostile path for ${verb}, and touches nothing`, async () => {
    using dir = makeTree();
    await using server = await serve(dir.at("share"), ["--writable"]);
    const before = snapshot(dir.path);
    for (const target of HOSTILE) {
      const extra = verb === "MOVE" || verb === "COPY" ? "Destination: /target\r\n" : "";
      const body = verb === "PUT" ? "Content-Length: 3\r\n\r\nnew" : "\r\n";
      const request = `${verb} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${extra}${body}`;
      const response = await rawRequest(server.port, request);
      // What an OPTIONS tells is the same for every path that can be.
      const fine = verb === "OPTIONS" ? [400, 404, 204] : [400, 404];
      assert(fine.includes(response.status), `${verb} ${JSON.stringify(target)}: ${response.status}`);
      assert(!response.body.includes(SECRET) && !response.body.includes(dir.path), target);
    }
    assertEquals(snapshot(dir.path), before);
    const alive = await fetch(`${server.url}/in.txt`);
    assertEquals(await alive.text(), "fine");
  });
}

for (const verb of ["MOVE", "COPY"]) {
  Deno.test(`serve refuses every hostile Destination of ${verb}, and touches nothing`, async () => {
    using dir = makeTree();
    await using server = await serve(dir.at("share"), ["--writable"]);
    const before = snapshot(dir.path);
    for (const target of HOSTILE) {
      for (const destination of [target, `http://x${target}`]) {
        const request =
          `${verb} /in.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nDestination: ${destination}\r\n\r\n`;
        const { status } = await rawRequest(server.port, request);
        assert(status === 400 || status === 404, `${verb} to ${JSON.stringify(destination)}: ${status}`);
      }
    }
    assertEquals(snapshot(dir.path), before);
  });
}

Deno.test("serve takes an absolute URL for a target, and a path from nowhere but the request line", async () => {
  using dir = makeTree();
  await using server = await serve(dir.at("share"), ["--auth", "ann:pw@/dir:r"]);
  const get = (target: string, host: string) =>
    rawRequest(server.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  assertEquals((await get("http://other:99/in.txt", "x")).body, "fine");
  for (const host of ["x/dir", "x/dir/x?", "x/in.txt#", "x/../..", "x\\y", "u@x", "x, y"]) {
    assertEquals((await get("/in.txt", host)).status, 400, host);
  }
});
