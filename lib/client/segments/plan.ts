/**
 * Who fetches which bytes. Each connection holds a run of them; one that is done takes the next that nobody has, and
 * then the latter half of the largest rest, so that no slow connection decides when the whole is there. Pure.
 */
import { addSpan, countOf, gaps, type Span } from "./spans.ts";

/** A connection that would bring less is not worth its making. */
export const LEAST_SEGMENT = 1 << 20;
/** The first answer brings so much, and tells how large the whole is. */
export const FIRST_BYTES = 1 << 20;
/** A rest is shared between two connections as long as it is twice that. */
export const LEAST_SHARE = 512 << 10;

/** From here on a piece is large enough for one more request after it. */
const LARGE_PIECE = 16 << 20;

/**
 * What each of `connections` is given at once of what is `missing`. Into a file it is its share, or a third of that
 * where the beginning is wanted early (`ordered`); into a pipe not too much of its `window`. Bytes.
 */
export function pieceOf(
  missing: number,
  connections: number,
  { window, ordered }: { window: number | null; ordered: boolean },
): number {
  if (window !== null) {
    // A fifth of the window is left for those that are ahead of the others.
    return Math.max(FIRST_BYTES / 4, Math.min(4 << 20, Math.floor(window / (1.25 * connections))));
  }
  const share = Math.ceil(missing / connections);
  return Math.max(LEAST_SEGMENT, ordered && share >= 3 * LARGE_PIECE ? Math.ceil(share / 3) : share);
}

export interface PlanOptions {
  /** What is there already. */
  have?: readonly Span[];
  /** So many bytes at most are given to a connection at once. */
  piece: number;
  /** A rest is shared as long as each half has at least so many bytes. */
  least: number;
}

/** What a connection has taken on: it has the bytes from `start` to `at`, those up to `end` are to come. */
interface Hold {
  start: number;
  at: number;
  end: number;
}

/** The bytes of one resource, from the first one to be asked for to the last one that came. */
export class SegmentPlan {
  #done: Span[];
  #free: Span[];
  readonly #holds = new Map<number, Hold>();
  readonly #options: PlanOptions;

  constructor(readonly size: number, options: PlanOptions) {
    if (!Number.isSafeInteger(size) || !Number.isSafeInteger(options.piece) || options.piece < 1) {
      throw new RangeError(`a plan for ${size} bytes in pieces of ${options.piece}`);
    }
    this.#options = options;
    this.#done = (options.have ?? []).reduce<Span[]>(addSpan, []);
    this.#free = gaps(this.#done, size);
  }

  /** Whether every byte is there, and nobody holds any. */
  get done(): boolean {
    return this.#free.length === 0 && this.#holds.size === 0;
  }

  /**
   * Gives the connection `id`, which holds nothing, what to fetch next, below `before` only; null when there is
   * nothing now.
   */
  claim(id: number, before: number = Infinity): Span | null {
    if (this.#holds.has(id)) throw new Error(`${id} holds something`);
    const [first, ...others] = this.#free;
    if (first !== undefined && first.start < before) {
      const end = Math.min(first.end, first.start + this.#options.piece, before);
      this.#free = end < first.end ? [{ start: end, end: first.end }, ...others] : others;
      return this.#hold(id, { start: first.start, end });
    }
    const [largest] = [...this.#holds.values()].sort((a, b) => b.end - b.at - (a.end - a.at));
    return largest === undefined ? null : this.#halve(largest, id, this.#options.least);
  }

  /** Gives `id`, which holds nothing, half of what `slow` still has to bring; null when each half has less than `least`. */
  share(slow: number, id: number, least: number): Span | null {
    const hold = this.#holds.get(slow);
    return hold === undefined ? null : this.#halve(hold, id, least);
  }

  #halve(hold: Hold, id: number, least: number): Span | null {
    if (hold.end - hold.at < 2 * least) return null;
    const middle = hold.at + Math.ceil((hold.end - hold.at) / 2);
    const span = { start: middle, end: hold.end };
    hold.end = middle;
    return this.#hold(id, span);
  }

  #hold(id: number, span: Span): Span {
    this.#holds.set(id, { start: span.start, at: span.start, end: span.end });
    return span;
  }

  /** The bytes that `id` still has to bring; the end comes nearer when another one takes a part. */
  rest(id: number): Span {
    const { at, end } = this.#of(id);
    return { start: at, end };
  }

  /** `id` has brought `count` more. */
  advance(id: number, count: number): void {
    const hold = this.#of(id);
    if (count < 0 || hold.at + count > hold.end) throw new RangeError(`${count} is not what ${id} holds`);
    hold.at += count;
  }

  /** `id` is done, or has failed: what it has not brought is there for others. Gives what it brought. */
  release(id: number): Span {
    const { start, at, end } = this.#of(id);
    this.#holds.delete(id);
    this.#done = addSpan(this.#done, { start, end: at });
    this.#free = addSpan(this.#free, { start: at, end });
    return { start, end: at };
  }

  /** What is there, in order. */
  have(): Span[] {
    return [...this.#holds.values()].reduce(
      (all, { start, at }) => addSpan(all, { start, end: at }),
      this.#done,
    );
  }

  /** How many bytes are there before the first gap. */
  get beginning(): number {
    const [first] = this.have();
    return first?.start === 0 ? first.end : 0;
  }

  /** How many bytes are there. */
  get count(): number {
    return countOf(this.have());
  }

  #of(id: number): Hold {
    const hold = this.#holds.get(id);
    if (hold === undefined) throw new Error(`${id} holds nothing`);
    return hold;
  }
}
