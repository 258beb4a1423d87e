/** What the kernel says of the sockets of this process, by their descriptors: those of the runtime have no name for them. */
import { peerOf } from "./guard/client.ts";

export const SOL_SOCKET = 1;
export const SO_COOKIE = 57;
export const IPPROTO_TCP = 6;
export const TCP_INFO = 11;
export const F_DUPFD_CLOEXEC = 1030;

/** The calls that are needed of the C library. */
export const READER_SYMBOLS = {
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
} as const;

export class SocketReader {
  readonly #calls: Deno.DynamicLibrary<typeof READER_SYMBOLS>["symbols"];
  readonly #length = new Uint32Array(1);
  readonly #name = new Uint8Array(128);

  constructor(calls: Deno.DynamicLibrary<typeof READER_SYMBOLS>["symbols"]) {
    this.#calls = calls;
  }

  /** Reads the option `name` of `level` into `answer`; gives how many bytes it has, 0 where the descriptor has none such. */
  option(fd: number, [level, name]: readonly [number, number], answer: Uint32Array<ArrayBuffer>): number {
    this.#length[0] = answer.byteLength;
    return this.#calls.getsockopt(fd, level, name, answer, this.#length) === 0 ? this.#length[0] : 0;
  }

  /** The port of a socket at this end; null when it is not one of IP. */
  portOf(fd: number): number | null {
    this.#length[0] = this.#name.length;
    if (this.#calls.getsockname(fd, this.#name, this.#length) !== 0) return null;
    return peerOf(this.#name)?.port ?? null;
  }
}
