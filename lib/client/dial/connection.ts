/** What a connection is to those who use it: bytes in, bytes out. */

/** A `Deno.Conn`, or what is put in its place. `read` gives null at the end; `write` may take a part only. */
export type Connection = Pick<Deno.Conn, "read" | "write" | "close">;

/** Closes `connection` if that is still to be done. */
export function close(connection: Pick<Connection, "close">): void {
  try {
    connection.close();
  } catch {
    // Closed already, or handed over to TLS.
  }
}

/** Writes all of `bytes`. */
export async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Moves bytes until the end of `from`, or until either breaks. */
export async function copy(from: Connection, to: Connection): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return;
    await writeAll(to, buffer.subarray(0, count));
  }
}
