/** The TLS 1.2 handshake of our own, for pinned certificates that the runtime takes from no server. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { AUTHORITY, CERTIFICATE, KEY } from "./tls_server.ts";
import { makeSelfSigned } from "../lib/server/tls/self_signed.ts";
import { type Connection, writeAll } from "../lib/client/dial/connection.ts";
import { certificateNames, isNamed } from "../lib/client/pin/tls12/certificate_names.ts";
import { handshake, WrongServer } from "../lib/client/pin/tls12/handshake.ts";
import { BrokenTls } from "../lib/client/pin/tls12/records.ts";
import { SecuredConnection } from "../lib/client/pin/tls12/secured_connection.ts";

/** Sends back what comes, by the runtime's own TLS. */
function echo(pair: { cert: string; key: string }) {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair });
  const serving = (async () => {
    for await (const conn of listener) conn.readable.pipeTo(conn.writable).catch(() => {});
  })().catch(() => {});
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

const any = { name: "localhost", objection: () => null };

Deno.test("handshake() comes to a connection that carries any bytes both ways, and knows its end", async () => {
  for (const pair of [{ cert: CERTIFICATE, key: KEY }, await makeSelfSigned(["localhost"], { days: 2 })]) {
    await using server = echo(pair);
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const conn = new SecuredConnection(plain, await handshake(plain, any));
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    const sending = writeAll(conn, sent);
    const came = new Uint8Array(sent.length);
    for (let at = 0; at < came.length;) at += (await conn.read(came.subarray(at)))!;
    await sending;
    assertEquals(came, sent);
    await plain.closeWrite();
    // Whether it says goodbye or not, there is an end, and nothing made up.
    assertEquals(await conn.read(new Uint8Array(1)).catch(() => null), null);
    conn.close();
  }
});

/** `plain`, of whose bytes the one at `index` comes changed; it ends where nothing comes for a while. */
function changing(plain: Deno.Conn, index: number): Connection {
  let at = 0;
  return {
    async read(buffer) {
      let timer;
      const late = new Promise<null>((resolve) => timer = setTimeout(resolve, 300, null));
      const count = await Promise.race([plain.read(buffer), late]);
      clearTimeout(timer);
      if (count === null) return null;
      if (index >= at && index < at + count) buffer[index - at] ^= 1;
      at += count;
      return count;
    },
    write: (bytes) => plain.write(bytes),
    close: () => plain.close(),
  };
}

Deno.test("handshake() fails when any byte of the server's was changed on its way", async () => {
  await using server = echo({ cert: CERTIFICATE, key: KEY });
  const at = async (index: number) => {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    try {
      await handshake(changing(plain, index), any);
      return true;
    } catch (error) {
      assert(error instanceof BrokenTls, `${error}`);
      return false;
    } finally {
      plain.close();
    }
  };
  assertEquals(await at(Infinity), true);
  await fc.assert(
    fc.asyncProperty(fc.nat(650), async (index) => assertEquals([index, await at(index)], [index, false])),
    { numRuns: 60 },
  );
});

Deno.test("handshake() is not fooled by who has seen one and shows it again", async () => {
  await using server = echo({ cert: CERTIFICATE, key: KEY });
  const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const seen: Uint8Array[] = [];
  const recorded: Connection = {
    async read(buffer) {
      const count = await plain.read(buffer);
      if (count !== null) seen.push(buffer.slice(0, count));
      return count;
    },
    write: (bytes) => plain.write(bytes),
    close: () => plain.close(),
  };
  await handshake(recorded, any);
  plain.close();
  const replayed: Connection = {
    read(buffer) {
      const bytes = seen.shift();
      if (bytes === undefined) return Promise.resolve(null);
      buffer.set(bytes);
      return Promise.resolve(bytes.length);
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close() {},
  };
  await assertRejects(() => handshake(replayed, any), WrongServer, "does not have the key");
});

Deno.test("handshake() says nothing to a server with another certificate", async () => {
  await using server = echo({ cert: CERTIFICATE, key: KEY });
  const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  let writes = 0;
  const counted: Connection = {
    read: (buffer) => plain.read(buffer),
    write: (bytes) => (writes++, plain.write(bytes)),
    close: () => plain.close(),
  };
  await assertRejects(() => handshake(counted, { ...any, objection: () => "another one" }), WrongServer);
  assertEquals(writes, 1);
  plain.close();
});

const bytesOf = (pem: string) =>
  Uint8Array.from(atob(pem.replace(/-.*-|\n/g, "")), (character) => character.charCodeAt(0));

Deno.test("certificateNames() reads whom a certificate is for, and takes any bytes", async () => {
  assertEquals(certificateNames(bytesOf(CERTIFICATE)), { hosts: ["localhost"], addresses: [] });
  assertEquals(certificateNames(bytesOf(AUTHORITY)), null);
  const own = await makeSelfSigned(["localhost", "nas.example", "192.0.2.7"], { days: 2 });
  const names = certificateNames(bytesOf(own.cert))!;
  assertEquals([...names.addresses].map((address) => address.join(".")).includes("192.0.2.7"), true);
  const certificate = bytesOf(own.cert);
  fc.assert(fc.property(fc.nat(certificate.length - 1), fc.nat(255), (at, byte) => {
    certificateNames(certificate.slice(0, at));
    certificateNames(certificate.with(at, byte));
  }));
});

Deno.test("isNamed() knows names, one label for a star, and addresses", () => {
  const names = {
    hosts: ["host.example", "*.wild.example", "*.com"],
    addresses: [Uint8Array.of(192, 0, 2, 7)],
  };
  const cases: [hostname: string, is: boolean][] = [
    ["host.example", true],
    ["HOST.example", true],
    ["a.host.example", false],
    ["a.wild.example", true],
    ["wild.example", false],
    ["a.b.wild.example", false],
    ["x.com", false],
    ["192.0.2.7", true],
    ["192.0.2.8", false],
    ["::1", false],
    ["", false],
  ];
  for (const [hostname, is] of cases) assertEquals([hostname, isNamed(hostname, names)], [hostname, is]);
});

Deno.test("handshake() takes any bytes for what they are", async () => {
  const certificate = bytesOf(AUTHORITY);
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, framed) => {
    const all = framed
      ? Uint8Array.of(22, 3, 3, bytes.length >> 8, bytes.length & 255, ...bytes, ...certificate)
      : bytes;
    let at = 0;
    const conn: Connection = {
      read(buffer) {
        const piece = all.subarray(at, at + buffer.length);
        buffer.set(piece);
        at += piece.length;
        return Promise.resolve(piece.length === 0 ? null : piece.length);
      },
      write: (bytes) => Promise.resolve(bytes.length),
      close() {},
    };
    await assertRejects(() => handshake(conn, any), BrokenTls);
  }));
});
