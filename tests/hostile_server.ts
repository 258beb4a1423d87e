/** A small raw TCP server that misbehaves on order: the tests write its answers byte by byte. */
import { joined } from "../lib/core/joined.ts";

/** One request as it came. */
export interface Visit {
  /** 0 for the first request that this server got. */
  index: number;
  method: string;
  /** The request target as it stood on the line. */
  target: string;
  headers: Headers;
  body: Uint8Array;
  /** Sends text (one byte a character) or bytes; a client that has gone is no error. */
  send(data: string | Uint8Array): Promise<void>;
  /** Sends a head of these lines. */
  head(...lines: string[]): Promise<void>;
  /** Sends a whole answer with its length. */
  answer(status: string, body?: string, ...headers: string[]): Promise<void>;
}

/** What the server does with a request; the connection is closed afterwards. */
export type Behaviour = (visit: Visit) => Promise<void>;

export interface Hostile extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
  port: number;
  /** Every request so far. */
  visits: Visit[];
}

/** Starts a server on a free port; `await using` ends it and its connections. */
export function hostile(behaviour: Behaviour): Hostile {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const visits: Visit[] = [];
  const open = new Set<Deno.Conn>();
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serve(connection, visits, behaviour).catch(() => {}).finally(() => {
        open.delete(connection);
        close(connection);
      });
    }
  })().catch(() => {});
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    visits,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await accepting;
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}

async function serve(connection: Deno.Conn, visits: Visit[], behaviour: Behaviour): Promise<void> {
  const request = await readRequest(connection);
  if (request === null) return;
  const send = async (data: string | Uint8Array) => {
    let bytes = typeof data === "string" ? Uint8Array.from(data, (c) => c.charCodeAt(0)) : data;
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
    } catch {
      // The client has seen enough.
    }
  };
  const head = (...lines: string[]) => send(lines.join("\r\n") + "\r\n\r\n");
  const answer = async (status: string, body = "", ...headers: string[]) => {
    await head(`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, "Connection: close", ...headers);
    if (request.method !== "HEAD") await send(body);
  };
  const visit: Visit = { ...request, index: visits.length, send, head, answer };
  visits.push(visit);
  await behaviour(visit);
}

async function readRequest(connection: Deno.Conn) {
  let data = new Uint8Array(0);
  const more = async () => {
    const buffer = new Uint8Array(64 * 1024);
    const count = await connection.read(buffer);
    if (count === null) return false;
    const joined = new Uint8Array(data.length + count);
    joined.set(data);
    joined.set(buffer.subarray(0, count), data.length);
    data = joined;
    return true;
  };
  const latin = () => Array.from(data, (byte) => String.fromCharCode(byte)).join("");
  while (!latin().includes("\r\n\r\n")) if (!await more()) return null;
  const end = latin().indexOf("\r\n\r\n");
  const [line, ...lines] = latin().slice(0, end).split("\r\n");
  const headers = new Headers(
    lines.map((text): [string, string] => [
      text.slice(0, text.indexOf(":")),
      text.slice(text.indexOf(":") + 1).trim(),
    ]),
  );
  data = data.slice(end + 4);
  if (headers.get("expect") === "100-continue") {
    await connection.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  const [method, target] = line.split(" ");
  const length = Number(headers.get("content-length") ?? 0);
  if (headers.get("transfer-encoding") === "chunked") {
    while (!latin().endsWith("0\r\n\r\n")) if (!await more()) break;
    return { method, target, headers, body: unchunk(data) };
  }
  while (data.length < length) if (!await more()) break;
  return { method, target, headers, body: data.subarray(0, length) };
}

function unchunk(data: Uint8Array): Uint8Array {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0;;) {
    const end = data.indexOf(13, at);
    const size = parseInt(new TextDecoder().decode(data.subarray(at, end)), 16);
    if (!(size > 0)) break;
    pieces.push(data.slice(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return joined(pieces);
}

/** Waits until the test is over or `ms` are: for a server that says nothing more. */
export function silence(ms = 20_000): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    Deno.unrefTimer(timer);
  });
}
