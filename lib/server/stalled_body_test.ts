/** What a real server does with requests whose bodies stall, with less patience than it has by itself. */
import { assertEquals, assertMatch } from "@std/assert";
import { KIND_STREAM, MAGIC, PackBuilder, writeHeader } from "../wire/pack.ts";
import { parsePerms } from "./access.ts";
import { createAuthenticate } from "./authenticate.ts";
import { DavState } from "./dav/state.ts";
import { createHandler } from "./handler.ts";
import { listen } from "./listen.ts";
import { TOP } from "./mounts.ts";
import { Shares } from "./shares.ts";
import { Staging } from "./staging.ts";
import { Uploads } from "./tus/uploads.ts";
import { createSyncApi } from "./sync/api.ts";

const PATIENCE = { silence: 300, window: 60_000, leastRate: 1 };

/** A server of a new folder with a file `old`. */
async function start() {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-stalled-" }));
  Deno.writeTextFileSync(`${root}/old`, "old");
  const warnings: string[] = [];
  const warn = (line: string) => void warnings.push(line);
  const sync = createSyncApi(root, { dir: () => `${root}/.ferry`, warn, patience: PATIENCE });
  const staging = new Staging(root);
  const dav = new DavState({ dir: () => `${root}/.ferry`, root, warn });
  const share = {
    root,
    hidden: false,
    follow: "none" as const,
    staging,
    uploads: new Uploads(root),
    dav,
    patience: PATIENCE,
  };
  const anonymous = parsePerms("rwd") ?? 0;
  const handler = createHandler({
    shares: new Shares([{ mount: TOP, share }]),
    authenticate: await createAuthenticate({ anonymous: [{ path: "", perms: anonymous }], users: [] }),
    syncApi: sync.handle,
    warn,
  });
  const server = await listen(handler, { kind: "tcp", host: "127.0.0.1", port: 0 }, { warn });
  return {
    root,
    url: server.url,
    port: Number(new URL(server.url).port),
    warnings,
    async [Symbol.asyncDispose]() {
      sync.hangUp();
      await server.stop(2000);
      await sync.close();
      staging.close();
      dav[Symbol.dispose]();
      Deno.removeSync(root, { recursive: true });
    },
  };
}

/** Sends a request that says it has more of a body than comes, and gives the server's answer. */
async function stall(
  port: number,
  line: string,
  body: Uint8Array,
  head = "Content-Length: 5000000",
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${line} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`));
  await connection.write(body);
  const buffer = new Uint8Array(10_000);
  let answer = "";
  // The message is the last of it.
  while (!answer.includes("}")) {
    const count = await connection.read(buffer);
    if (count === null) break;
    answer += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return answer;
}

/** The first 50,000 bytes of a pack of one file. */
function halfPack(): Uint8Array {
  const builder = new PackBuilder(new ArrayBuffer(64));
  builder.addFile({ kind: "file", index: 0, mtime: 0, mode: 0o644, content: new Uint8Array(100_000) });
  return builder.finish().subarray(0, 50_000);
}

/** As much of a streamed pack. */
function halfStream(): Uint8Array {
  const bytes = new Uint8Array(50_000);
  bytes.set(MAGIC);
  const header = { index: 0, size: 100_000, mtime: 0, mode: 0o644 };
  writeHeader(new DataView(bytes.buffer), MAGIC.length, KIND_STREAM, header);
  return bytes;
}

Deno.test("a PUT whose body stalls is answered 408, and the old file stays", async () => {
  await using server = await start();
  const half = new Uint8Array(70_000);
  for (const path of ["old", "new", "made/new"]) {
    const answer = await stall(server.port, `PUT /${path}`, half);
    assertMatch(answer, /^HTTP\/1.1 408 [^]*not a byte came for 300 ms/);
  }
  const chunk = new TextEncoder().encode("5\r\nhello\r\n");
  assertMatch(await stall(server.port, "PUT /new", chunk, "Transfer-Encoding: chunked"), /^HTTP\/1.1 408 /);
  assertEquals(Deno.readTextFileSync(`${server.root}/old`), "old");
  assertEquals([...Deno.readDirSync(server.root)].map(({ name }) => name), ["old"]);
  assertEquals(server.warnings, []);
});

Deno.test("a piece of an upload that stalls is answered 408, and what came of it stays", async () => {
  await using server = await start();
  const tus = { "tus-resumable": "1.0.0" };
  const created = await fetch(`${server.url}.ferry/tus/`, {
    method: "POST",
    headers: { ...tus, "upload-length": "5000000", "upload-metadata": "filename YQ==" },
  });
  const url = created.headers.get("location") ?? "";
  const head = "Content-Type: application/offset+octet-stream\r\nTus-Resumable: 1.0.0\r\n" +
    "Upload-Offset: 0\r\nContent-Length: 5000000";
  const answer = await stall(server.port, `PATCH ${url}`, new Uint8Array(70_000), head);
  assertMatch(answer, /^HTTP\/1.1 408 [^]*not a byte came for 300 ms/);
  const kept = await fetch(new URL(url, server.url), { method: "HEAD", headers: tus });
  assertEquals(kept.headers.get("upload-offset"), "70000");
  assertEquals(server.warnings, []);
});

Deno.test("calls of the sync API whose bodies stall are answered 408, and their push is free again", async () => {
  await using server = await start();
  const api = `${server.url}.ferry/v1/`;
  const session = crypto.randomUUID();
  const holder = { source: "a test", host: "here", pid: 1, since: 0 };
  const push = await fetch(`${api}session/${session}`, { method: "POST", body: JSON.stringify({ holder }) });
  assertEquals(push.status, 200, server.warnings.join());
  const calls: [string, Uint8Array][] = [
    [`PUT /.ferry/v1/stage/${session}`, halfPack()],
    [`PUT /.ferry/v1/stage/${session}/0`, halfStream()],
    [`PUT /.ferry/v1/stage/${session}/1?file=large`, halfStream()],
    [`POST /.ferry/v1/commit/${session}`, new TextEncoder().encode('{"key":"0","operations":[')],
    [`POST /.ferry/v1/delta/${session}/2?file=old&base=old`, new TextEncoder().encode("FERRYCL1")],
    ["POST /.ferry/v1/delta?file=old", new TextEncoder().encode("FERRYDR1")],
    ["POST /.ferry/v1/pack", new TextEncoder().encode('{"files":[')],
    ["POST /.ferry/v1/hashes", new TextEncoder().encode('{"files":[')],
    [`POST /.ferry/v1/session/${crypto.randomUUID()}`, new TextEncoder().encode("{")],
  ];
  const answers = await Promise.all(calls.map(async ([line, body]) => {
    const length = line.includes("/session/") ? 10_000 : 5_000_000;
    const answer = await stall(server.port, line, body, `Content-Length: ${length}`);
    return [line, answer.slice(0, 12)];
  }));
  assertEquals(answers, calls.map(([line]) => [line, "HTTP/1.1 408"]));
  const commit = await fetch(`${api}commit/${session}`, {
    method: "POST",
    body: JSON.stringify({
      key: "1",
      operations: [{ op: "mkdir", path: "made", mode: 0o755, expect: null }],
    }),
  });
  assertEquals(await commit.json(), { outcomes: [null] });
  await (await fetch(`${api}session/${session}`, { method: "DELETE" })).body?.cancel();
  await push.body?.cancel();
  assertEquals(Deno.readTextFileSync(`${server.root}/old`), "old");
  assertEquals(server.warnings, []);
});
