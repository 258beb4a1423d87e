/** Where log lines go: many in one write, so that a line costs next to nothing. */

/** So many characters are written at once. */
const FLUSH_LENGTH = 32 * 1024;

/** No line waits longer than this. */
const FLUSH_MS = 100;

/** Collects lines and hands them to `write` in order. */
export class LogBuffer {
  readonly #write: (text: string) => void;
  #text = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Adds one line, with its line break. */
  add(line: string): void {
    this.#text += line;
    if (this.#text.length >= FLUSH_LENGTH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Writes what is left. A log that cannot be written (its reader is gone) does not stop the server. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = "";
    if (text === "") return;
    try {
      this.#write(text);
    } catch {
      // Nobody reads it.
    }
  }
}
