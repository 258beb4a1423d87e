/** Standard output that a person looks at. */
import { FerryError, quote } from "../core/errors.ts";
import { terminalText } from "./answer_text.ts";
import type { NamedAnswer } from "./remote_name.ts";
import { type Out, StreamSink } from "./sink.ts";

/** Types that are never text, whatever their first bytes look like. */
const BINARY_TYPE =
  /^(?:audio|font|image|video)\/(?!svg\+xml)|^application\/(?:gzip|pdf|wasm|x-7z|x-bzip|x-gzip|x-rar|x-tar|x-xz|zip|zstd)/i;

/**
 * Shows text with its control characters as escapes, for those of a server could write over what is on the screen or
 * set up the terminal. What is no text is refused with `write_failed` before any of it is shown.
 */
export class TerminalSink extends StreamSink {
  #decoder = new TextDecoder();
  #begun = false;
  #binary = false;
  #url: URL | undefined;
  /** The carriage return that the text ended with so far: alone it is shown, before a line feed it is not. */
  #held = "";

  constructor(out: Out) {
    super(out);
  }

  answered({ headers, url }: NamedAnswer): void {
    this.#url = url;
    this.#binary = BINARY_TYPE.test(headers.get("content-type") ?? "");
  }

  override async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (!this.#begun && (this.#binary || looksBinary(bytes))) {
      const what = this.#url === undefined ? "this" : quote(this.#url.href);
      throw new FerryError(
        "write_failed",
        `${what} is not text, and would garble the terminal: give --output FILE, or --output - to see it all the same`,
      );
    }
    this.#begun = true;
    const text = this.#held + this.#decoder.decode(bytes, { stream: true });
    this.#held = text.endsWith("\r") ? "\r" : "";
    await super.write(shown(this.#held === "" ? text : text.slice(0, -1)));
  }

  override restart(): boolean {
    if (!super.restart()) return false;
    this.#decoder = new TextDecoder();
    this.#held = "";
    this.#begun = false;
    return true;
  }

  override finish(): void {
    const rest = this.#held + this.#decoder.decode();
    if (rest !== "") this.out.write(shown(rest));
    this.#held = "";
  }
}

function shown(text: string): Uint8Array {
  return new TextEncoder().encode(terminalText(text));
}

/** Whether `bytes`, the beginning of a body, have a NUL or are not UTF-8. */
function looksBinary(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return true;
  try {
    // The last character may go on in the next piece.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return false;
  } catch {
    return true;
  }
}
