/** TLS with whoever is there: `--insecure`. The runtime's own TLS checks always; that of `node:tls` can be told not to. */
import { connect, type TLSSocket } from "node:tls";
import { addressBytes } from "../../http/address.ts";
import type { Own } from "./attempt.ts";
import type { Connection } from "./connection.ts";
import { throughLoopback } from "./loopback.ts";
import { failedHandshake } from "./tls.ts";

/** Does the handshake over `plain`, asking for `name`, and takes any certificate. `where` is whom messages are about. */
export function startUncheckedTls(
  plain: Connection,
  own: Own,
  { name, where }: { name: string; where: string },
): Promise<Connection> {
  return throughLoopback(plain, own, async (port) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      // A server is never asked for an address (RFC 6066 section 3).
      servername: addressBytes(name) === null ? name : "",
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    const conn = own(new SocketConnection(socket));
    await happened(socket, "connect", where);
    const ready = async () => {
      await happened(socket, "secureConnect", where);
      // Deno 2.4 says so even when the handshake has failed; but then it knows nothing of its outcome.
      if (socket.alpnProtocol === null) throw failedHandshake(where, "does it speak TLS?");
    };
    return { conn, localPort: socket.localPort!, ready };
  });
}

/** A socket of Node.js as a connection. */
class SocketConnection implements Connection {
  readonly #socket: TLSSocket;
  /** What has come and was not read yet. */
  #rest: Uint8Array = new Uint8Array();
  #failure: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
    socket.on("readable", () => this.#wake?.());
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const piece = this.#socket.read() as Uint8Array | null;
      if (piece !== null) this.#rest = piece;
      else if (this.#failure !== undefined) throw this.#failure;
      else if (this.#ended) return null;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const count = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error?: Error | null) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(error?: Error): void {
    this.#failure ??= error;
    this.#ended = true;
    this.#wake?.();
  }
}

/** Waits for `event`. Throws when the socket fails or closes before it. */
function happened(socket: TLSSocket, event: string, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(failedHandshake(where, "it closed the connection")));
  });
}
