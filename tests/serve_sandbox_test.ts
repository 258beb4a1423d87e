/** What the workers of a server may do, as the runtime sees it, and what becomes of one that dies. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TOP } from "../lib/server/mounts.ts";
import { DEFAULT_LIMITS } from "../lib/server/limits/limits.ts";
import type { ServerSettings } from "../lib/server/settings.ts";
import { supervise } from "../lib/server/supervisor.ts";
import { tempDir } from "./harness.ts";

function settingsFor(root: string, more: Partial<ServerSettings> = {}): ServerSettings {
  return {
    place: { kind: "tcp", host: "127.0.0.1", port: 0 },
    workers: 1,
    accounts: { anonymous: [{ path: "", perms: 1 }], users: [] },
    shares: [{
      mount: TOP,
      root,
      writable: false,
      cors: [],
      hidden: false,
      follow: "inside",
      compress: true,
      precompressed: false,
      archives: true,
      state: { dir: `${root}/.ferry` },
    }],
    peers: [],
    cors: [],
    limits: DEFAULT_LIMITS,
    log: "none",
    metrics: false,
    key: new Uint8Array(32),
    ...more,
  };
}

const ODD = new URL("./odd_worker.ts", import.meta.url);

Deno.test("the runtime refuses a worker what is not its share's", async () => {
  using dir = tempDir();
  const root = Deno.realPathSync(dir.path);
  Deno.writeTextFileSync(`${root}/mine`, "mine");
  const server = await supervise(settingsFor(root), { entry: ODD, log: () => {} });
  try {
    const say = async (what: string, path = "") =>
      await (await fetch(`${server.url}try?${new URLSearchParams({ what, path })}`)).text();
    assertEquals(await say("read", `${root}/mine`), "did 4");
    // The C library says why a call failed, without anybody looking at memory.
    assertEquals(await say("missing", `${root}/nothing`), "did true");
    assertEquals(await say("missing", `${root}/mine`), "did false");
    assertEquals(await say("watch", `${root}/nothing`), "did failed");
    for (
      const [what, path] of [
        ["read", "/etc/passwd"],
        ["read", `${root}/../../etc/passwd`],
        ["list", "/"],
        ["write", "/tmp/ferry-should-not-be-there"],
        // Nobody may change this share, so its worker may not either.
        ["write", `${root}/mine`],
        ["run"],
        ["env"],
        ["connect"],
        ["dlopen", "/usr/lib/x86_64-linux-gnu/libm.so.6"],
      ]
    ) assertEquals(await say(what, path), "NotCapable", `${what} ${path ?? ""}`);
  } finally {
    await server.stop(1000);
  }
});

Deno.test("a link in the share that leads out is nothing to its server", async () => {
  using dir = tempDir();
  const root = Deno.realPathSync(dir.path);
  Deno.symlinkSync("/etc/passwd", `${root}/out`);
  const server = await supervise(settingsFor(root), { entry: ODD, log: () => {} });
  try {
    const answer = await fetch(`${server.url}out`);
    await answer.body?.cancel();
    assertEquals(answer.status, 404);
  } finally {
    await server.stop(1000);
  }
});

Deno.test("a worker that dies is replaced and told of, and the others go on", async () => {
  using dir = tempDir();
  const root = Deno.realPathSync(dir.path);
  Deno.writeTextFileSync(`${root}/a`, "a");
  let log = "";
  const server = await supervise(settingsFor(root, { workers: 2 }), {
    entry: ODD,
    log: (text) => void (log += text),
  });
  try {
    const ask = async (path: string) =>
      await (await fetch(server.url + path, { headers: { connection: "close" } })).text();
    for (let deaths = 0; deaths < 3; deaths++) {
      // Its own answer may be lost with it.
      await ask("die").catch(() => {});
      for (let i = 0; log.split("replaced").length < deaths + 2 && i < 1000; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      let answered = 0;
      // The one that takes the place of the last but one may be at its start still.
      for (const end = Date.now() + 20_000; answered < 5 && Date.now() < end;) {
        // A connection that waited for the dead one is lost.
        if (await ask("a").catch(() => "") === "a") answered++;
        else await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assertEquals(answered, 5);
    }
    assertEquals(log.split("died and is replaced").length - 1, 3);
    assertStringIncludes(log, "told to die");
  } finally {
    await server.stop(1000);
  }
});

Deno.test("new settings are served without a request lost, and bad ones change nothing", async () => {
  using dir = tempDir();
  const root = Deno.realPathSync(dir.path);
  Deno.writeTextFileSync(`${root}/a`, "a");
  Deno.writeTextFileSync(`${root}/.hidden`, "h");
  const entry = new URL("../cmd/serve_worker.ts", import.meta.url);
  const settings = settingsFor(root, { workers: 2 });
  const server = await supervise(settings, { entry, log: () => {} });
  try {
    let asked = 0, stop = false;
    const failed: string[] = [];
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        asked++;
        try {
          const answer = await fetch(`${server.url}a`);
          const text = await answer.text();
          if (text !== "a") failed.push(text);
        } catch (error) {
          failed.push(String((error as Error).cause));
        }
      }
    });
    const status = async (path: string) => {
      const answer = await fetch(server.url + path);
      await answer.body?.cancel();
      return answer.status;
    };
    assertEquals(await status(".hidden"), 404);
    await server.reload({ ...settings, shares: [{ ...settings.shares[0], hidden: true }] });
    assertEquals(await status(".hidden"), 200);
    assertEquals(await status(".ferry/v1/info"), 200);
    const worse = { ...settings, place: { kind: "tcp" as const, host: "192.0.2.1", port: 1 } };
    let said = "";
    await server.reload(worse).catch((error) => said = String(error));
    assert(said.includes("192.0.2.1"), said);
    assertEquals(await status(".hidden"), 200);
    // The old workers are gone by then.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    stop = true;
    await Promise.all(load);
    assert(asked > 20, `${asked} requests`);
    assertEquals(failed, []);
  } finally {
    await server.stop(1000);
  }
});
