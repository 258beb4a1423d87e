/** Deadlines and limits of `ferry serve` on connections that the guard cannot read: TLS and HTTP/2. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { serve, type Server, tempDir } from "./harness.ts";

const encoder = new TextEncoder();

/** All that comes until the server ends the connection, which it has to. */
async function rest(connection: Deno.Conn): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the server did not end the connection")), 15_000);
  });
  // Without a farewell of TLS, to some.
  const text = new Response(connection.readable).text().catch((error) => {
    if (error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset) return "";
    throw error;
  });
  return await Promise.race([text, late]).finally(() => clearTimeout(timer));
}

/** A server with TLS, and the certificate that it made. */
async function secure(dir: string, args: string[]): Promise<{ server: Server; caCerts: string[] }> {
  const state = `${dir}/state`;
  const server = await serve(`${dir}/share`, ["--tls-self-signed", "--state-dir", state, ...args]);
  const find = (path: string): string[] =>
    [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) =>
      isDirectory ? find(`${path}/${name}`) : [`${path}/${name}`]
    );
  const texts = find(state).filter((path) => !path.endsWith(".db")).map((path) =>
    Deno.readTextFileSync(path)
  );
  return { server, caCerts: texts.filter((text) => text.includes("BEGIN CERTIFICATE")) };
}

/** Asks on a session of HTTP/2, and gives the status and the body. */
function ask(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; etag: string; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ...headers });
    let status = 0, etag = "", body = "";
    stream.setEncoding("utf8");
    stream.on("response", (answer) => {
      status = Number(answer[":status"]);
      etag = String(answer.etag ?? "");
    });
    stream.on("data", (text: string) => body += text);
    stream.on("end", () => resolve({ status, etag, body }));
    stream.on("error", reject);
    stream.end();
  });
}

Deno.test("serve ends TLS connections whose handshake or head does not come, and goes on with others", async () => {
  using dir = tempDir({ "share/file": "content" });
  const { server, caCerts } = await secure(dir.path, ["--header-timeout", "1s"]);
  await using _ = server;
  const port = server.port;
  const silent = await Deno.connect({ hostname: "127.0.0.1", port });
  const half = await Deno.connect({ hostname: "127.0.0.1", port });
  await half.write(new Uint8Array([22, 3, 1, 2, 0, 1]));
  const slow = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  const kept = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  const drip = setInterval(() => slow.write(encoder.encode("x")).catch(() => {}), 50);
  await kept.write(encoder.encode("GET /file HTTP/1.1\r\nHost: x\r\n\r\n"));
  assertEquals(await Promise.all([silent, half, slow].map(rest)), ["", "", ""]);
  clearInterval(drip);
  await kept.write(encoder.encode("GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  assertMatch(await rest(kept), /content[^]*HTTP\/1.1 200 [^]*content$/);
});

Deno.test("serve --max-connections answers 503 over TLS too", async () => {
  using dir = tempDir({ "share/file": "content" });
  const { server, caCerts } = await secure(dir.path, ["--max-connections", "2"]);
  await using _ = server;
  const open = () => Deno.connectTls({ hostname: "localhost", port: server.port, caCerts });
  const kept = [await open(), await open()];
  for (const each of kept) {
    await each.write(encoder.encode("GET /file HTTP/1.1\r\nHost: x\r\n\r\n"));
    await each.read(new Uint8Array(4096));
  }
  let answer = "";
  for (let i = 0; i < 100 && !answer.includes(" 503 "); i++) {
    const next = await open();
    await next.write(encoder.encode("GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    answer = await rest(next);
  }
  assertMatch(answer, /^HTTP\/1.1 503 [^]*retry-after: \d/i);
  for (const each of kept) each.close();
});

Deno.test("serve keeps a connection of HTTP/2 while one of its requests is under way, and ends it when it idles", async () => {
  using dir = tempDir({ file: "content" });
  await using server = await serve(dir.path, [
    "--idle-timeout",
    "300ms",
    "--header-timeout",
    "1s",
    "--writable",
  ]);
  const session = connectHttp2(server.url);
  const closed = new Promise<void>((resolve) => session.on("close", resolve));
  const path = "/.ferry/v1/head";
  let etag = "";
  while (etag === "") ({ etag } = await ask(session, path));
  const poll = ask(session, `${path}?wait=60`, { "if-none-match": etag });
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    assertEquals((await ask(session, "/file")).body, "content");
  }
  await new Promise((resolve) => setTimeout(resolve, 900));
  assert(!session.closed);
  await fetch(`${server.url}/new`, { method: "PUT", body: "new" });
  assertEquals((await poll).status, 200);
  await closed;
});
