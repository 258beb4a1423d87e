/** The clients of one call: as few as there are origins and users, over connections that all of them share. */
import { Http1Client } from "./http1/client.ts";
import type { IdentityOptions } from "./credentials/identity.ts";
import { RequestClient } from "./request_client.ts";
import type { RequestSettings } from "./request_settings.ts";

/** To one server. */
const MOST_CONNECTIONS = 256;

export class RequestClients implements Disposable {
  readonly #wire: Http1Client;
  readonly #identity: IdentityOptions;
  readonly #clients = new Map<string, RequestClient>();

  constructor(
    { dialer, segments, parallel, identity }: Pick<
      RequestSettings,
      "dialer" | "segments" | "parallel" | "identity"
    >,
  ) {
    const connections = Math.min(Math.max(16, segments * parallel), MOST_CONNECTIONS);
    this.#wire = new Http1Client(dialer, { connections });
    this.#identity = identity;
  }

  /** That for the origin of `url` and `user`; a `foreign` one gets to know nothing that the flags say. */
  for(url: URL, user: string | undefined, { foreign = false } = {}): RequestClient {
    const key = `${url.origin} ${foreign} ${user ?? ""}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      // What stands in the URL is meant for it alone, and wins over a token of the environment; what the flags say is not
      // for a mirror.
      client = new RequestClient(
        url,
        this.#wire,
        user === undefined && !foreign ? this.#identity : { ...this.#identity, user, token: undefined },
      );
      this.#clients.set(key, client);
    }
    return client;
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }
}
