/** The TLS 1.2 handshake of our own, for pinned certificates that the runtime takes from no server. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "fast-check";
import { installed } from "./programs.ts";
import { type Flight, serverFlight } from "./tls_flight.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./tls_server.ts";
import { makeSelfSigned } from "../lib/server/tls/self_signed.ts";
import { type Connection, writeAll } from "../lib/client/dial/connection.ts";
import { agree } from "../lib/client/pin/tls12/key_agreement.ts";
import { certificateKey } from "../lib/client/pin/tls12/certificate_key.ts";
import { certificateNames, isNamed } from "../lib/client/pin/tls12/certificate_names.ts";
import { handshake, WrongServer } from "../lib/client/pin/tls12/handshake.ts";
import { usageObjection } from "../lib/client/pin/tls12/certificate_usage.ts";
import { BrokenTls, Protection, RecordReader } from "../lib/client/pin/tls12/records.ts";
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

/** `plain`, of whose bytes the one at `index` comes changed; it ends where nothing comes for a while after that. */
function changing(plain: Deno.Conn, index: number): Connection {
  let at = 0;
  return {
    async read(buffer) {
      let timer;
      const late = new Promise<null>((resolve) => {
        if (at > index) timer = setTimeout(resolve, 300, null);
      });
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
    ["host.example.", true],
    ["a.wild.example.", true],
    ["x.com.", false],
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

/** Begins a handshake as a server with CERTIFICATE, with `wish` in it, and tells whether the client went on. */
async function goesOn(wish: Flight): Promise<boolean | string> {
  const flights: Uint8Array[] = [];
  let writes = 0;
  const conn: Connection = {
    read(buffer) {
      const bytes = flights.shift();
      if (bytes === undefined) return Promise.resolve(null);
      buffer.set(bytes);
      return Promise.resolve(bytes.length);
    },
    write(bytes) {
      if (writes++ === 0) flights.push(serverFlight(bytes, { cert: CERTIFICATE, key: KEY }, wish));
      return Promise.resolve(bytes.length);
    },
    close() {},
  };
  const error = await assertRejects(() => handshake(conn, any), BrokenTls);
  return writes > 1 ? true : error.message;
}

Deno.test("handshake() breaks off when the server's part is none that was asked for, before any key is shared", async () => {
  const safe = [255, 1, 0, 1, 0];
  const offered = "it chose what was not offered";
  const share = "its share of the key is none";
  const cases: [wish: Flight, outcome: true | string][] = [
    [{}, true],
    [{ extensions: [...safe, 0, 23, 0, 0, 0, 11, 0, 2, 1, 0] }, true],
    [{ extensions: [...safe, 0, 16, 0, 11, 0, 9, 8, ...new TextEncoder().encode("http/1.1")] }, true],
    [{ extensions: [...safe, 0, 16, 0, 5, 0, 3, 2, 104, 50] }, offered],
    [{ extensions: [...safe, ...safe] }, offered],
    [{ extensions: [...safe, 0, 35, 0, 0] }, offered],
    [{ extensions: [255, 1, 0, 2, 1, 7] }, "it takes the handshake for a second one"],
    [{ extensions: [] }, "it knows no secure renegotiation (RFC 5746)"],
    [{ session: 33 }, "its handshake has more than belongs there"],
    [{ suite: 0xc02f }, offered],
    [{ suite: 0x002f }, offered],
    [{ group: 0x19, point: new Uint8Array(133).fill(4) }, offered],
    [{ group: 0x18, point: new Uint8Array(97).fill(4) }, share],
    [{ point: new Uint8Array(32) }, share],
    [{ point: new Uint8Array(31).fill(9) }, share],
    [{ point: new Uint8Array() }, share],
    [{ group: 0x17, point: new Uint8Array(65).fill(4) }, share],
    [{ empty: true }, "its handshake is out of order"],
    [{ forged: true }, "it does not have the key of its certificate"],
  ];
  for (const [wish, outcome] of cases) {
    const told = JSON.stringify(wish);
    assertEquals([told, await goesOn(wish)], [told, outcome]);
  }
});

Deno.test("agree() takes the one form of a share that was offered, and comes to what the other side has", async () => {
  for (const [group, namedCurve, bytes] of [[0x17, "P-256", 32], [0x18, "P-384", 48]] as const) {
    const curve = { name: "ECDH", namedCurve };
    const pair = await crypto.subtle.generateKey(curve, true, ["deriveBits"]);
    const whole = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    const agreement = (await agree(group, whole))!;
    const theirs = await crypto.subtle.importKey("raw", agreement.point, curve, true, []);
    const secret = await crypto.subtle.deriveBits(
      { name: "ECDH", public: theirs },
      pair.privateKey,
      8 * bytes,
    );
    assertEquals(agreement.secret, new Uint8Array(secret));
    const last = 2 * bytes;
    const short = Uint8Array.of(2 + (whole[last] & 1), ...whole.subarray(1, 1 + bytes));
    for (const share of [short, whole.with(0, 2), whole.with(last, whole[last] ^ 1), Uint8Array.of(0)]) {
      assertEquals(await agree(group, share), null);
    }
  }
});

Deno.test("SecuredConnection tells an end without close_notify from a real one, wherever it comes", async () => {
  await using server = echo({ cert: CERTIFICATE, key: KEY });
  // The answer is a record of 5 + 8 + 4 + 16 bytes.
  for (const kept of [0, 3, 20, 32, 33]) {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    let left = Infinity;
    const cut: Connection = {
      async read(buffer) {
        if (left === 0) return null;
        const count = await plain.read(buffer.subarray(0, Math.min(left, buffer.length)));
        left -= count ?? 0;
        return count;
      },
      write: (bytes) => plain.write(bytes),
      close: () => plain.close(),
    };
    const conn = new SecuredConnection(cut, await handshake(cut, any));
    left = kept;
    await writeAll(conn, new TextEncoder().encode("data"));
    const buffer = new Uint8Array(10);
    if (kept === 33) assertEquals(await conn.read(buffer), 4);
    await assertRejects(() => conn.read(buffer), Deno.errors.UnexpectedEof);
    conn.close();
  }
});

Deno.test("SecuredConnection does not take records without end that hold nothing", async () => {
  const secret = new Uint8Array(16), salt = new Uint8Array(4);
  const [read, write, sender] = await Promise.all([1, 2, 3].map(() => Protection.of(secret, salt)));
  const conn: Connection = {
    async read(buffer) {
      const record = await sender.seal(23, new Uint8Array());
      buffer.set(record);
      return record.length;
    },
    write: (bytes) => Promise.resolve(bytes.length),
    close() {},
  };
  const secured = new SecuredConnection(conn, { records: new RecordReader(conn), read, write });
  await assertRejects(() => secured.read(new Uint8Array(1)), BrokenTls, "hold nothing");
});

Deno.test({
  name: "certificateKey() and usageObjection() take what the runtime and OpenSSL would take of a server",
  ignore: !installed("openssl"),
  async fn() {
    const made = async (...more: string[]) => {
      const args = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=x",
      ];
      const { stdout, success } = await new Deno.Command("openssl", { args: [...args, ...more] }).output();
      assert(success);
      return bytesOf(new TextDecoder().decode(stdout));
    };
    const cases: [extension: string, objection: RegExp | null][] = [
      ["keyUsage=critical,digitalSignature,keyCertSign", null],
      ["extendedKeyUsage=clientAuth,serverAuth", null],
      ["nameConstraints=critical,permitted;DNS:example", null],
      ["certificatePolicies=1.2.3.4", null],
      ["1.2.3.4=DER:0500", null],
      ["keyUsage=critical,keyCertSign,cRLSign", /digitalSignature/],
      ["extendedKeyUsage=clientAuth", /serverAuth/],
      ["1.2.3.4=critical,DER:0500", /1\.2\.3\.4/],
      ["keyUsage=DER:0500", /damaged/],
    ];
    for (const [extension, objection] of cases) {
      const found = usageObjection(await made("-addext", extension));
      if (objection === null) assertEquals([extension, found], [extension, null]);
      else assertMatch(`${found}`, objection);
    }
    assertEquals(certificateKey(await made())?.kind, "rsa");
    assertEquals(certificateKey(await made("-newkey", "rsa:1024")), null);
    // One that is there and cannot be read does not make way for the common name.
    const damaged = await made("-addext", "subjectAltName=DER:3003820561");
    assertEquals(certificateNames(damaged), { hosts: [], addresses: [] });
  },
});
