/** The connections to one origin, and the requests that wait for them. */
import type { Dialer } from "../dial/dialer.ts";
import type { Call, Holder } from "./call.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import type { Idle } from "./idle.ts";

export class Pool implements Holder {
  readonly #dialer: Pick<Dialer, "dial">;
  #queue: Call[] = [];
  #channels: Channel[] = [];
  readonly #dialing = new Set<AbortController>();
  /** So many connections at most. */
  #limit: number;
  readonly #idle: Idle;
  #isOpen = true;
  /** Whether connections that do nothing keep the server from those that wait. */
  #isCrowded = false;
  readonly #events: ChannelEvents = {
    free: (channel) => {
      this.#dispatch();
      if (!channel.isFree) return;
      if (this.#isCrowded) channel.close();
      else this.#idle.add(channel);
    },
    returned: (call) => this.#takeBack(call),
    closed: (channel) => {
      this.#channels = this.#channels.filter((other) => other !== channel);
      this.#idle.delete(channel);
      this.#dispatch();
    },
  };

  constructor(dialer: Pick<Dialer, "dial">, { limit, idle }: { limit: number; idle: Idle }) {
    this.#dialer = dialer;
    this.#limit = limit;
    this.#idle = idle;
  }

  add(call: Call): void {
    call.holder = this;
    this.#queue.push(call);
    this.#dispatch();
  }

  /** Takes a call out that waits. */
  abort(call: Call): void {
    const index = this.#queue.indexOf(call);
    if (index !== -1) this.#queue.splice(index, 1);
    // Nobody else waits for these, the youngest ones. None of them counts from now on, or who comes next would wait for it.
    for (const dialing of [...this.#dialing].slice(this.#queue.length)) {
      this.#dialing.delete(dialing);
      dialing.abort();
    }
    call.fail(call.signal.reason);
  }

  /** Looks after connections that have fallen silent. `now` in milliseconds. */
  check(now: number): void {
    for (const channel of this.#channels) channel.check(now);
    this.#isCrowded = this.#channels.some((channel) => channel.isIgnored);
    // Some servers have few threads, and each stays with a connection until that ends.
    if (this.#isCrowded) { for (const channel of this.#channels) if (channel.isFree) channel.close(); }
  }

  close(): void {
    this.#isOpen = false;
    for (const call of this.#queue.splice(0)) failClosed(call);
    for (const dialing of this.#dialing) dialing.abort();
    for (const channel of this.#channels) channel.close();
  }

  /** Sends what can be sent, and has as many connections made as the rest needs. */
  #dispatch(): void {
    if (this.#queue.length === 0) return;
    let soon = this.#dialing.size;
    for (const channel of this.#channels) {
      if (channel.isAlmostFree) soon++;
      if (!channel.isFree) continue;
      this.#idle.delete(channel);
      channel.send(this.#queue.shift()!);
      if (this.#queue.length === 0) return;
    }
    for (; soon < this.#queue.length; soon++) {
      if (this.#channels.length + this.#dialing.size >= this.#limit) return;
      this.#dial(this.#queue[soon].request.url);
    }
  }

  async #dial(url: URL): Promise<void> {
    const controller = new AbortController();
    this.#dialing.add(controller);
    try {
      const dialed = await this.#dialer.dial(url, controller.signal);
      this.#dialing.delete(controller);
      const channel = new Channel(dialed, this.#events);
      this.#channels.push(channel);
      this.#idle.add(channel);
      if (!this.#isOpen) channel.close();
    } catch (error) {
      this.#dialing.delete(controller);
      if (controller.signal.aborted) return;
      // A server that takes no more connections still answers on those that it has.
      if (this.#channels.length > 0) this.#limit = this.#channels.length;
      else this.#queue.shift()?.fail(error);
    }
    this.#dispatch();
  }

  #takeBack(call: Call): void {
    if (!this.#isOpen) return failClosed(call);
    call.holder = this;
    this.#queue.unshift(call);
    this.#dispatch();
  }
}

function failClosed(call: Call): void {
  call.fail(new DOMException("the client was closed", "AbortError"));
}
