/** Connections for `ferry request`: to the host of a URL or to a socket, through proxies, with TLS where the URL has it. */
import { quote } from "../../core/errors.ts";
import { formatDurationFlag } from "../../cli/units.ts";
import { FetchError } from "../fetch_error.ts";
import type { ConnectionFacts } from "../http1/answer.ts";
import type { KeyPair } from "../key_pair.ts";
import { attempt, type Own } from "./attempt.ts";
import type { Connection } from "./connection.ts";
import { connectError } from "./connect_error.ts";
import { type End, endOf } from "./end.ts";
import type { Proof } from "../pin/pinned_tls.ts";
import { type Proxy, proxyFor, proxyName } from "./proxy.ts";
import { type Resolved, resolvedOf } from "./resolve_flag.ts";
import { connectAny, connectFamily, connectName, type Family } from "./tcp.ts";
import { startTls } from "./tls.ts";

export interface DialOptions {
  /** A unix socket that every connection goes to, whatever host its URL names. */
  unix?: string;
  /** PEM certificates of authorities to trust beside the system's. */
  caCerts?: readonly string[];
  /** SHA-256 of certificates, as `readPins` gives them: every server must have one of them, and speak TLS. */
  pins?: readonly string[];
  /** Takes any certificate. */
  insecure?: boolean;
  /** The certificate that servers are shown that want one; not with `insecure`. */
  identity?: KeyPair;
  /** Milliseconds for a connection to come about, proxies and TLS included. */
  connectTimeout?: number;
  /** The flag that gave it, for messages. */
  timeoutFlag?: string;
  /** Where hosts are that need not be looked up. */
  resolved?: Resolved;
  /** Only addresses of this kind. */
  family?: Family;
  /** Names are looked up first, so that it is known how long that takes. */
  lookFirst?: boolean;
  /** The environment, whose proxies are used; none unless told. */
  env?: (name: string) => string | undefined;
}

/** A connection over which requests to the origin that it was made for can be sent. */
export interface Dialed {
  conn: Connection;
  /** What stands in a request line (RFC 9112 section 3.2): the path alone, or for a proxy the whole URL. */
  form: "origin" | "absolute";
  /** Headers for the proxy, in the absolute form. */
  proxyHeaders?: [name: string, value: string][];
  /** What was connected to, for `-v`; nothing secret. */
  about: string;
  facts: Omit<ConnectionFacts, "ready">;
  /** The error for a proxy that answers with 407, and `told` in it; where a 407 can be the proxy's. */
  denied?: (told: string) => FetchError;
}

/** A connection on the way. */
type Way = Pick<Dialed, "conn" | "about" | "facts">;

/** One way to one connection. */
interface Try {
  url: URL;
  proxy: Proxy | null;
  own: Own;
  signal: AbortSignal;
}

export class Dialer {
  readonly #options: DialOptions;
  readonly #proofs = new Map<string, Proof>();
  /** Origins whose servers show a certificate of `caCerts` itself. */
  readonly #authorities = new Set<string>();
  /** Whether the unix socket was there once. */
  #socketSeen = false;

  constructor(options: DialOptions = {}) {
    this.#options = options;
  }

  /**
   * A new connection for requests to the origin of `url`. Throws the reason of `signal`, FetchErrors of which none was
   * `sent` (`host_not_found`, `no_connection`, `tls_handshake`, `untrusted_certificate`, `timeout`, `unauthorized` by a
   * proxy), and `usage` when the environment names a proxy that is none.
   */
  async dial(url: URL, signal: AbortSignal): Promise<Dialed> {
    const { unix, env, connectTimeout: ms } = this.#options;
    const proxy = unix !== undefined || env === undefined ? null : proxyFor(url, env);
    const late = () => this.#tooLate(url, proxy);
    try {
      return await attempt(
        { signal, ms, late },
        (own, inner) => this.#connect({ url, proxy, own, signal: inner }),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const told = connectError(error, url, { unix });
      // Gone while we looked: its server is being started again.
      if (this.#socketSeen && told instanceof FetchError && told.code === "no_connection") {
        throw new FetchError(told.code, told.message, { ...told.facts, transient: true }, { cause: error });
      }
      throw told;
    }
  }

  #tooLate(url: URL, proxy: Proxy | null): FetchError {
    const { connectTimeout = 0, timeoutFlag } = this.#options;
    const through = proxy === null ? "" : ` through ${proxyName(proxy)}`;
    const flag = timeoutFlag === undefined ? "" : ` (${timeoutFlag})`;
    const message = `no connection to ${url.host}${through} within ${
      formatDurationFlag(connectTimeout)
    }${flag}`;
    return new FetchError("timeout", message, { transient: true, sent: false });
  }

  async #connect({ url, proxy, own, signal }: Try): Promise<Dialed> {
    const { unix, pins } = this.#options;
    if (pins !== undefined) (await import("../pin/pinned_tls.ts")).refusePlain(url);
    if (proxy !== null && proxy.kind !== "socks5" && url.protocol === "http:") {
      const { proxyHeaders, needsUser } = await import("./http_tunnel.ts");
      const way = await this.#toProxy(proxy, own, signal);
      const denied = (told: string) => needsUser(proxy, told);
      return { ...way, form: "absolute", proxyHeaders: proxyHeaders(proxy), denied };
    }
    const plain = () => {
      if (unix !== undefined) return this.#toSocket(unix, own);
      return proxy === null
        ? this.#direct(endOf(url), own, signal)
        : this.#throughProxy(proxy, url, own, signal);
    };
    return {
      ...url.protocol === "http:" ? await plain() : await this.#encrypted(plain, url, own),
      form: "origin",
    };
  }

  async #toSocket(path: string, own: Own): Promise<Way> {
    const conn = own(await Deno.connect({ transport: "unix", path }));
    this.#socketSeen = true;
    return { conn, about: `connected to the socket ${quote(path)}`, facts: { connected: performance.now() } };
  }

  async #direct(end: End, own: Own, signal: AbortSignal): Promise<Way> {
    const { resolved, family } = this.#options;
    const { hostname, port } = end;
    let addresses = resolvedOf(resolved, end);
    let lookedUp: number | undefined;
    if (this.#options.lookFirst && addresses === undefined) {
      const { lookUp } = await import("./look_up.ts");
      addresses = await lookUp(hostname, family);
      lookedUp = performance.now();
    }
    const conn = own(
      await (addresses !== undefined
        ? connectAny(addresses, port, signal)
        : family !== undefined
        ? connectFamily(end, family, signal)
        : connectName(hostname, port, signal)),
    );
    conn.setNoDelay();
    const { remoteAddr: remote, localAddr: local } = conn;
    return {
      conn,
      about: `connected to ${hostname} (${remote.hostname}) port ${port}`,
      facts: { remote, local, lookedUp, connected: performance.now() },
    };
  }

  /** Over what `plain` makes, which is called more than once when a server has to be looked at. */
  async #encrypted(plain: () => Promise<Way>, url: URL, own: Own): Promise<Way> {
    const { hostname: name } = endOf(url);
    const { insecure, identity, pins, caCerts = [] } = this.#options;
    const where = url.host;
    if (pins !== undefined) {
      const { startPinnedTls } = await import("../pin/pinned_tls.ts");
      let way: Way;
      const connect = async () => (way = await plain()).conn;
      const conn = await startPinnedTls(url, { pins, proofs: this.#proofs, identity, connect, own });
      return { ...way!, conn, about: `${way!.about}, by TLS, its certificate pinned` };
    }
    const withOwn = async () => {
      const { startTrustedTls } = await import("../pin/own_tls.ts");
      const { conn, about, facts } = await plain();
      return { conn: await startTrustedTls(conn, url, caCerts), about: `${about}, by TLS`, facts };
    };
    if (this.#authorities.has(url.origin)) return await withOwn();
    const { conn, about, facts } = await plain();
    if (insecure) {
      const { startUncheckedTls } = await import("./unchecked_tls.ts");
      const tls = await startUncheckedTls(conn, own, { name, where });
      return { conn: tls, about: `${about}, by TLS that is not checked`, facts };
    }
    try {
      const tls = await startTls(conn, own, { name, caCerts, identity, where });
      return { conn: tls, about: `${about}, by TLS`, facts };
    } catch (error) {
      // Of no server does the runtime take an authority's own certificate, not even where it is the one that is trusted.
      const isAuthority = error instanceof Error && /CaUsedAsEndEntity/.test(error.message);
      if (!isAuthority || caCerts.length === 0 || identity !== undefined) throw error;
      const way = await withOwn();
      this.#authorities.add(url.origin);
      return way;
    }
  }

  async #toProxy(proxy: Proxy, own: Own, signal: AbortSignal): Promise<Way> {
    try {
      const { conn, about, facts } = await this.#direct(proxy.end, own, signal);
      if (proxy.kind !== "https") return { conn, about: `${about}, a proxy`, facts };
      const { caCerts = [] } = this.#options;
      const name = proxy.end.hostname;
      return {
        conn: await startTls(conn, own, { name, caCerts, where: proxyName(proxy) }),
        about: `${about}, a proxy by TLS`,
        facts,
      };
    } catch (error) {
      signal.throwIfAborted();
      throw connectError(error, proxy.url, { where: proxyName(proxy) });
    }
  }

  async #throughProxy(proxy: Proxy, url: URL, own: Own, signal: AbortSignal): Promise<Way> {
    const { conn, about, facts } = await this.#toProxy(proxy, own, signal);
    const { port } = endOf(url);
    if (proxy.kind === "socks5") {
      const { openSocks } = await import("./socks5.ts");
      await openSocks(conn, proxy, await this.#endForSocks(proxy, url));
    } else {
      const { openTunnel } = await import("./http_tunnel.ts");
      await openTunnel(conn, proxy, `${url.hostname}:${port}`);
    }
    return { conn, about: `${about}, and through it to ${url.hostname} port ${port}`, facts };
  }

  /** By its address, unless the proxy looks names up. */
  async #endForSocks(proxy: Proxy, url: URL): Promise<End> {
    const end = endOf(url);
    const { resolved, family } = this.#options;
    const addresses = resolvedOf(resolved, end);
    if (addresses !== undefined) return { ...end, hostname: addresses[0] };
    if (proxy.remoteNames) return end;
    const { lookUp } = await import("./look_up.ts");
    const [hostname] = await lookUp(end.hostname, family);
    return { ...end, hostname };
  }
}
