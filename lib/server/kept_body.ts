/** A content that is sent again and again from memory. */
import { OLD_RUNTIME } from "../core/runtime.ts";

/**
 * Deno 2.9 writes head and content of an answer at once only where both have room in a buffer of the connection: 512
 * bytes, or twice that until a head has room. Two writes take half as long again, on both sides. So under load one
 * answer in so many, a prime that connections which take turns do not share, has a head that makes room for most small
 * files, once for all that follow on its connection.
 */
const PADDING = { "x-padding": "-".repeat(2048) };
const SMALL = 3500;
const EVERY = 127;

/** Load is so many answers in less than this. */
const LOAD_MS = 64;

/** Tells which answers are to be padded. */
export class Padding {
  #small = 0;
  #since = -Infinity;

  /** Whether the next small answer is one of them; `clock` gives ms. */
  isDue(clock: () => number): boolean {
    if (++this.#small < EVERY) return false;
    this.#small = 0;
    const now = clock();
    const load = now - this.#since < LOAD_MS;
    this.#since = now;
    return load;
  }
}

const padding = new Padding();
const clock = () => performance.now();

/**
 * A content with the headers of its 200. To make a Response of bytes copies them, and checks and copies each header; to
 * clone one does neither.
 */
export class KeptBody {
  readonly length: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #response: Response;

  /** Copies `bytes`. `headers` are all that the 200 has; they must not change any more. */
  constructor(bytes: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>) {
    this.length = bytes.length;
    this.#headers = headers;
    const response = new Response(bytes, { headers });
    // A new Response has a copy of its headers ready for the network, until it is asked for them. A clone has none.
    void response.headers;
    this.#response = response.clone();
  }

  /** A 200 with `headers`; quick where these are its own. */
  response(headers: Readonly<Record<string, string>>): Response {
    const response = this.#response.clone();
    if (headers !== this.#headers) add(response, headers, this.#headers);
    else if (this.length <= SMALL && !OLD_RUNTIME && padding.isDue(clock)) add(response, PADDING);
    return response;
  }

  /** The content; not to be written to. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#response.clone().bytes();
  }
}

/** Gives `response` the `headers` that it has not yet: those in `there`. */
function add(
  response: Response,
  headers: Readonly<Record<string, string>>,
  there: Readonly<Record<string, string>> = {},
): void {
  for (const [name, value] of Object.entries(headers)) {
    if (there[name] !== value) response.headers.set(name, value);
  }
}
