/** Large files reach clients whole, whatever their pace: the server uses the memory of a stream again. */
import { assert, assertEquals } from "@std/assert";
import * as http2 from "node:http2";
import { serve, type Server, sha256, tempDir } from "./harness.ts";

/** Bytes that no two places of a file share. */
function content(mebibytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(mebibytes * 256 * 1024);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 2654435761) ^ seed;
  return new Uint8Array(words.buffer);
}

const LARGE = content(12, 1);
const FILES = { large: LARGE, second: content(3, 2), third: content(3, 3), kept: content(1, 4) };

/** A pause in which the server fills whatever there is to fill. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 30));

Deno.test("serve sends a large file whole to clients that take it in fits and starts", async () => {
  using dir = tempDir(FILES);
  await using server = await serve(dir.path);
  const wanted = await sha256(LARGE);
  assertEquals(await Promise.all([haltingGet(server), haltingGet(server), haltingGet(server)]), [
    wanted,
    wanted,
    wanted,
  ]);
});

Deno.test("serve sends large files whole over HTTP/2 that is taken in fits and starts", async () => {
  using dir = tempDir(FILES);
  await using server = await serve(dir.path);
  const session = http2.connect(server.url);
  try {
    const names = ["large", "second", "third"] as const;
    const got = await Promise.all(names.map((name) => http2Get(session, `/${name}`)));
    assertEquals(got, await Promise.all(names.map((name) => sha256(FILES[name]))));
  } finally {
    session.close();
  }
});

Deno.test("serve sends other files right after a client has left", async () => {
  using dir = tempDir(FILES);
  await using server = await serve(dir.path);
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`${server.url}/large`);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    for (const name of ["second", "kept"] as const) {
      const body = await (await fetch(`${server.url}/${name}`)).bytes();
      assertEquals(await sha256(body), await sha256(FILES[name]), name);
    }
  }
});

Deno.test("serve breaks the answer off when a large file becomes shorter while it is sent", async () => {
  using dir = tempDir({ large: LARGE });
  await using server = await serve(dir.path);
  const response = await fetch(`${server.url}/large`);
  assertEquals(response.headers.get("content-length"), String(LARGE.length));
  const reader = response.body!.getReader();
  let length = (await reader.read()).value!.length;
  Deno.truncateSync(`${dir.path}/large`, 1000);
  let broken = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      length += value.length;
    }
  } catch {
    broken = true;
  }
  assert(broken && length < LARGE.length, `${length} bytes came`);
});

/** The SHA-256 of `/large`, read with pauses from a socket. */
async function haltingGet({ url }: Server): Promise<string> {
  const { hostname, port, host } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  const bytes = new Uint8Array(LARGE.length + 4096);
  let length = 0, body = -1;
  while (body === -1 || length < body + LARGE.length) {
    const before = length >> 20;
    const count = await connection.read(bytes.subarray(length));
    assert(count !== null, "the connection was closed");
    length += count;
    if (length >> 20 !== before) await pause();
    if (body === -1) body = new TextDecoder("latin1").decode(bytes.subarray(0, 4096)).indexOf("\r\n\r\n") + 4;
  }
  return sha256(bytes.subarray(body, length));
}

/** The SHA-256 of what is at `path`, read with pauses. */
async function http2Get(session: http2.ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ":path": path });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if ((length + chunk.length) >> 20 !== length >> 20) await pause();
    length += chunk.length;
    chunks.push(new Uint8Array(chunk));
  }
  return sha256(await new Blob(chunks as BlobPart[]).bytes());
}
