/** The connections to one origin, and the requests that wait for them. */
import type { Dialer } from "../dial/dialer.ts";
import type { Call, Holder } from "./call.ts";
import { Channel, type ChannelEvents } from "./channel.ts";

export interface PoolOptions {
  /** So many connections at most. */
  connections: number;
  /** So many requests at most on one connection whose answers have not come. */
  depth: number;
}

export class Pool implements Holder {
  readonly #dialer: Pick<Dialer, "dial">;
  readonly #options: PoolOptions;
  #queue: Call[] = [];
  #channels: Channel[] = [];
  readonly #dialing = new Set<AbortController>();
  readonly #events: ChannelEvents = {
    free: () => this.#dispatch(),
    returned: (calls) => this.#takeBack(calls),
    closed: (channel) => this.#channels = this.#channels.filter((other) => other !== channel),
  };
  /** Fewer than the options say once the server has refused one beside others. */
  #limit: number;
  #isOpen = true;

  constructor(dialer: Pick<Dialer, "dial">, options: PoolOptions) {
    this.#dialer = dialer;
    this.#options = options;
    this.#limit = options.connections;
  }

  add(call: Call): void {
    call.holder = this;
    this.#queue.push(call);
    this.#dispatch();
  }

  /** Looks after connections that have fallen silent. `now` in milliseconds. */
  check(now: number): void {
    for (const channel of this.#channels) channel.check(now);
  }

  close(): void {
    this.#isOpen = false;
    this.#failAll(this.#queue.splice(0));
    for (const dialing of this.#dialing) dialing.abort();
    for (const channel of this.#channels) channel.close();
  }

  abort(call: Call): void {
    const index = this.#queue.indexOf(call);
    if (index !== -1) this.#queue.splice(index, 1);
    // Nobody else waits for these.
    for (const dialing of this.#dialing) if (this.#dialing.size > this.#queue.length) dialing.abort();
    call.fail(call.signal.reason);
  }

  #dispatch(): void {
    if (this.#queue.length === 0) return;
    let sent = 0;
    for (; sent < this.#queue.length; sent++) {
      const call = this.#queue[sent];
      const channel = this.#channelFor(call);
      if (channel === null) break;
      channel.send(call);
    }
    if (sent === 1) this.#queue.shift();
    else if (sent > 0) this.#queue.splice(0, sent);
    let wanted = this.#queue.length;
    for (const channel of this.#channels) if (channel.isAlmostFree) wanted--;
    while (this.#dialing.size < Math.min(wanted, this.#limit - this.#channels.length)) {
      this.#dial(this.#queue[this.#dialing.size].request.url);
    }
  }

  /** One that does nothing; else, where there cannot be more of them, the one with the fewest requests that takes another. */
  #channelFor(call: Call): Channel | null {
    let best: Channel | null = null;
    for (const channel of this.#channels) {
      if (!channel.takes(call) || channel.length >= this.#options.depth) continue;
      if (channel.length === 0) return channel;
      if (best === null || channel.length < best.length) best = channel;
    }
    return this.#channels.length + this.#dialing.size < this.#limit ? null : best;
  }

  async #dial(url: URL): Promise<void> {
    const controller = new AbortController();
    this.#dialing.add(controller);
    const start = performance.now();
    try {
      const dialed = await this.#dialer.dial(url, controller.signal);
      this.#dialing.delete(controller);
      this.#channels.push(new Channel(dialed, performance.now() - start, this.#events));
    } catch (error) {
      this.#dialing.delete(controller);
      if (controller.signal.aborted) return;
      // A server that takes no more connections still answers on those that it has.
      if (this.#channels.length > 0) this.#limit = this.#channels.length;
      else this.#queue.shift()?.fail(error);
    }
    this.#dispatch();
  }

  #failAll(calls: Call[]): void {
    for (const call of calls) call.fail(new DOMException("the client was closed", "AbortError"));
  }

  #takeBack(calls: Call[]): void {
    if (!this.#isOpen) return this.#failAll(calls);
    for (const call of calls) call.holder = this;
    this.#queue.unshift(...calls);
    this.#dispatch();
  }
}
