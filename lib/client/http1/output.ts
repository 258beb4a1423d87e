/** What goes out on a connection: heads are gathered, so that one write takes many of them. */

/** The writing half of a connection. What breaks it is told by the reading half too, and better. */
export class Output {
  /** Whether a write is under way. */
  writing = false;
  /** Bytes that have gone out in all. */
  total = 0;
  readonly #connection: Pick<Deno.Conn, "write">;
  #text = "";
  #draining: Promise<void> | undefined;
  #bytes = new Uint8Array(2048);

  constructor(connection: Pick<Deno.Conn, "write">) {
    this.#connection = connection;
  }

  /** Puts a head, one character a byte, behind what is to be written. */
  add(head: string): void {
    this.#text += head;
  }

  /** Begins to write what was added, where that has not begun. */
  flush(): void {
    if (this.#text === "" || this.#draining !== undefined) return;
    const done = () => {
      this.#draining = undefined;
      this.flush();
    };
    this.#draining = this.#drain();
    this.#draining.then(done, done);
  }

  /** Writes what was added and then `bytes`, all of them. Throws what the connection throws. */
  async write(bytes: Uint8Array): Promise<void> {
    this.flush();
    await this.#draining;
    await this.#all(bytes);
  }

  async #drain(): Promise<void> {
    while (this.#text !== "") {
      const text = this.#text;
      this.#text = "";
      if (text.length > this.#bytes.length) this.#bytes = new Uint8Array(text.length * 2);
      encode(text, this.#bytes);
      await this.#all(this.#bytes.subarray(0, text.length));
    }
  }

  async #all(bytes: Uint8Array): Promise<void> {
    this.writing = true;
    try {
      for (let sent = 0; sent < bytes.length;) {
        const count = await this.#connection.write(sent === 0 ? bytes : bytes.subarray(sent));
        sent += count;
        this.total += count;
      }
    } finally {
      this.writing = false;
    }
  }
}

const encoder = new TextEncoder();

/** Puts `text` into `bytes`, one character a byte. Mostly it is ASCII, which the runtime is fast with. */
function encode(text: string, bytes: Uint8Array): void {
  const { read, written } = encoder.encodeInto(text, bytes);
  if (read === text.length && written === read) return;
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
}
