/** Who asks: what goes along with requests to one origin and to no other, but for what `.netrc` has for others. */
import { FerryError, quote } from "../../core/errors.ts";
import { VERSION } from "../../core/version.ts";
import { authorization, takeUserinfo } from "./credentials.ts";
import type { Netrc } from "./netrc.ts";

export interface IdentityOptions {
  /** `USER:PASSWORD` for basic authentication, or with `netrc` only `USER`; wins over the userinfo of the origin's URL. */
  user?: string;
  /** A bearer token, or what gives the one of the moment; wins over `user`. */
  token?: string | (() => string);
  /** The logins of this user's machines, for where nothing else is given. */
  netrc?: Netrc;
  /** A bearer token for where nobody said anything and no machine is known. */
  ambientToken?: string;
  userAgent?: string;
}

/** The credentials for one origin, and the name of this program. */
export class Identity {
  /** The origin that credentials go to, as `URL.origin` gives it. */
  readonly origin: string;
  readonly #userAgent: string;
  readonly #authorization: () => string | null;
  readonly #hostname: string;
  readonly #netrc: Netrc | undefined;

  /** Throws `usage` for a token that cannot be sent, and for a user without a password that `netrc` does not know. */
  constructor(origin: URL, options: IdentityOptions = {}) {
    const { url, user } = takeUserinfo(origin);
    this.origin = url.origin;
    this.#hostname = url.hostname;
    this.#netrc = options.netrc;
    this.#userAgent = options.userAgent ?? `ferry/${VERSION}`;
    const { token } = options;
    if (typeof token === "function") this.#authorization = () => authorization(undefined, token());
    else {
      const fixed = ownAuthorization(url, { ...options, token, user: options.user ?? user });
      this.#authorization = () => fixed;
    }
  }

  /**
   * `given` and what goes along to `url`: credentials to the own origin, unless there are some. No coding is asked for
   * unless `given` does, so that the bytes are the resource's and ranges count them.
   */
  headersFor(url: URL, given?: HeadersInit): Headers {
    const headers = new Headers(given);
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    if (!headers.has("user-agent")) headers.set("user-agent", this.#userAgent);
    const known = url.origin === this.origin ? this.#authorization() : this.#elsewhere(url);
    if (known !== null && !headers.has("authorization")) headers.set("authorization", known);
    return headers;
  }

  /**
   * What goes along to another origin, that an answer has led to: the login that `.netrc` has for that very machine. Not
   * its default, which would be for whomever the answer names; nothing to another port of the same host, and nothing
   * without TLS when the first request had it.
   */
  #elsewhere(url: URL): string | null {
    if (this.#netrc === undefined || url.hostname === this.#hostname) return null;
    if (url.protocol !== "https:" && this.origin.startsWith("https:")) return null;
    return basic(this.#netrc.machine(url.hostname));
  }
}

/** What was given decides, then what is known of the machine, then what lies in the environment, then the default. */
function ownAuthorization(url: URL, options: IdentityOptions & { token?: string }): string | null {
  const { user, token, netrc, ambientToken } = options;
  if (token !== undefined) return authorization(undefined, token);
  if (user !== undefined) return authorization(withPassword(user, url, netrc), undefined);
  return basic(netrc?.machine(url.hostname)) ?? authorization(undefined, ambientToken) ??
    basic(netrc?.default);
}

/** `user` with the password that `netrc` has for it where it has none of its own. */
function withPassword(user: string, { hostname, host }: URL, netrc: Netrc | undefined): string {
  const [, login, password] = /^([^:]*):?([^]*)$/.exec(user)!;
  if (password !== "") return user;
  const known = netrc?.machine(hostname, login);
  if (known) return `${login}:${known.password}`;
  if (user.includes(":")) return user;
  throw new FerryError("usage", `--netrc: it has no password of ${quote(login)} for ${host}`);
}

function basic(entry: { login: string; password: string } | null | undefined): string | null {
  return entry ? authorization(`${entry.login}:${entry.password}`, undefined) : null;
}
