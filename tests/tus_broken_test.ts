/** Uploads whose connection, client or server goes away: what came is kept, and the next request goes on. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve, type Server, tempDir } from "./harness.ts";
import { create, offsetOf, patch, PIECE, TUS } from "./tus_requests.ts";

/** Sends the head of a PATCH and `bytes` of its body, and leaves the connection as it is. */
async function hang(
  server: Server,
  url: string,
  options: { offset: number; bytes: string; length: number; more?: string },
): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const head = `PATCH ${new URL(url).pathname} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n` +
    `Content-Type: ${PIECE["content-type"]}\r\nUpload-Offset: ${options.offset}\r\n` +
    `Content-Length: ${options.length}\r\n${options.more ?? ""}\r\n`;
  await connection.write(new TextEncoder().encode(head + options.bytes));
  return connection;
}

/** Waits until there are `size` bytes of the upload with this URL. */
async function received(root: string, url: string, size: number): Promise<void> {
  const id = url.slice(url.lastIndexOf("/") + 1);
  for (let i = 0; i < 500; i++) {
    for (const { name } of Deno.readDirSync(`${root}/.ferry/tus`)) {
      try {
        if (Deno.statSync(`${root}/.ferry/tus/${name}/${id}`).size === size) return;
      } catch {
        // Another owner's folder.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`there are no ${size} bytes of ${url}`);
}

async function answerOn(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer).catch(() => null);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
}

Deno.test("tus: who comes back takes over from a connection that hangs", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const url = await create(server.url, "a", 10);
  using first = await hang(server, url, { offset: 0, bytes: "123", length: 10 });
  await received(dir.path, url, 3);
  assertEquals(await offsetOf(url), 3);
  assertMatch(await answerOn(first), /^HTTP\/1\.1 400 /);
  // Without asking first, too.
  using second = await hang(server, url, { offset: 3, bytes: "45", length: 7 });
  await received(dir.path, url, 5);
  assertEquals((await patch(url, 5, "678")).status, 204);
  assertMatch(await answerOn(second), /^HTTP\/1\.1 400 /);
  using _third = await hang(server, url, { offset: 8, bytes: "9", length: 2 });
  await received(dir.path, url, 9);
  const all = await Promise.all([offsetOf(url), offsetOf(url), offsetOf(url)]);
  assertEquals(all, [9, 9, 9]);
  assertEquals((await patch(url, 9, "0")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "1234567890");
});

Deno.test("tus: what came before a connection broke is kept; with a sum that cannot be checked, nothing", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const url = await create(server.url, "a", 10);
  const first = await hang(server, url, { offset: 0, bytes: "123", length: 10 });
  await received(dir.path, url, 3);
  first.close();
  assertEquals(await offsetOf(url), 3);
  const more = "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n";
  const second = await hang(server, url, { offset: 3, bytes: "45", length: 7, more });
  await received(dir.path, url, 5);
  second.close();
  assertEquals(await offsetOf(url), 3);
});

Deno.test("tus: a server that is killed goes on where it was, also with what had yet to be checked", async () => {
  using dir = tempDir();
  let url: string, checked: string;
  {
    await using server = await serve(dir.path, ["--writable"]);
    [url, checked] = [await create(server.url, "a", 10), await create(server.url, "b", 10)];
    assertEquals((await patch(checked, 0, "12")).status, 204);
    using _a = await hang(server, url, { offset: 0, bytes: "12345", length: 10 });
    const more = "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n";
    using _b = await hang(server, checked, { offset: 2, bytes: "3456", length: 8, more });
    await received(dir.path, url, 5);
    await received(dir.path, checked, 6);
    await server.stop("SIGKILL");
  }
  await using server = await serve(dir.path, ["--writable"]);
  const at = (old: string) => server.url + new URL(old).pathname;
  assertEquals([await offsetOf(at(url)), await offsetOf(at(checked))], [5, 2]);
  assertEquals((await patch(at(url), 5, "67890")).status, 204);
  assertEquals((await patch(at(checked), 2, "34567890")).status, 204);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "1234567890");
  assertEquals(Deno.readTextFileSync(dir.at("b")), "1234567890");
  assertEquals(await offsetOf(at(url)), 10);
});

Deno.test("tus: all bytes are there when a server is killed: the file is placed when its client asks", async () => {
  using dir = tempDir();
  let url: string;
  {
    await using server = await serve(dir.path, ["--writable"]);
    url = await create(server.url, "a", 5);
    // The last byte never comes to this server, but to its disk: as if it had died right after writing it.
    assertEquals((await patch(url, 0, "1234")).status, 204);
    await server.stop("SIGKILL");
  }
  const id = url.slice(url.lastIndexOf("/") + 1);
  const [owner] = Deno.readDirSync(dir.at(".ferry/tus"));
  Deno.writeTextFileSync(dir.at(`.ferry/tus/${owner.name}/${id}`), "5", { append: true });
  await using server = await serve(dir.path, ["--writable"]);
  assertEquals(await offsetOf(server.url + new URL(url).pathname), 5);
  assertEquals(Deno.readTextFileSync(dir.at("a")), "12345");
});

Deno.test("tus: a creation whose body breaks off leaves nothing, since nobody knows its name", async () => {
  using dir = tempDir();
  await using server = await serve(dir.path, ["--writable"]);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const head = `POST /.ferry/tus/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: ${TUS["tus-resumable"]}\r\n` +
    `Content-Type: ${PIECE["content-type"]}\r\nUpload-Length: 10\r\nUpload-Metadata: filename YQ==\r\n` +
    "Content-Length: 10\r\n\r\n12345";
  await connection.write(new TextEncoder().encode(head));
  const isThere = () => [...Deno.readDirSync(dir.path)].length > 0;
  const wait = async (wanted: boolean) => {
    for (let i = 0; i < 500 && isThere() !== wanted; i++) await new Promise((ok) => setTimeout(ok, 10));
    assert(isThere() === wanted);
  };
  await wait(true);
  connection.close();
  await wait(false);
});
