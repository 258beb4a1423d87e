import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";
import { openTunnel } from "./http_tunnel.ts";
import { type Proxy, proxyFor } from "./proxy.ts";
import { openSocks } from "./socks5.ts";

/** The other side says `answer`, in pieces of `step` bytes, and then nothing more. */
class Scripted implements Connection {
  readonly sent: number[] = [];
  #at = 0;

  constructor(readonly answer: Uint8Array, readonly step: number) {}

  read(buffer: Uint8Array): Promise<number | null> {
    const piece = this.answer.subarray(this.#at, this.#at + Math.min(this.step, buffer.length));
    buffer.set(piece);
    this.#at += piece.length;
    return Promise.resolve(piece.length === 0 ? null : piece.length);
  }

  /** Takes a part only, as a connection may. */
  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, this.step);
    this.sent.push(...part);
    return Promise.resolve(part.length);
  }

  close(): void {}

  /** What was not read. */
  get rest(): number {
    return this.answer.length - this.#at;
  }
}

function proxy(value: string): Proxy {
  return proxyFor(new URL("https://h/"), (name) => ({ https_proxy: value })[name])!;
}

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const step = fc.integer({ min: 1, max: 40 });
const END = { hostname: "host.example", port: 443 };

Deno.test("openTunnel() asks with the user of the proxy, and reads answers in any pieces", async () => {
  await fc.assert(fc.asyncProperty(step, async (step) => {
    const conn = new Scripted(latin1("HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n"), step);
    await openTunnel(conn, proxy("http://u:p@proxy:1"), "host.example:443");
    const sent = String.fromCharCode(...conn.sent);
    assert(sent.startsWith("CONNECT host.example:443 HTTP/1.1\r\nhost: host.example:443\r\n"), sent);
    assert(sent.includes(`\r\nproxy-authorization: Basic ${btoa("u:p")}\r\n`) && sent.endsWith("\r\n\r\n"));
  }));
});

Deno.test("openTunnel() says what a proxy answered, and shows no password", async () => {
  const cases: [answer: string, exit: string, transient: boolean, part: string][] = [
    ["HTTP/1.1 407 Who?\r\n\r\n", "unauthorized", false, "does not accept the user"],
    ["HTTP/1.0 403 Filtered\x1b[2J\r\n\r\nno", "no_connection", false, "403 Filtered\\x1b[2J"],
    ["HTTP/1.1 502\r\n\r\n", "no_connection", true, "502"],
    ["HTTP/1.1 200 OK\r\n\r\nextra", "no_connection", false, "bytes of its own"],
    ["SSH-2.0-OpenSSH\r\n\r\n", "no_connection", false, "did not answer in HTTP"],
    ["HTTP/1.1 200 OK\r\n", "no_connection", true, "closed the connection"],
    ["", "no_connection", true, "closed the connection"],
    ["HTTP/1.1 200 OK\r\n" + "a: b\r\n".repeat(20_000), "no_connection", false, "more headers"],
  ];
  for (const [answer, code, transient, part] of cases) {
    // What comes later than the head is for TLS to refuse.
    for (const step of part === "bytes of its own" || answer.length > 1000 ? [5000] : [1, 7, 1000]) {
      const conn = new Scripted(latin1(answer), step);
      const error = await assertRejects(
        () => openTunnel(conn, proxy("http://u:geheim@proxy:1"), "host.example:443"),
        FerryError,
        part,
      );
      const { facts } = error as { facts?: unknown };
      assertEquals([error.code, facts], [code, { transient, sent: false }] as unknown[], error.message);
      assert(error.message.includes("proxy:1 (https_proxy)") && !error.message.includes("geheim"));
    }
  }
  const open = new Scripted(latin1("HTTP/1.1 407 Who?\r\n\r\n"), 100);
  await assertRejects(
    () => openTunnel(open, proxy("http://proxy:1"), "host.example:443"),
    FerryError,
    "https_proxy=http://USER:PASSWORD@proxy:1",
  );
});

Deno.test("openSocks() speaks RFC 1928 and 1929, and reads not a byte too many", async () => {
  const name = [3, 12, ...latin1("host.example"), 1, 187];
  const cases: [value: string, hostname: string, answer: number[], sent: number[]][] = [
    ["socks5h://p", "host.example", [5, 0, 5, 0, 0, 1, 9, 9, 9, 9, 0, 1], [5, 1, 0, 5, 1, 0, ...name]],
    ["socks5h://p", "192.0.2.1", [5, 0, 5, 0, 0, 4, ...Array(18).fill(7)], [
      5,
      1,
      0,
      5,
      1,
      0,
      1,
      192,
      0,
      2,
      1,
      1,
      187,
    ]],
    ["socks5://p", "::1", [5, 0, 5, 0, 0, 3, 2, 65, 66, 0, 1], [
      5,
      1,
      0,
      5,
      1,
      0,
      4,
      ...Array(15).fill(0),
      1,
      1,
      187,
    ]],
    [
      "socks5h://us:pass@p",
      "host.example",
      [5, 2, 1, 0, 5, 0, 0, 1, 9, 9, 9, 9, 0, 1],
      [5, 2, 0, 2, 1, 2, ...latin1("us"), 4, ...latin1("pass"), 5, 1, 0, ...name],
    ],
    ["socks5h://us:pass@p", "host.example", [5, 0, 5, 0, 0, 1, 9, 9, 9, 9, 0, 1], [
      5,
      2,
      0,
      2,
      5,
      1,
      0,
      ...name,
    ]],
  ];
  for (const [value, hostname, answer, sent] of cases) {
    await fc.assert(
      fc.asyncProperty(step, async (step) => {
        const conn = new Scripted(Uint8Array.from([...answer, ...latin1("the host's")]), step);
        await openSocks(conn, proxy(value), { hostname, port: 443 });
        assertEquals([conn.sent, conn.rest], [sent, 10]);
      }),
      { numRuns: 20 },
    );
  }
});

Deno.test("openSocks() says what went wrong, naming the proxy and the host", async () => {
  const user = "socks5h://u:geheim@p:9";
  const cases: [value: string, answer: number[], code: string, part: string][] = [
    ["socks5h://p:9", [5, 255], "unauthorized", "wants a user and a password"],
    ["socks5h://p:9", [5, 2], "unauthorized", "wants a user and a password"],
    [user, [5, 2, 1, 1], "unauthorized", "does not accept"],
    [user, [5, 255], "unauthorized", "does not accept"],
    ["socks5h://u:@p:9", [5, 2], "usage", "1 to 255 bytes"],
    [`socks5h://u:${"a".repeat(256)}@p:9`, [5, 2], "usage", "1 to 255 bytes"],
    [
      user,
      [5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
      "no_connection",
      "host.example port 443: connection refused",
    ],
    [user, [5, 0, 5, 2, 0, 1], "no_connection", "rules"],
    [user, [5, 0, 5, 99, 0, 1], "no_connection", "it failed"],
    [user, [5, 0, 5, 0, 0, 9], "no_connection", "does not speak SOCKS 5"],
    [user, [72, 84], "no_connection", "does not speak SOCKS 5"],
    [user, [5, 0, 5, 0, 0, 1, 1], "no_connection", "closed the connection"],
    [user, [], "no_connection", "closed the connection"],
  ];
  for (const [value, answer, code, part] of cases) {
    const conn = new Scripted(Uint8Array.from(answer), 3);
    const error = await assertRejects(() => openSocks(conn, proxy(value), END), FerryError, part);
    assertEquals(error.code, code, error.message);
    assert(error.message.includes("https_proxy") && !error.message.includes("geheim"), error.message);
  }
});
