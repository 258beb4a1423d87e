/** A tunnel through a SOCKS 5 proxy: RFC 1928, with user and password by RFC 1929. */
import { FerryError } from "../../core/errors.ts";
import { FetchError } from "../fetch_error.ts";
import { addressBytes } from "../../http/address.ts";
import { type Connection, writeAll } from "./connection.ts";
import type { End } from "./end.ts";
import { needsUser } from "./http_tunnel.ts";
import { type Proxy, proxyName } from "./proxy.ts";

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const CONNECT = 1;
const [IPV4, NAME, IPV6] = [1, 3, 4];

/** By the number of the reply; the first is for all others. */
const REPLIES = [
  "it failed",
  "it failed",
  "its rules do not allow it",
  "the network is not reachable",
  "the host is not reachable",
  "connection refused",
  "it took too long",
  "it knows no CONNECT",
  "it does not take this kind of address",
];
/** A moment later it may go well. */
const TRANSIENT = [1, 3, 4, 5, 6];

/**
 * Has `proxy`, at the other end of `conn`, connect to `end`, by name when that is one. Throws `unauthorized` when it wants
 * another user, `no_connection`, and `usage` for a user or name that the protocol cannot carry.
 */
export async function openSocks(conn: Connection, proxy: Proxy, end: End): Promise<void> {
  const { user } = proxy;
  const target = addressOf(end, proxy);
  const methods = user === undefined ? [NO_AUTHENTICATION] : [NO_AUTHENTICATION, USER_AND_PASSWORD];
  await writeAll(conn, Uint8Array.of(VERSION, methods.length, ...methods));
  const [version, method] = await read(conn, 2, proxy);
  if (version !== VERSION) throw failed(`${proxyName(proxy)} does not speak SOCKS 5`, false);
  if (method === USER_AND_PASSWORD && user !== undefined) await authenticate(conn, proxy, user);
  else if (method !== NO_AUTHENTICATION) throw needsUser(proxy, "SOCKS 5");
  await writeAll(conn, Uint8Array.of(VERSION, CONNECT, 0, ...target, end.port >> 8, end.port & 0xff));
  const [, reply, , kind] = await read(conn, 4, proxy);
  if (reply !== 0) {
    const why = REPLIES[reply] ?? REPLIES[0];
    throw failed(
      `${proxyName(proxy)} does not connect to ${end.hostname} port ${end.port}: ${why}`,
      TRANSIENT.includes(reply),
    );
  }
  // The address that it connected from, which is of no use here, and its port.
  const length = kind === IPV4
    ? 4
    : kind === IPV6
    ? 16
    : kind === NAME
    ? (await read(conn, 1, proxy))[0]
    : -1;
  if (length === -1) throw failed(`${proxyName(proxy)} does not speak SOCKS 5`, false);
  await read(conn, length + 2, proxy);
}

async function authenticate(conn: Connection, proxy: Proxy, user: string): Promise<void> {
  const colon = user.indexOf(":");
  const fields = [user.slice(0, colon), user.slice(colon + 1)].map((text) => new TextEncoder().encode(text));
  if (fields.some(({ length }) => length === 0 || length > 255)) {
    throw new FerryError(
      "usage",
      `the environment variable ${proxy.variable}: a SOCKS proxy takes users and passwords of 1 to 255 bytes`,
    );
  }
  await writeAll(conn, Uint8Array.of(1, ...fields.flatMap((field) => [field.length, ...field])));
  const [, status] = await read(conn, 2, proxy);
  if (status !== 0) throw needsUser(proxy, "SOCKS 5");
}

/** The kind of address, and the address or name. */
function addressOf({ hostname }: End, proxy: Proxy): number[] {
  const bytes = addressBytes(hostname);
  if (bytes !== null) return [bytes.length === 4 ? IPV4 : IPV6, ...bytes];
  const name = new TextEncoder().encode(hostname);
  if (name.length > 255) throw failed(`${proxyName(proxy)}: a host's name has at most 255 bytes`, false);
  return [NAME, name.length, ...name];
}

/** Exactly so many bytes: what follows belongs to the host. */
async function read(conn: Connection, length: number, proxy: Proxy): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await conn.read(buffer.subarray(at));
    if (count === null) throw failed(`${proxyName(proxy)} closed the connection before it answered`, true);
    at += count;
  }
  return buffer;
}

function failed(message: string, transient: boolean): FetchError {
  return new FetchError("no_connection", message, { transient, sent: false });
}
