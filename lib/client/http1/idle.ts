/** Connections that nobody needs at the moment, to all origins: kept for the next request, but not any number of them. */
import type { Channel } from "./channel.ts";

export class Idle {
  /** The one that has waited longest first. */
  readonly #channels = new Set<Pick<Channel, "close">>();

  constructor(readonly most: number) {}

  /** `channel` has nothing to do. Where that makes too many, the one that has waited longest is closed. */
  add(channel: Pick<Channel, "close">): void {
    this.#channels.delete(channel);
    this.#channels.add(channel);
    if (this.#channels.size <= this.most) return;
    const [oldest] = this.#channels;
    this.#channels.delete(oldest);
    oldest.close();
  }

  /** `channel` has something to do again, or is closed. */
  delete(channel: Pick<Channel, "close">): void {
    this.#channels.delete(channel);
  }
}
