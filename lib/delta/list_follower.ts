/**
 * Where an old version is likely to be cut: where the new one is, whose list is coming in. A chunk of the list that
 * lies in the old bytes is found by its name alone, at a tenth of what it takes to look for its cut.
 */
import { type ChunkGuess, type ChunkList, chunkName } from "./chunk_list.ts";

/** Goes through a list, which may still grow, along with an old content. */
export class ListFollower implements ChunkGuess {
  readonly #list: ChunkList;
  /** What of the list can be found by name, and where it starts. */
  readonly #indexes = new Map<number, number>();
  readonly #starts: number[] = [];
  #known = 0;
  /** What these add up to. */
  #bytes = 0;
  /** The chunk of the list that is likely to come next, and where it starts. */
  #next = 0;
  #at = 0;

  constructor(list: ChunkList) {
    this.#list = list;
  }

  /** Where in the new version the next chunk is likely to lie. */
  get at(): number {
    return this.#at;
  }

  match(bytes: Uint8Array): { length: number; name: number } | null {
    const index = this.#next;
    if (index >= this.#list.count) return null;
    const length = this.#list.lengthAt(index), name = this.#list.nameAt(index);
    if (length > bytes.length || chunkName(bytes.subarray(0, length)) !== name) return null;
    this.#next++;
    this.#at += length;
    return { length, name };
  }

  missed(name: number): void {
    const list = this.#list;
    for (; this.#known < list.count; this.#known++) {
      this.#starts.push(this.#bytes);
      this.#bytes += list.lengthAt(this.#known);
      this.#indexes.set(list.nameAt(this.#known), this.#known);
    }
    // What is changed is most often as many chunks as before.
    const next = Math.min(this.#indexes.get(name) ?? this.#next, list.count - 1) + 1;
    this.#next = next;
    this.#at = this.#starts[next] ?? this.#bytes;
  }
}
