import { HeadError } from "./fields.ts";
import { type Head, headEnd, latin1, parseHead } from "./head.ts";
import type { Input } from "./input.ts";

/** What every head begins with. */
const MAGIC = "HTTP/1.";

/** The answer begins with something else; `first` are a few bytes of that. */
export class NotHttp extends Error {
  constructor(readonly first: string) {
    super(first);
  }
}

/** Takes heads from a connection's input. */
export class HeadReader {
  readonly #input: Input;
  /** So many bytes of what is here are known to hold no end. */
  #searched = 0;

  constructor(input: Input) {
    this.#input = input;
  }

  /** The head that is here; null while it is not whole. Throws HeadError and NotHttp, which shows at the first byte. */
  next(): Head | null {
    const { here, isFull } = this.#input;
    if (here.length === 0) return null;
    if (this.#searched < MAGIC.length) {
      // Told at once: who speaks something else may wait for an answer to it.
      const first = latin1(here.subarray(0, MAGIC.length));
      if (!MAGIC.startsWith(first)) throw new NotHttp(latin1(here.subarray(0, 20)));
    }
    const end = headEnd(here, this.#searched);
    this.#searched = end === -1 ? here.length : 0;
    if (end !== -1) {
      const head = parseHead(latin1(here.subarray(0, end)));
      this.#input.take(end);
      return head;
    }
    if (isFull) throw new HeadError("more headers than are accepted");
    return null;
  }
}
