/** A client that keeps to no rule of the sync API, for the tests of what a server refuses. */
import { assert, assertEquals } from "@std/assert";
import { joined } from "../lib/core/joined.ts";
import { BlockDigest } from "../lib/wire/block_digest.ts";
import { HEADER_BYTES, KIND_END, KIND_STREAM, MAGIC, PackBuilder, writeHeader } from "../lib/wire/pack.ts";
import { trailerBytes } from "../lib/wire/trailer.ts";
import { serve, type Server, tempDir, treeDigest } from "./harness.ts";
import { paths } from "./sync_fixtures.ts";

export const MTIME = 1_600_000_000_000;
export const encode = (text: string) => new TextEncoder().encode(text);

/** A share with links in it, and beside it a place that nobody may reach. */
export function makeShare() {
  const dir = tempDir({
    "share/file": "content",
    "share/dir/f": "content",
    "share/private/f": "secret",
    "outside/precious": "precious",
  });
  Deno.symlinkSync("../outside", dir.at("share/out"));
  Deno.symlinkSync("../outside/precious", dir.at("share/out-file"));
  Deno.symlinkSync("dir", dir.at("share/in"));
  Deno.utimeSync(dir.at("share/file"), MTIME / 1000, MTIME / 1000);
  Deno.utimeSync(dir.at("outside/precious"), MTIME / 1000, MTIME / 1000);
  return dir;
}

export interface CallOptions {
  path?: string;
  body?: BodyInit;
  user?: string;
  headers?: Record<string, string>;
}

/** One call of the sync API, as a client that keeps to no rule makes it. */
export async function call(server: Server, method: string, what: string, options: CallOptions = {}) {
  const mark = what.includes("?") ? "&" : "?";
  const path = options.path === undefined ? "" : `${mark}path=${options.path}`;
  const headers: Record<string, string> = { ...options.headers };
  if (options.user !== undefined) headers.authorization = `Basic ${btoa(options.user)}`;
  const body = typeof options.body === "string" ? encode(options.body) : options.body;
  const response = await fetch(`${server.url}/.ferry/v1/${what}${path}`, { method, headers, body });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return { status: response.status, text, bytes };
}

export const HOLDER = { source: "a test", host: "here", pid: 1, since: MTIME };

/** Begins a push, which ends with its scope or its connection. */
export async function begin(server: Server, session: string, options: CallOptions = {}) {
  const headers: Record<string, string> = options.user === undefined
    ? {}
    : { authorization: `Basic ${btoa(options.user)}` };
  const path = encodeURIComponent(options.path ?? "");
  const response = await fetch(`${server.url}/.ferry/v1/session/${session}?path=${path}`, {
    method: "POST",
    headers,
    body: options.body ?? JSON.stringify({ holder: HOLDER }),
  });
  return {
    status: response.status,
    [Symbol.asyncDispose]: async () => {
      await call(server, "DELETE", `session/${session}`, { ...options, body: undefined });
      await response.body?.cancel();
    },
  };
}

export interface Outcomes {
  outcomes: ({ code: string; message: string } | null)[];
}

/** The codes of a commit's outcomes; null for done. */
export function codes(text: string): (string | null)[] {
  return (JSON.parse(text) as Outcomes).outcomes.map((outcome) => outcome?.code ?? null);
}

export function commit(operations: unknown[], key: string = crypto.randomUUID()): string {
  return JSON.stringify({ key, operations });
}

export function pack(...contents: string[]): Uint8Array<ArrayBuffer> {
  const builder = new PackBuilder(new ArrayBuffer(64));
  contents.forEach((text, index) =>
    builder.addFile({ kind: "file", index, mtime: MTIME, mode: 0o644, content: encode(text) })
  );
  return builder.finish();
}

/** A streamed pack of one file. */
export function streamed(text: string): Uint8Array<ArrayBuffer> {
  const content = encode(text);
  const head = new Uint8Array(HEADER_BYTES), end = new Uint8Array(HEADER_BYTES);
  const header = { index: 0, size: content.length, mtime: MTIME, mode: 0o644 };
  writeHeader(new DataView(head.buffer), 0, KIND_STREAM, header);
  writeHeader(new DataView(end.buffer), 0, KIND_END, { index: 1, size: 0, mtime: 0, mode: 0 });
  const digest = new BlockDigest();
  digest.update(content);
  return joined([MAGIC, head, content, trailerBytes({ changed: false, digest: digest.digest() }), end]);
}

/** Runs `attack` on a server that lets anybody do anything; afterwards what it must not have touched is as it was. */
export function attack(
  name: string,
  run: (server: Server, dir: ReturnType<typeof makeShare>) => Promise<void>,
  args = ["--writable"],
) {
  Deno.test(`the sync API refuses ${name}`, async () => {
    using dir = makeShare();
    const before = await treeDigest(dir.at("outside"), { dirTimes: true });
    {
      await using server = await serve(dir.at("share"), args);
      await run(server, dir);
      assert(!/" 500 /.test(server.log()), server.log());
      assertEquals((await fetch(`${server.url}/.ferry/health`)).status, 200);
      await server.stop();
    }
    assertEquals(await treeDigest(dir.at("outside"), { dirTimes: true }), before);
    assertEquals(paths(dir.path).filter((path) => path.includes(".ferry")), [], "a stage was left");
    assertEquals([...Deno.readDirSync(dir.path)].map((entry) => entry.name).sort(), ["outside", "share"]);
  });
}

export const BAD_PATHS = [
  "..",
  "../evil",
  "dir/../../evil",
  "/etc/ferry-evil",
  "/",
  "",
  ".",
  "./a",
  "a//b",
  "a/",
  ".ferry",
  ".ferry/stage/x",
  "dir/.ferry/x",
  "a\0b",
  "n".repeat(256),
  "n/".repeat(2500) + "n",
];
