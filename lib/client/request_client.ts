/** Requests of one identity over the connections that all share. */
import type { WireAnswer } from "./http1/answer.ts";
import type { Http1Client } from "./http1/client.ts";
import { prepareFields, type RequestBody, type RequestFields, type WireTrace } from "./http1/request.ts";
import { Identity, type IdentityOptions } from "./credentials/identity.ts";

export interface RequestInit {
  method: string;
  headers: Headers;
  body?: RequestBody | null;
  signal: AbortSignal;
  trace?: WireTrace;
}

export class RequestClient {
  readonly #identity: Identity;

  /** Of a user at the origin of `url`. Throws `usage` for a token that cannot be sent. */
  constructor(url: URL, readonly wire: Http1Client, options: IdentityOptions = {}) {
    this.#identity = new Identity(url, options);
  }

  /** What `headers` become for `url`, made ready for one request or for many. Throws `usage`. */
  fieldsFor(url: URL, headers: Headers): RequestFields {
    const all = this.#identity.headersFor(url, headers);
    if (!all.has("accept")) all.set("accept", "*/*");
    return prepareFields(all);
  }

  /** The answer to one request; redirects are answers like any other. Throws as `Http1Client.send` does. */
  async send(url: URL, { method, headers, body, signal, trace }: RequestInit): Promise<WireAnswer> {
    return await this.wire.send({ url, method, fields: this.fieldsFor(url, headers), body, trace }, signal);
  }
}
