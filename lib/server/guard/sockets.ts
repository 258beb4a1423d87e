/**
 * The connections of this process, as the kernel sees them: which there are, what TCP counts for each, and their end.
 * The runtime has no word for any of that. Linux 4.19 on x86-64 or ARM with glibc, and `--allow-ffi`; the threads of a
 * process share their descriptors, so one of them can look after the connections of all.
 */
import { openLibrary } from "../../store/libc.ts";
import {
  F_DUPFD_CLOEXEC,
  IPPROTO_TCP,
  READER_SYMBOLS,
  SO_COOKIE,
  SocketReader,
  SOL_SOCKET,
  TCP_INFO,
} from "../socket_reader.ts";
import { clientOf, connectionKey, peerOf } from "./client.ts";
import { firstPhase, type Phase, type TcpCounts } from "./tcp_phase.ts";

const COOKIE = [SOL_SOCKET, SO_COOKIE] as const;
const INFO = [IPPROTO_TCP, TCP_INFO] as const;
const TCP_LISTEN = 10;
const O_CLOEXEC = 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const SHUT_RDWR = 2;
const RLIMIT_NOFILE = 7;

const SYMBOLS = {
  ...READER_SYMBOLS,
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "u32", "isize"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/** Where struct tcp_info has what, in words of 32 bits, and how much of it is needed. */
const WORD = { unacked: 6, acked: 30, received: 32, notSent: 36, sent: 50, resent: 52 } as const;
const LEAST_INFO = 216;

/** One connection that was accepted. What is counted is brought up to date by each look. */
export interface Connection extends TcpCounts {
  readonly fd: number;
  /** What tells it from all others, as the runtime names its other end. */
  readonly key: string;
  readonly client: string;
  /** On which of the server's ports it came. */
  readonly port: number;
  phase: Phase;
  /** When it was found. */
  readonly found: number;
}

/** How a connection ends: by an end of file, after a last word if there is one, or by a reset. */
export type Ending = { kind: "shut"; words: Uint8Array<ArrayBuffer> | null } | { kind: "reset" };

/** A descriptor, and what it was at the last look. */
interface Known {
  cookieLow: number;
  cookieHigh: number;
  /** Null for sockets that are not the server's. */
  connection: Connection | null;
}

/** All accepted TCP connections of the process. */
export class ServerSockets {
  readonly #calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #reader: SocketReader;
  readonly #known: (Known | undefined)[] = [];
  readonly #length = new Uint32Array(1);
  readonly #cookie = new Uint32Array(2);
  readonly #info = new Uint32Array(64);
  readonly #name = new Uint8Array(128);
  readonly #text = new Uint8Array(4096);
  /** Where the kernel tells how many descriptors there can be. */
  readonly #status: number;
  /** Stands for the socket that is acted upon, and for the file above at all other times: none more is ever needed. */
  readonly #hand: number;
  readonly #counts = { written: 0, acked: 0, received: 0, queued: false };

  private constructor(calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]) {
    this.#calls = calls;
    this.#reader = new SocketReader(calls);
    this.#status = calls.open(new TextEncoder().encode("/proc/self/status\0"), O_CLOEXEC);
    this.#hand = calls.fcntl(this.#status, F_DUPFD_CLOEXEC, 3);
  }

  /** Null where the calls cannot be made, or do not tell what is needed. */
  static open(): ServerSockets | null {
    const library = openLibrary(SYMBOLS);
    if (library === null) return null;
    const sockets = new ServerSockets(library.symbols);
    return sockets.#works() ? sockets : null;
  }

  /** Whether the kernel says of a socket, one that is made for this, all that is needed. */
  #works(): boolean {
    if (this.#hand < 0) return false;
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    for (let fd = 0; fd < this.#descriptors(); fd++) {
      if (this.#reader.portOf(fd) === port) return this.#readInfo(fd) && this.#readCookie(fd);
    }
    return false;
  }

  /**
   * Brings what is known up to date, and gives the connections that came on one of `ports`, the oldest first. `each`
   * is told of those that were known what TCP counts now, before that takes the place of what it counted.
   */
  look(
    ports: ReadonlySet<number>,
    now: number,
    each: (connection: Connection, counts: TcpCounts) => void,
  ): Connection[] {
    const found: Connection[] = [];
    const most = this.#descriptors();
    for (let fd = 0; fd < most; fd++) {
      if (!this.#readCookie(fd)) {
        this.#known[fd] = undefined;
        continue;
      }
      const known = this.#known[fd];
      const [cookieLow, cookieHigh] = this.#cookie;
      if (known?.cookieLow !== cookieLow || known.cookieHigh !== cookieHigh) {
        const connection = this.#meet(fd, ports, now);
        this.#known[fd] = { cookieLow, cookieHigh, connection };
        if (connection !== null) found.push(connection);
        continue;
      }
      const { connection } = known;
      if (connection === null || !this.#readCounts(fd)) continue;
      each(connection, this.#counts);
      Object.assign(connection, this.#counts);
      found.push(connection);
    }
    this.#known.length = Math.min(this.#known.length, most);
    return found.sort((a, b) => a.found - b.found);
  }

  /** The connection at `fd`, which has not been seen before. */
  #meet(fd: number, ports: ReadonlySet<number>, now: number): Connection | null {
    const port = this.#reader.portOf(fd);
    if (port === null || !ports.has(port) || !this.#readCounts(fd)) return null;
    this.#length[0] = this.#name.length;
    if (this.#calls.getpeername(fd, this.#name, this.#length) !== 0) return null;
    const peer = peerOf(this.#name);
    if (peer === null) return null;
    const { host } = peer;
    return {
      ...this.#counts,
      fd,
      key: connectionKey(host, peer.port),
      client: clientOf(host),
      port,
      phase: firstPhase(this.#counts, now),
      found: now,
    };
  }

  /**
   * Ends `connection` if it is still open and nothing was written to it since the last look, nor, with `quiet`,
   * received. Whether it did.
   */
  end(connection: Connection, ending: Ending, options: { quiet: boolean }): boolean {
    const known = this.#known[connection.fd];
    if (known?.connection !== connection) return false;
    // What happens from here on happens to this very socket, whatever becomes of the descriptor in another thread.
    const fd = this.#hand;
    if (this.#calls.dup3(connection.fd, fd, O_CLOEXEC) < 0) return false;
    try {
      const same = this.#readCookie(fd) && this.#cookie[0] === known.cookieLow &&
        this.#cookie[1] === known.cookieHigh && this.#readCounts(fd);
      if (!same || this.#counts.written !== connection.written) return false;
      if (options.quiet && this.#counts.received !== connection.received) return false;
      if (ending.kind === "reset") return this.#reset(fd);
      if (ending.words !== null && !this.#say(fd, ending.words)) return this.#reset(fd);
      return this.#calls.shutdown(fd, SHUT_RDWR) === 0;
    } finally {
      this.#calls.dup3(this.#status, fd, O_CLOEXEC);
    }
  }

  /** Sends `words`; false when somebody else has sent something at the same moment, which would mix with it. */
  #say(fd: number, words: Uint8Array<ArrayBuffer>): boolean {
    const { written } = this.#counts;
    const sent = this.#calls.send(fd, words, words.length, MSG_DONTWAIT_NOSIGNAL);
    return this.#readCounts(fd) && this.#counts.written === written + Math.max(sent, 0);
  }

  /** A connect(2) to no address at all takes a connection back: the other side gets a reset, and nothing stays. */
  #reset(fd: number): boolean {
    return this.#calls.connect(fd, new Uint8Array(16), 16) === 0;
  }

  /** The lowest descriptor that is free: where they come and go, about how many there are. Infinity for none. */
  lowestFree(): number {
    const fd = this.#calls.fcntl(this.#status, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return Infinity;
    this.#calls.close(fd);
    return fd;
  }

  /** Lets the process have `wanted` descriptors, or as many as it may, and gives how many these are. */
  raiseDescriptors(wanted: number): number {
    const limit = new BigUint64Array(2);
    if (this.#calls.getrlimit(RLIMIT_NOFILE, limit) !== 0) return Infinity;
    const [soft, hard] = limit;
    if (soft >= BigInt(wanted)) return Number(soft);
    limit[0] = hard < BigInt(wanted) ? hard : BigInt(wanted);
    return Number(this.#calls.setrlimit(RLIMIT_NOFILE, limit) === 0 ? limit[0] : soft);
  }

  /** One more than the highest descriptor can be. */
  #descriptors(): number {
    const length = this.#calls.pread(this.#status, this.#text, this.#text.length, 0n);
    const text = new TextDecoder().decode(this.#text.subarray(0, Math.max(0, length)));
    return Number(/^FDSize:\s*(\d+)/m.exec(text)?.[1] ?? 0);
  }

  #readCookie(fd: number): boolean {
    return this.#reader.option(fd, COOKIE, this.#cookie) > 0;
  }

  #readInfo(fd: number): boolean {
    return this.#reader.option(fd, INFO, this.#info) >= LEAST_INFO;
  }

  /** What TCP counts for the connection at `fd`; false when it is none. */
  #readCounts(fd: number): boolean {
    if (!this.#readInfo(fd) || (this.#info[0] & 0xff) === TCP_LISTEN) return false;
    const { unacked, acked, received, notSent, sent, resent } = WORD;
    const counts = this.#counts;
    counts.written = this.#long(sent) - this.#long(resent) + this.#info[notSent];
    counts.acked = this.#long(acked);
    counts.received = this.#long(received);
    counts.queued = this.#info[notSent] > 0 || this.#info[unacked] > 0;
    return true;
  }

  #long(word: number): number {
    return this.#info[word] + this.#info[word + 1] * 0x100000000;
  }
}
