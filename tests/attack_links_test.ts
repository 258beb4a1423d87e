/**
 * Links that lead out of the share, put in place of files and folders while requests are being answered. The names in
 * a folder outside are not looked for, nor what is written: the moment between a look and an act cannot be closed by
 * path (docs/design.md).
 */
import { assert, assertEquals } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";
import { installed } from "./programs.ts";

const SECRET = "CANARY-OUTSIDE-91e2";

/** Puts the folder `swapped` now aside and a link that leads out in its place, and back, as fast as it goes. */
const SWAPPER = `
import os, sys
share = sys.argv[1]
while True:
    for name in ("folder", "file"):
        try:
            os.rename(f"{share}/{name}", f"{share}/{name}.aside")
            os.rename(f"{share}/{name}.link", f"{share}/{name}")
            os.rename(f"{share}/{name}", f"{share}/{name}.link")
            os.rename(f"{share}/{name}.aside", f"{share}/{name}")
        except OSError:
            pass
`;

const READS = [
  "GET /folder/f",
  "GET /file",
  "GET /folder/",
  "GET /folder/?format=json",
  "GET /folder/?archive=tar",
  "GET /?archive=tar",
  "PROPFIND /folder/",
  "GET /folder/sub/f",
  "COPY /folder/f",
  "GET /.ferry/v1/file?path=folder&file=f",
  "GET /.ferry/v1/file?path=&file=file",
];

async function ask(server: Server, call: string): Promise<string> {
  const [method, path] = call.split(" ");
  const headers = { destination: "/copy", depth: "1", overwrite: "T" };
  try {
    const response = await fetch(server.url + path, { method, headers, redirect: "manual" });
    const text = await response.text();
    return `${response.status} ${text}`;
  } catch {
    // It was broken off.
    return "";
  }
}

Deno.test({
  name: "serve reads nothing outside while folders become links that lead there",
  // The binary may have an older runtime inside, whose sandbox looks at paths as they are written.
  ignore: !installed("python3") || Deno.env.has("FERRY_BIN"),
  async fn() {
    using dir = tempDir({
      "outside/f": SECRET,
      "outside/sub/f": SECRET,
      "share/folder/f": "inside",
      "share/folder/sub/f": "inside",
      "share/file": "inside",
    });
    Deno.symlinkSync("../outside", dir.at("share/folder.link"));
    Deno.symlinkSync("../outside/f", dir.at("share/file.link"));
    const before = JSON.stringify([...Deno.readDirSync(dir.at("outside"))].map(({ name }) => name).sort());
    await using server = await serve(dir.at("share"), ["--writable"]);
    const swapper = new Deno.Command("python3", { args: ["-c", SWAPPER, dir.at("share")] }).spawn();
    const leaks = new Set<string>();
    const statuses = new Set<string>();
    try {
      for (let round = 0; round < 60; round++) {
        const answers = await Promise.all(READS.map((call) => ask(server, call)));
        answers.forEach((answer, i) => {
          statuses.add(answer.slice(0, 3));
          if (answer.includes(SECRET)) leaks.add(READS[i]);
        });
      }
    } finally {
      swapper.kill();
      await swapper.status;
    }
    await server.stop();
    assertEquals([...leaks], []);
    assert(
      !statuses.has("500"),
      server.log().split("\n").filter((line) => line.startsWith("ferry:")).join("\n"),
    );
    const after = JSON.stringify([...Deno.readDirSync(dir.at("outside"))].map(({ name }) => name).sort());
    assertEquals(after, before);
    assertEquals(Deno.readTextFileSync(dir.at("outside/f")), SECRET);
  },
});
