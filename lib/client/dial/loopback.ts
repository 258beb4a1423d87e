/**
 * Any connection as a TCP one of this machine. The runtime's TLS takes no other kind, and with a certificate of the
 * client's own, or without checks, it insists on connecting by itself.
 */
import { close, type Connection, copy, writeAll } from "./connection.ts";
import type { Own } from "./attempt.ts";

/** What connects to a port of 127.0.0.1, and says by which port of its own it did, and when it can be used. */
export type Joiner<C> = (
  port: number,
) => Promise<{ conn: C; localPort: number; ready?: () => Promise<void> }>;

/**
 * Has `connect` connect to a port behind which `far` is; gives what it made. Nobody else of this machine gets there: one
 * connection is taken, and joined only when it is that of `connect`.
 */
export async function throughLoopback<C extends Pick<Connection, "close">>(
  far: Connection,
  own: Own,
  connect: Joiner<C>,
): Promise<C> {
  const listener = own(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const [near, { conn, localPort, ready }] = await Promise.all([
    listener.accept().then(own),
    connect(listener.addr.port).then((made) => ({ ...made, conn: own(made.conn) })),
  ]);
  listener.close();
  if (near.remoteAddr.port !== localPort) {
    throw new Error("another program of this machine connected to the port that was meant for this one");
  }
  near.setNoDelay();
  void join(near, far);
  await ready?.();
  return conn;
}

/** Moves bytes both ways until this side has closed; what the far one said before its end is all given to it first. */
async function join(near: Deno.TcpConn, far: Connection): Promise<void> {
  const back = copy(far, near).then(() => near.closeWrite()).catch(() => close(near));
  await sendOn(near, far);
  close(far);
  await back;
  close(near);
}

/** Until the end of `near`. What cannot be sent on is taken from it all the same: closing over it would take back answers. */
async function sendOn(near: Connection, far: Connection): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  let isOpen = true;
  for (;;) {
    const count = await near.read(buffer).catch(() => null);
    if (count === null) return;
    if (isOpen) isOpen = await writeAll(far, buffer.subarray(0, count)).then(() => true, () => false);
  }
}
