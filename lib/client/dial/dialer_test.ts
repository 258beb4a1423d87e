import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ErrorCode } from "../../core/errors.ts";
import { FetchError } from "../fetch_error.ts";
import { Dialer, type DialOptions } from "./dialer.ts";

const { signal: NEVER } = new AbortController();

async function failure(url: string, options: DialOptions = {}): Promise<FetchError> {
  const dialer = new Dialer(options);
  return await assertRejects(() => dialer.dial(new URL(url), NEVER), FetchError);
}

Deno.test("Dialer.dial() connects by name, address and socket", async () => {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/socket`;
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const unix = Deno.listen({ transport: "unix", path });
  const cases: [string, DialOptions, Deno.Listener][] = [
    [`http://localhost:${tcp.addr.port}/`, {}, tcp],
    [`http://127.0.0.1:${tcp.addr.port}/`, { connectTimeout: 10_000 }, tcp],
    ["http://nowhere.invalid/", { unix: path }, unix],
  ];
  for (const [url, options, listener] of cases) {
    const dialer = new Dialer(options);
    const [{ conn, form }, near] = await Promise.all([dialer.dial(new URL(url), NEVER), listener.accept()]);
    await conn.write(new TextEncoder().encode("hello"));
    const buffer = new Uint8Array(10);
    assertEquals([form, await near.read(buffer)], ["origin", 5]);
    conn.close();
    assertEquals(await near.read(buffer), null);
    near.close();
  }
  tcp.close();
  unix.close();
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("Dialer.dial() says why there is no connection, naming the host, and that nothing was sent", async () => {
  // Servers that are no TLS, break off in the handshake, or say nothing in it.
  const open: Deno.Conn[] = [];
  const server = (answer: string | null) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    (async () => {
      for await (const conn of listener) {
        open.push(conn);
        if (answer === null) continue;
        await conn.read(new Uint8Array(2000));
        await conn.write(new TextEncoder().encode(answer));
        conn.close();
      }
    })();
    return listener;
  };
  const [plain, rude, silent] = [server("HTTP/1.1 400 Bad Request\r\n\r\n"), server(""), server(null)];
  const cases: [ErrorCode, string, string, DialOptions, string][] = [
    ["host_not_found", "http:", "nowhere.invalid", {}, "host not found"],
    ["no_connection", "http:", "localhost:1", {}, "refused"],
    ["no_connection", "http:", "x", { unix: "/nowhere/socket" }, "no such socket"],
    ["tls_handshake", "https:", `127.0.0.1:${plain.addr.port}`, {}, "http://"],
    ["tls_handshake", "https:", `localhost:${rude.addr.port}`, {}, "closed the connection"],
    ["timeout", "https:", `localhost:${silent.addr.port}`, {
      connectTimeout: 50,
      timeoutFlag: "--connect-timeout",
    }, "--connect-timeout"],
  ];
  for (const [code, scheme, host, options, part] of cases) {
    const error = await failure(`${scheme}//${host}/secret?key=1`, options);
    assertEquals([error.code, error.facts.sent], [code, false], error.message);
    assertStringIncludes(error.message, part);
    assertStringIncludes(error.message, options.unix ?? host);
    assert(!error.message.includes("secret"));
  }
  for (const listener of [plain, rude, silent]) listener.close();
  for (const conn of open.slice(-1)) conn.close();
});

Deno.test("Dialer.dial() gives up with the reason of its signal and leaves nothing open", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialer = new Dialer();
  const controller = new AbortController();
  const dialing = dialer.dial(new URL(`https://localhost:${silent.addr.port}/`), controller.signal);
  const near = await silent.accept();
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => dialing), reason);
  const buffer = new Uint8Array(1000);
  // The beginning of its handshake, and then the end.
  while (await near.read(buffer).catch(() => null) !== null);
  near.close();
  assertEquals(
    await assertRejects(() => dialer.dial(new URL("http://localhost/"), controller.signal)),
    reason,
  );
  silent.close();
});

Deno.test("Dialer takes a socket that is gone for one that comes back, once it has been there", async () => {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/socket`;
  const dialer = new Dialer({ unix: path });
  const url = new URL("http://x/");
  const failure = () =>
    dialer.dial(url, new AbortController().signal).then(() => null, (error: FetchError) => error.facts);
  assertEquals(await failure(), { transient: false, sent: false });
  const server = Deno.listen({ transport: "unix", path });
  const accepted = server.accept();
  (await dialer.dial(url, new AbortController().signal)).conn.close();
  (await accepted).close();
  server.close();
  // The runtime may have removed it with the listener.
  await Deno.remove(path).catch(() => {});
  assertEquals(await failure(), { transient: true, sent: false });
  Deno.removeSync(dir, { recursive: true });
});
