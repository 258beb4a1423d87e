/** A tunnel through an HTTP proxy: CONNECT, RFC 9110 section 9.3.6. */
import { quote } from "../../core/errors.ts";
import { VERSION } from "../../core/version.ts";
import { authorization } from "../credentials/credentials.ts";
import { FetchError } from "../fetch_error.ts";
import { type Connection, writeAll } from "./connection.ts";
import { type Proxy, proxyName } from "./proxy.ts";

/** The most that a proxy's answer may take. */
const MAX_HEAD = 64 * 1024;

/** The header that says who is asking `proxy`, none when it wants to know nobody. */
export function proxyHeaders({ user }: Proxy): [name: string, value: string][] {
  const value = authorization(user, undefined);
  return value === null ? [] : [["proxy-authorization", value]];
}

/**
 * Has `proxy`, at the other end of `conn`, connect to `host` (with its port). Throws `unauthorized` when it wants another
 * user, and `no_connection`, transient as its status is.
 */
export async function openTunnel(conn: Connection, proxy: Proxy, host: string): Promise<void> {
  const lines = [
    `CONNECT ${host} HTTP/1.1`,
    `host: ${host}`,
    ...proxyHeaders(proxy).map(([name, value]) => `${name}: ${value}`),
    `user-agent: ferry/${VERSION}`,
  ];
  await writeAll(conn, new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
  const { status, reason } = parseStatusLine(await readHead(conn, proxy), proxy);
  if (status >= 200 && status < 300) return;
  const told = `${status}${reason === "" ? "" : " " + quote(reason)}`;
  if (status === 407) throw needsUser(proxy, told);
  throw failed(`${proxyName(proxy)} does not connect to ${host}: ${told}`, status >= 500);
}

/** That `proxy` wants a user and a password, or others than it was given; `told` is what it said. */
export function needsUser(proxy: Proxy, told: string): FetchError {
  const wish = proxy.user === undefined
    ? `wants a user and a password; write ${proxy.variable}=${proxy.url.protocol}//USER:PASSWORD@${
      quote(proxy.url.host)
    }`
    : "does not accept the user and the password that the variable gives";
  return new FetchError("unauthorized", `${proxyName(proxy)} ${wish} (${told})`, {
    transient: false,
    sent: false,
  });
}

/** The head of an answer without the empty line. Nothing may follow it: the host speaks only when it is spoken to. */
async function readHead(conn: Connection, proxy: Proxy): Promise<string> {
  const buffer = new Uint8Array(MAX_HEAD);
  for (let length = 0; length < buffer.length;) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) throw failed(`${proxyName(proxy)} closed the connection before it answered`, true);
    length += count;
    const text = String.fromCharCode(...buffer.subarray(Math.max(0, length - count - 3), length));
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) continue;
    const head = new TextDecoder("latin1").decode(buffer.subarray(0, length));
    // A refusal may have a body, which nobody reads.
    if (end + 4 < text.length && /^HTTP\/1\.\d 2/.test(head)) {
      throw failed(`${proxyName(proxy)} sent bytes of its own into the tunnel`, false);
    }
    return head.slice(0, head.indexOf("\r\n\r\n"));
  }
  throw failed(`${proxyName(proxy)} sent more headers than are accepted`, false);
}

function parseStatusLine(head: string, proxy: Proxy): { status: number; reason: string } {
  const match = /^HTTP\/1\.\d (\d{3})(?: ([^\r\n]*))?(?:\r\n|$)/.exec(head);
  if (match === null) throw failed(`${proxyName(proxy)} did not answer in HTTP`, false);
  return { status: Number(match[1]), reason: (match[2] ?? "").slice(0, 100) };
}

function failed(message: string, transient: boolean): FetchError {
  return new FetchError("no_connection", message, { transient, sent: false });
}
