/** What comes from a connection: through a buffer of its own, or past it straight into the reader's. */

/** As long as the longest head. */
const CAPACITY = 64 * 1024;

/** The reading half of a connection. One reader at a time. */
export class Input {
  /** Whether a read is under way. */
  reading = false;
  /** Bytes that have come in all. */
  total = 0;
  readonly #connection: Pick<Deno.Conn, "read">;
  readonly #buffer = new Uint8Array(CAPACITY);
  #from = 0;
  #to = 0;

  constructor(connection: Pick<Deno.Conn, "read">) {
    this.#connection = connection;
  }

  /** What is here and has not been taken: a view, good until the next read. */
  get here(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#from, this.#to);
  }

  get length(): number {
    return this.#to - this.#from;
  }

  get isFull(): boolean {
    return this.length === CAPACITY;
  }

  take(bytes: number): void {
    this.#from += bytes;
  }

  /** Reads once into the buffer, which must not be full; false at the end. Throws what the connection throws. */
  async fill(): Promise<boolean> {
    if (this.#from === this.#to) this.#from = this.#to = 0;
    else if (this.#to === CAPACITY) {
      this.#buffer.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    const count = await this.readInto(this.#buffer.subarray(this.#to));
    if (count === null) return false;
    this.#to += count;
    return true;
  }

  /** Reads once into `view`, past the buffer, which must be empty unless `view` is of it. */
  async readInto(view: Uint8Array<ArrayBuffer>): Promise<number | null> {
    this.reading = true;
    try {
      const count = await this.#connection.read(view);
      if (count !== null) this.total += count;
      return count;
    } finally {
      this.reading = false;
    }
  }
}
