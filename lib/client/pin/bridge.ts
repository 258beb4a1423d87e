/** From a unix socket to a server behind TLS. */

import { close, type Connection, copy } from "../dial/connection.ts";

/**
 * Whoever connects to `path` talks to the server that `connect` leads to. The socket lies in a folder of this user's
 * own, and is gone when the bridge is disposed of.
 */
export class Bridge implements Disposable {
  readonly path: string;
  /** Why the last connection to the server failed, if it did. */
  failure: unknown;
  readonly #dir: string;
  readonly #listener: Deno.UnixListener;
  readonly #open = new Set<Connection>();

  constructor(readonly connect: () => Promise<Connection>) {
    // It can be entered by this user alone.
    this.#dir = Deno.makeTempDirSync({ prefix: "ferry-" });
    this.path = `${this.#dir}/tls`;
    this.#listener = Deno.listen({ transport: "unix", path: this.path });
    this.#listener.unref();
    this.#serve();
  }

  async #serve(): Promise<void> {
    try {
      for await (const near of this.#listener) this.#join(near);
    } catch {
      // Closed.
    }
  }

  async #join(near: Connection): Promise<void> {
    this.#open.add(near);
    let far: Connection | undefined;
    try {
      this.failure = undefined;
      far = await this.connect();
      this.#open.add(far);
      await Promise.race([copy(near, far), copy(far, near)]);
    } catch (error) {
      if (far === undefined) this.failure = error;
    }
    this.#close(near);
    if (far !== undefined) this.#close(far);
  }

  #close(connection: Connection): void {
    this.#open.delete(connection);
    close(connection);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) this.#close(connection);
    Deno.removeSync(this.#dir, { recursive: true });
  }
}
