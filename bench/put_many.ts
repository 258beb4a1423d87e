/** Many small PUTs over a few connections, sent as bytes that were made before: the client shall not be what is measured. */

/** Puts `files` new files of `bytes` bytes below the URL path `prefix` of the server at `url`; gives seconds. */
export async function putMany(
  url: string,
  prefix: string,
  load: { files: number; bytes: number; connections: number },
): Promise<number> {
  const { host, hostname, port } = new URL(url);
  const body = crypto.getRandomValues(new Uint8Array(load.bytes));
  const encoder = new TextEncoder();
  const requests = Array.from({ length: load.files }, (_, i) => {
    const head = encoder.encode(
      `PUT ${prefix}${i} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    const request = new Uint8Array(head.length + body.length);
    request.set(head);
    request.set(body, head.length);
    return request;
  });
  let next = 0;
  const worker = async () => {
    let connection: Deno.Conn | null = null;
    try {
      const buffer = new Uint8Array(16 * 1024);
      while (next < requests.length) {
        const request = requests[next++];
        connection ??= await Deno.connect({ hostname, port: Number(port) });
        for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
        const { close } = await readAnswer(connection, buffer);
        if (close) {
          connection.close();
          connection = null;
        }
      }
    } finally {
      connection?.close();
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: load.connections }, worker));
  return (performance.now() - began) / 1000;
}

/** Reads one answer to its end. Throws unless it is 201 or 204. */
async function readAnswer(connection: Deno.Conn, buffer: Uint8Array): Promise<{ close: boolean }> {
  const decoder = new TextDecoder();
  let length = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) throw new Error("the server closed the connection before it answered");
    length += count;
    const text = decoder.decode(buffer.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end === -1) continue;
    const head = text.slice(0, end).toLowerCase();
    if (!/^http\/1\.1 20[14] /.test(head)) throw new Error(`PUT was answered ${text.slice(0, end)}`);
    const body = Number(/^content-length: (\d+)/m.exec(head)?.[1] ?? 0);
    if (text.length >= end + 4 + body) return { close: /^connection: close/m.test(head) };
  }
}
