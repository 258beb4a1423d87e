/** What a run says on standard error beside its outcomes. */
import type { Io } from "../cli/io.ts";
import { quote } from "../core/errors.ts";
import { terminalText } from "./answer_text.ts";
import type { RequestSettings } from "./request_settings.ts";

export class RunMessages {
  /** How many URLs were begun. */
  #begun = 0;

  constructor(
    readonly settings: Pick<RequestSettings, "verbose" | "quiet" | "parallel" | "several">,
    readonly io: Pick<Io, "err" | "stderrIsTerminal">,
  ) {}

  /** Takes what users may want to know of a transfer; undefined where they do not. */
  get notice(): ((text: string) => void) | undefined {
    return this.settings.quiet ? undefined : (text) => this.io.err(`ferry: ${terminalText(text)}\n`);
  }

  /** Takes the body of an answer that is an error. */
  get errorBody(): ((bytes: Uint8Array) => void) | undefined {
    return this.settings.quiet ? undefined : (bytes) => this.#showErrorBody(bytes);
  }

  /** What `--verbose` tells of one URL; of several at a time each line says by a number which one it is about. */
  traceFor(url: URL): ((line: string) => void) | undefined {
    const { verbose, parallel, several } = this.settings;
    if (!verbose) return undefined;
    const mark = several && parallel > 1 ? `[${++this.#begun}] ` : "";
    if (mark !== "") this.io.err(`${mark}* ${quote(url.href)}\n`);
    return (line) => this.io.err(`${mark}${line}\n`);
  }

  #showErrorBody(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const text = new TextDecoder().decode(bytes);
    const end = text.endsWith("\n") ? "" : "\n";
    this.io.err((this.io.stderrIsTerminal ? terminalText(text) : text) + end);
  }
}
