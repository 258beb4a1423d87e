/** For tests: a server on loopback whose connections a test speaks on by itself. */
import { close } from "../dial/connection.ts";
import { headEnd, latin1 } from "./head.ts";

/** One connection, seen from the server. */
export class RawConnection {
  #here = new Uint8Array(0);

  /** `index` is 0 for the first one that the server got. */
  constructor(readonly index: number, readonly connection: Deno.Conn) {}

  /** The next head of a request, without its empty line; null when the client has gone. */
  async head(): Promise<string | null> {
    for (;;) {
      const end = headEnd(this.#here);
      if (end !== -1) {
        const head = latin1(this.#here.subarray(0, end));
        this.#here = this.#here.slice(end);
        return head.trimEnd();
      }
      if (!await this.#more()) return null;
    }
  }

  /** So many bytes of a body, or all there are before the client goes. */
  async body(length: number): Promise<string> {
    while (this.#here.length < length && await this.#more());
    const body = latin1(this.#here.subarray(0, length));
    this.#here = this.#here.slice(length);
    return body;
  }

  /** Text, one byte a character. A client that has gone is no error. */
  async send(text: string): Promise<void> {
    let bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await this.connection.write(bytes));
    } catch {
      // It has seen enough.
    }
  }

  /** A whole answer with its length. */
  answer(body: string, ...lines: string[]): Promise<void> {
    return this.send(["HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...lines, "", body].join("\r\n"));
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.connection.read(buffer).catch(() => null);
    if (count === null) return false;
    const joined = new Uint8Array(this.#here.length + count);
    joined.set(this.#here);
    joined.set(buffer.subarray(0, count), this.#here.length);
    this.#here = joined;
    return true;
  }
}

/** Each connection is closed when `serve` has ended; all of them, and the server, at the end of `await using`. */
export class RawServer implements AsyncDisposable {
  readonly url: URL;
  /** How many connections there were. */
  count = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(serve: (connection: RawConnection) => Promise<void>) {
    this.url = new URL(`http://127.0.0.1:${this.#listener.addr.port}/`);
    this.#accepting = this.#accept(serve);
  }

  async #accept(serve: (connection: RawConnection) => Promise<void>): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      const serving = serve(new RawConnection(this.count++, connection)).finally(() => {
        this.#open.delete(connection);
        close(connection);
      });
      this.#serving.add(serving);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    await this.#accepting;
    await Promise.all(this.#serving);
  }
}
