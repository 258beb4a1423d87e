/**
 * The sockets of this process that listen on one port. The kernel spreads what connects over all of them
 * (SO_REUSEPORT), and resets what still waits at one that is closed; so before the workers of old settings close
 * theirs, connections are led to the others. Linux 4.6 on x86-64 or ARM with glibc, and `--allow-ffi`.
 */
import { sleep } from "../client/pace.ts";
import { openLibrary } from "../store/libc.ts";
import {
  F_DUPFD_CLOEXEC,
  IPPROTO_TCP,
  READER_SYMBOLS,
  SO_COOKIE,
  SocketReader,
  SOL_SOCKET,
  TCP_INFO,
} from "./socket_reader.ts";

const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
/** tcpi_unacked in words of 32 bits: of a socket that listens, how many connections wait to be accepted. */
const WAITING_WORD = 6;
const SHUT_RD = 0;

const SYMBOLS = {
  ...READER_SYMBOLS,
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** Who connected before the others were led away has so long to be accepted. */
const DRAIN_MS = 1000;
const LOOK_MS = 50;
/** A worker that accepts nobody for so long is not waited for. */
const DRAIN_MOST_MS = 10_000;

/** One socket that listens. */
interface Listener {
  fd: number;
  /** What tells it from all sockets that ever were. */
  cookie: bigint;
}

/** All that listen on `port`, whichever worker's they are. */
export class PortListeners {
  readonly #calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #port: number;
  readonly #reader: SocketReader;
  readonly #answer = new Uint32Array(64);

  private constructor(calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"], port: number) {
    this.#calls = calls;
    this.#reader = new SocketReader(calls);
    this.#port = port;
  }

  /** Null where the calls cannot be made. */
  static open(port: number): PortListeners | null {
    const library = openLibrary(SYMBOLS);
    return library && new PortListeners(library.symbols, port);
  }

  /** Those there are now. */
  all(): Listener[] {
    return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).sort((a, b) => a - b)
      .filter((fd) => this.#option(fd, SOL_SOCKET, SO_ACCEPTCONN) && this.#answer[0] === 1)
      .filter((fd) => this.#reader.portOf(fd) === this.#port)
      .map((fd) => ({ fd, cookie: this.#cookie(fd) }));
  }

  /** Leads what connects from now on to those that came after `former`, and closes `former` when nobody waits there. */
  async giveWay(former: readonly Listener[]): Promise<void> {
    const old = new Set(former.map(({ cookie }) => cookie));
    const all = this.all();
    const young = all.filter(({ cookie }) => !old.has(cookie));
    if (young.length === 0 || young.length === all.length) return;
    // The kernel numbers them in the order in which they came.
    if (!this.#steer(young[0].fd, spread(all.length - young.length, young.length))) return;
    await sleep(DRAIN_MS);
    for (let waited = DRAIN_MS; waited < DRAIN_MOST_MS && this.#waiting(former); waited += LOOK_MS) {
      await sleep(LOOK_MS);
    }
    for (const listener of former) this.#with(listener, (fd) => this.#calls.shutdown(fd, SHUT_RD));
    this.#steer(young[0].fd, BY_HASH);
  }

  /** Whether anybody waits to be accepted at one of `listeners`. */
  #waiting(listeners: readonly Listener[]): boolean {
    return listeners.some((listener) =>
      this.#with(listener, (fd) => this.#option(fd, IPPROTO_TCP, TCP_INFO) && this.#answer[WAITING_WORD] > 0)
    );
  }

  /** Does `act` to a socket and no other that got its descriptor; undefined where it is gone. */
  #with<T>({ fd, cookie }: Listener, act: (fd: number) => T): T | undefined {
    const hand = this.#calls.fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (hand < 0) return undefined;
    try {
      return this.#cookie(hand) === cookie ? act(hand) : undefined;
    } finally {
      this.#calls.close(hand);
    }
  }

  /** Has `program` choose among those that share the port with the socket at `fd`. */
  #steer(fd: number, program: readonly Instruction[]): boolean {
    return this.#calls.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, encode(program), FPROG_BYTES) ===
      0;
  }

  #cookie(fd: number): bigint {
    this.#option(fd, SOL_SOCKET, SO_COOKIE);
    return BigInt(this.#answer[1]) << 32n | BigInt(this.#answer[0]);
  }

  /** Reads an option into `#answer`; false where the descriptor has none such. */
  #option(fd: number, level: number, name: number): boolean {
    return this.#reader.option(fd, [level, name], this.#answer) > 0;
  }
}

/** The size of a struct sock_fprog. */
const FPROG_BYTES = 16;

/** An instruction of classic BPF: its code and its operand (linux/filter.h). */
type Instruction = readonly [code: number, operand: number];

const LOAD_WORD = 0x20;
const MODULO = 0x94;
const ADD = 0x04;
const RETURN = 0x06;
const RETURN_ACCUMULATOR = 0x16;
/** Where a random number is loaded from: SKF_AD_OFF + SKF_AD_RANDOM. */
const RANDOM = 0xfffff000 + 56;

/** A number that no socket has lets the kernel choose as it does without a program. */
const BY_HASH: readonly Instruction[] = [[RETURN, 0xffffffff]];

/** Any of `count` sockets from number `first` on. */
function spread(first: number, count: number): Instruction[] {
  return [[LOAD_WORD, RANDOM], [MODULO, count], [ADD, first], [RETURN_ACCUMULATOR, 0]];
}

/** A struct sock_fprog, and behind it the array of struct sock_filter that it points to. */
function encode(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FPROG_BYTES + 8 * program.length);
  const view = new DataView(bytes.buffer);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  view.setUint16(0, program.length, true);
  view.setBigUint64(8, address + BigInt(FPROG_BYTES), true);
  for (const [i, [code, operand]] of program.entries()) {
    view.setUint16(FPROG_BYTES + 8 * i, code, true);
    view.setUint32(FPROG_BYTES + 8 * i + 4, operand, true);
  }
  return bytes;
}
