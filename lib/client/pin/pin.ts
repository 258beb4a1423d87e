/**
 * Pinned certificates: a server is trusted for having a certificate with a known SHA-256, whatever its name, and for
 * nothing else.
 */
import { FerryError, quote } from "../../core/errors.ts";
import { Dialer } from "../dial/dialer.ts";
import { Bridge } from "./bridge.ts";

/** A connection has so long to come about, the look at the certificate included. */
const CONNECT_MS = 20_000;

/** The value of a `--pin`, `sha256:HEX` with or without colons, as lower-case hex. Throws `usage`. */
export function parsePin(text: string): string {
  const hex = text.slice("sha256:".length).replaceAll(":", "");
  if (/^sha256:/i.test(text) && /^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase();
  throw new FerryError("usage", `--pin ${quote(text)}: must be sha256: and 64 hexadecimal digits`);
}

/** With this in its environment the runtime does not ask half a second after its start whether there is a newer one. */
const NO_CHECK = "DENO_NO_UPDATE_CHECK";
const CHECK_MS = 500;

/**
 * Reads the values of `--pin`. From then on this process trusts no authority at all; so it must be called before the
 * first https request, also of the runtime's own: a compiled one makes none. Throws `usage`.
 */
export function readPins(given: readonly string[]): string[] {
  const pins = given.map(parsePin);
  // The runtime adds what it is told to trust to the authorities of these, which it reads when it first needs them.
  Deno.env.set("DENO_TLS_CA_STORE", "");
  Deno.env.delete("DENO_CERT");
  if (!Deno.build.standalone && !Deno.env.has(NO_CHECK) && processAge() >= CHECK_MS) {
    throw new FerryError(
      "usage",
      `--pin needs ${NO_CHECK}=1 where Ferry starts slowly from source, as deno task ferry has it: the runtime's look ` +
        "for a newer version may have decided already whom else to trust",
    );
  }
  return pins;
}

/** Milliseconds since this process began, never fewer than there were; Infinity where the system does not tell. */
function processAge(): number {
  try {
    const uptime = parseFloat(Deno.readTextFileSync("/proc/uptime"));
    // The 22nd field, in hundredths of a second, of which the 2nd may hold anything (proc_pid_stat(5)).
    const stat = Deno.readTextFileSync("/proc/self/stat");
    const begun = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / 100;
    const age = (uptime - begun) * 1000 + 10;
    return Number.isNaN(age) ? Infinity : age;
  } catch {
    return Infinity;
  }
}

/**
 * A way to one server that has been seen to have a pinned certificate. Requests go through a bridge, since `fetch` would
 * refuse a certificate for another name than its URL's; that was at least as fast as its own TLS.
 */
export class PinnedClient implements Disposable {
  readonly native: Deno.HttpClient;
  readonly #bridge: Bridge;

  private constructor(bridge: Bridge) {
    this.#bridge = bridge;
    this.native = Deno.createHttpClient({
      http2: false,
      allowHost: true,
      proxy: { transport: "unix", path: bridge.path },
    });
  }

  /** Looks at the certificate of `url`'s server. Throws `untrusted_certificate` when it is none of `pins`. */
  static async open(url: URL, pins: readonly string[]): Promise<PinnedClient> {
    const dialer = new Dialer({ pins, connectTimeout: CONNECT_MS, env: (name) => Deno.env.get(name) });
    const connect = async () => (await dialer.dial(url, new AbortController().signal)).conn;
    (await connect()).close();
    return new PinnedClient(new Bridge(connect));
  }

  /** What `error`, thrown by a request, is due to. */
  reason(error: unknown): unknown {
    return this.#bridge.failure ?? error;
  }

  [Symbol.dispose](): void {
    this.native.close();
    this.#bridge[Symbol.dispose]();
  }
}
