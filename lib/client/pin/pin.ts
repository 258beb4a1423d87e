/**
 * Pinned certificates: a server is trusted for having a certificate with a known SHA-256, whatever its name, and for
 * nothing else.
 */
import * as crypto from "node:crypto";
import { FerryError, quote } from "../../core/errors.ts";
import { FetchError, toFerryError } from "../fetch_error.ts";
import { Bridge } from "./bridge.ts";
import { close, withinTime } from "./limit.ts";
import { endOf, peerCertificate } from "./peer_certificate.ts";

/** A connection and its handshake have so long. */
const HANDSHAKE_MS = 20_000;

/** A name that every certificate has that Ferry makes for itself. */
const COMMON_NAME = "localhost";

/** The value of a `--pin`, `sha256:HEX` with or without colons, as lower-case hex. Throws `usage`. */
export function parsePin(text: string): string {
  const hex = text.slice("sha256:".length).replaceAll(":", "");
  if (/^sha256:/i.test(text) && /^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase();
  throw new FerryError("usage", `--pin ${quote(text)}: must be sha256: and 64 hexadecimal digits`);
}

/**
 * Reads the values of `--pin`. From then on this process trusts no authority at all; so it must be called before the
 * first https request.
 */
export function readPins(given: readonly string[]): string[] {
  const pins = given.map(parsePin);
  // The runtime adds what it is told to trust to the authorities of these, which it reads when it first needs them.
  Deno.env.set("DENO_TLS_CA_STORE", "");
  Deno.env.delete("DENO_CERT");
  return pins;
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
  static async open(url: URL, pins: readonly string[], ms = HANDSHAKE_MS): Promise<PinnedClient> {
    return new PinnedClient(new Bridge(await pinnedServer(url, pins, ms)));
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

/**
 * A way to `url`'s server, which has shown one of `pins`: makes connections on which it proves to have that one's key.
 * Throws `untrusted_certificate`.
 */
export async function pinnedServer(
  url: URL,
  pins: readonly string[],
  ms = HANDSHAKE_MS,
): Promise<() => Promise<Deno.TlsConn>> {
  if (url.protocol !== "https:") {
    throw untrusted(url, "it is reached without TLS, so that no --pin can hold");
  }
  if (usesProxy(url, (name) => Deno.env.get(name))) {
    throw new FerryError(
      "usage",
      `--pin needs a direct connection to ${url.host}; run it without a proxy in the environment`,
    );
  }
  const der = await peerCertificate(url, ms).catch((error) => {
    throw connectError(error, url);
  });
  const found = crypto.createHash("sha256").update(der).digest("hex");
  if (!pins.includes(found)) throw untrusted(url, `its certificate is sha256:${found}, not the pinned one`);
  const caCerts = [toPem(der)];
  const refusals: FerryError[] = [];
  for (const name of [endOf(url).hostname, COMMON_NAME]) {
    const proof = { name, caCerts, ms };
    const refusal = await refusalOf(url, proof);
    if (refusal === null) return () => connect(url, proof);
    refusals.push(refusal);
  }
  throw refusals[0];
}

/** Who the server has to prove to be, by which certificates, in how many milliseconds. */
interface Proof {
  name: string;
  caCerts: string[];
  ms: number;
}

/** Why no handshake comes about in which the server proves this; null if one does. */
async function refusalOf(url: URL, proof: Proof): Promise<FerryError | null> {
  try {
    (await connect(url, proof)).close();
    return null;
  } catch (error) {
    return unusable(url, error, proof.caCerts[0]);
  }
}

function connect(url: URL, { name, caCerts, ms }: Proof): Promise<Deno.TlsConn> {
  return withinTime(url, ms, async (own) => {
    const plain = own(await Deno.connect(endOf(url)));
    const tls = own(
      await Deno.startTls(plain, { hostname: name, caCerts, alpnProtocols: ["http/1.1"] }),
    );
    try {
      await tls.handshake();
      return tls;
    } catch (error) {
      close(tls);
      throw error;
    }
  });
}

function unusable(url: URL, error: unknown, pem: string): FerryError {
  const text = error instanceof Error ? error.message : String(error);
  if (/CaUsedAsEndEntity/.test(text)) {
    return untrusted(
      url,
      "the pinned certificate is an authority's (CA:TRUE), which cannot be a server's own",
    );
  }
  if (/UnknownIssuer/.test(text)) {
    const { issuer, subject } = new crypto.X509Certificate(pem);
    return untrusted(
      url,
      issuer === subject
        ? "it showed the pinned certificate and then another one"
        : "the pinned certificate is not signed by itself; trust its authority with --cacert",
    );
  }
  return connectError(error, url);
}

/** What the system says of a connection, as `fetch` would have said it. */
export function connectError(error: unknown, url: URL): FerryError {
  if (error instanceof FerryError || !(error instanceof Error)) return toFerryError(error, url);
  return toFerryError(new Error(`client error (Connect): ${error.message}`, { cause: error }), url);
}

function untrusted(url: URL, why: string): FerryError {
  const facts = { transient: false, sent: false };
  return new FetchError("untrusted_certificate", `${url.host} is not trusted: ${why}`, facts);
}

function toPem(der: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...der)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Whether the environment sends requests to `url` through a proxy, so that a direct probe would say nothing. */
function usesProxy(url: URL, env: (name: string) => string | undefined): boolean {
  const names = url.protocol === "https:" ? ["https_proxy", "all_proxy"] : ["http_proxy", "all_proxy"];
  return names.some((name) => Boolean(env(name) || env(name.toUpperCase())));
}
