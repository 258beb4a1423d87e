/** The proxy that the environment has for a URL. Pure. */
import { FerryError, quote } from "../../core/errors.ts";
import { takeUserinfo } from "../credentials/credentials.ts";
import { type End, endOf } from "./end.ts";
import { isExempt } from "./no_proxy.ts";

/** A way to other hosts. */
export interface Proxy {
  /** By HTTP, by HTTP over TLS, or SOCKS version 5. */
  kind: "http" | "https" | "socks5";
  /** Its URL, without a user. */
  url: URL;
  end: End;
  /** Whether names are looked up by it and not here. */
  remoteNames: boolean;
  /** `USER:PASSWORD`. */
  user?: string;
  /** The variable that named it. */
  variable: string;
}

type Env = (name: string) => string | undefined;

const SCHEMES: Readonly<Record<string, Pick<Proxy, "kind" | "remoteNames">>> = {
  "http:": { kind: "http", remoteNames: true },
  "https:": { kind: "https", remoteNames: true },
  "socks5:": { kind: "socks5", remoteNames: false },
  "socks5h:": { kind: "socks5", remoteNames: true },
};

// `HTTP_PROXY` is not among them: a web server gives it to programs from a header `Proxy` that anybody can send.
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "http:": ["http_proxy", "all_proxy", "ALL_PROXY"],
  "https:": ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
};

/**
 * The proxy for `url`, null for none. The first variable that is set decides, by being empty too, as with curl. Throws
 * `usage`, which names the variable and shows no password.
 */
export function proxyFor(url: URL, env: Env): Proxy | null {
  const variable = VARIABLES[url.protocol].find((name) => env(name) !== undefined);
  const value = variable === undefined ? "" : env(variable)!.trim();
  if (variable === undefined || value === "") return null;
  const list = env("no_proxy") ?? env("NO_PROXY") ?? "";
  return isExempt(list, endOf(url)) ? null : parseProxy(value, variable);
}

/** Whom a message is about. */
export function proxyName(proxy: Proxy): string {
  return `the proxy ${quote(proxy.url.host)} (${proxy.variable})`;
}

function parseProxy(value: string, variable: string): Proxy {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1];
  const url = URL.parse(scheme === undefined ? `http://${value}` : value);
  const wrong = (why: string) => new FerryError("usage", `the environment variable ${variable}: ${why}`);
  if (url === null || url.hostname === "") throw wrong("must be like http://HOST:PORT");
  const known = SCHEMES[url.protocol];
  if (known === undefined) {
    throw wrong(`proxies of ${quote(url.protocol)}// are not served, only http, https, socks5 and socks5h`);
  }
  if (url.pathname.length > 1 || url.search !== "") {
    throw wrong("must be like http://HOST:PORT, without a path");
  }
  let user: string | undefined;
  try {
    user = takeUserinfo(url).user;
  } catch {
    throw wrong("its user or password is not valid percent-encoding");
  }
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return { ...known, url: bare, end: endOf(bare), user, variable };
}
