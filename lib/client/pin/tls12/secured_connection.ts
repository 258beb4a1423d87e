/** A connection after a TLS 1.2 handshake of our own. */
import { type Connection, writeAll } from "../../dial/connection.ts";
import type { Secured } from "./handshake.ts";
import { ALERT, APPLICATION_DATA, BrokenTls, CutOff, MAX_CONTENT } from "./records.ts";

const CLOSE_NOTIFY = 0;
/** Records without content that may come one after another; OpenSSL takes as many. */
const MOST_EMPTY = 32;

export class SecuredConnection implements Connection {
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  #ended = false;

  constructor(readonly plain: Connection, readonly secured: Secured) {}

  /** Null once the server has said that it ends; throws where it ends without a word, as somebody may have cut it off. */
  async read(buffer: Uint8Array): Promise<number | null> {
    const { records, read } = this.secured;
    for (let empty = 0; this.#rest.length === 0; empty++) {
      if (this.#ended) return null;
      if (empty > MOST_EMPTY) throw new BrokenTls("it sends records without end that hold nothing");
      const record = await records.next().catch((error) => {
        if (error instanceof CutOff) return null;
        throw error;
      });
      if (record === null) throw new Deno.errors.UnexpectedEof("the connection ended without close_notify");
      const content = await read.open(record);
      if (record.type === APPLICATION_DATA) this.#rest = content;
      else if (record.type === ALERT && content[1] === CLOSE_NOTIFY) this.#ended = true;
      else {throw new BrokenTls(
          record.type === ALERT ? `it broke off (alert ${content[1]})` : "it wants another handshake",
        );}
    }
    const count = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const piece = bytes.slice(0, MAX_CONTENT);
    await writeAll(this.plain, await this.secured.write.seal(APPLICATION_DATA, piece));
    return piece.length;
  }

  close(): void {
    this.plain.close();
  }
}
