/** HTTP/1.1 over a socket, byte for byte and without an opinion: for tests that send what no client would. */

const decoder = new TextDecoder("latin1");

/** One answer; each character of its texts is one byte. */
export interface RawAnswer {
  status: number;
  head: string;
  body: string;
  /** Whether another request may follow. */
  open: boolean;
}

/** A connection that answers are read from, one by one. */
export class RawConnection {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array(64 * 1024);
  #start = 0;
  #end = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async to(port: number): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ port, hostname: "127.0.0.1" }));
  }

  /** Sends `text`, each character one byte. What cannot be sent any more is dropped. */
  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    try {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
    } catch {
      // The other side has hung up; what it said before can still be read.
    }
  }

  /** Says that nothing more will be sent. */
  async endSending(): Promise<void> {
    await this.#connection.closeWrite().catch(() => {});
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // It is.
    }
  }

  /** The answer to a request with `method`; null where the connection ends without one. */
  async answer(method: string): Promise<RawAnswer | null> {
    for (;;) {
      const head = await this.#until("\r\n\r\n");
      if (head === null) return null;
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
      if (status >= 100 && status < 200) continue;
      const field = (name: string) =>
        new RegExp(`^${name}:[ \\t]*(.*)$`, "im").exec(head)?.[1].trim() ?? null;
      const open = field("connection")?.toLowerCase() !== "close" && /^HTTP\/1\.1/.test(head);
      if (method === "HEAD" || status === 204 || status === 304) return { status, head, body: "", open };
      const length = field("content-length");
      if (length !== null) {
        const body = await this.#take(Number(length));
        return { status, head, body, open: open && body.length === Number(length) };
      }
      if (field("transfer-encoding") === "chunked") return { status, head, ...await this.#chunks(open) };
      return { status, head, body: await this.rest(), open: false };
    }
  }

  /** Everything until the other side ends the connection. */
  async rest(): Promise<string> {
    let text = "";
    for (;;) {
      text += decoder.decode(this.#buffer.subarray(this.#start, this.#end));
      this.#start = this.#end = 0;
      if (!await this.#fill()) return text;
    }
  }

  async #chunks(open: boolean): Promise<{ body: string; open: boolean }> {
    let body = "";
    for (;;) {
      const line = await this.#until("\r\n");
      if (line === null) return { body, open: false };
      const size = parseInt(line, 16);
      if (size === 0) {
        while ((await this.#until("\r\n") ?? "").length > 2);
        return { body, open };
      }
      body += (await this.#take(size + 2)).slice(0, size);
    }
  }

  /** Up to and with `mark`; null where it does not come. */
  async #until(mark: string): Promise<string | null> {
    for (let searched = this.#start;;) {
      const text = decoder.decode(this.#buffer.subarray(searched, this.#end));
      const found = text.indexOf(mark);
      if (found !== -1) {
        const end = searched + found + mark.length;
        const taken = decoder.decode(this.#buffer.subarray(this.#start, end));
        this.#start = end;
        return taken;
      }
      if (!await this.#fill()) return null;
      searched = this.#start;
    }
  }

  async #take(length: number): Promise<string> {
    let text = "";
    while (text.length < length) {
      if (this.#start === this.#end && !await this.#fill()) break;
      const count = Math.min(length - text.length, this.#end - this.#start);
      text += decoder.decode(this.#buffer.subarray(this.#start, this.#start + count));
      this.#start += count;
    }
    return text;
  }

  async #fill(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#connection.read(this.#buffer.subarray(this.#end)).catch(() => null);
    this.#end += count ?? 0;
    return count !== null && count > 0;
  }
}
