/**
 * Any connection as a TCP one of this machine. The runtime's TLS takes no other kind, and with a certificate of the
 * client's own, or without checks, it insists on connecting by itself.
 */
import { close, type Connection, copy } from "./connection.ts";
import type { Own } from "./attempt.ts";

/** What connects to a port of 127.0.0.1, and says by which port of its own it did, and when it can be used. */
export type Joiner<C> = (
  port: number,
) => Promise<{ conn: C; localPort: number; ready?: () => Promise<void> }>;

/**
 * Has `connect` connect to a port behind which `far` is; gives what it made. Nobody else of this machine gets there: one
 * connection is taken, and joined only when it is that of `connect`. When either end closes, both do.
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
  void Promise.race([copy(near, far), copy(far, near)]).catch(() => {}).then(() => {
    close(near);
    close(far);
  });
  await ready?.();
  return conn;
}
