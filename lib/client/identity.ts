/** Who asks: what goes along with requests to one origin and to no other. */
import { VERSION } from "../core/version.ts";
import { authorization, takeUserinfo } from "./credentials.ts";

export interface IdentityOptions {
  /** `USER:PASSWORD` for basic authentication; wins over the userinfo of the origin's URL. */
  user?: string;
  /** A bearer token, or what gives the one of the moment; wins over `user`. */
  token?: string | (() => string);
  userAgent?: string;
}

/** The credentials for one origin, and the name of this program. */
export class Identity {
  /** The origin that credentials go to, as `URL.origin` gives it. */
  readonly origin: string;
  readonly #userAgent: string;
  readonly #authorization: () => string | null;

  /** Throws `usage` for a token that cannot be sent. */
  constructor(origin: URL, options: IdentityOptions = {}) {
    const { url, user } = takeUserinfo(origin);
    this.origin = url.origin;
    this.#userAgent = options.userAgent ?? `ferry/${VERSION}`;
    const { token } = options;
    if (typeof token === "function") this.#authorization = () => authorization(undefined, token());
    else {
      const fixed = authorization(options.user ?? user, token);
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
    const known = url.origin === this.origin ? this.#authorization() : null;
    if (known !== null && !headers.has("authorization")) headers.set("authorization", known);
    return headers;
  }
}
