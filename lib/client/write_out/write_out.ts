/** `--write-out FORMAT`, loaded where it is given. */
import { FerryError, quote, readError } from "../../core/errors.ts";
import { readFully } from "../../core/file_bytes.ts";
import { Facts, type Report } from "./facts.ts";
import { type Format, needs, parseFormat, render, type Stream } from "./format.ts";

/** No format is so long. */
const MAX_BYTES = 1 << 20;

export class WriteOut {
  readonly #format: Format;
  readonly #terminals: Readonly<Record<Stream, boolean>>;

  /** `value` is a format, or `@FILE` with one. Throws `usage` and `read_failed`. */
  constructor(value: string, terminals: Readonly<Record<Stream, boolean>>) {
    this.#format = parseFormat(value.startsWith("@") ? readFormat(value.slice(1)) : value);
    this.#terminals = terminals;
  }

  /** Whether the SHA-256 of bodies are wanted. */
  get wantsSha256(): boolean {
    return needs(this.#format, "sha256");
  }

  /** Whether names are to be looked up by themselves, so that the time for that is known. */
  get wantsLookup(): boolean {
    return needs(this.#format, "lookup");
  }

  /** Whether it takes more than how a URL ended. */
  get wantsFacts(): boolean {
    return needs(this.#format, "facts");
  }

  /** Of a URL that is begun. */
  facts(): Facts {
    return new Facts();
  }

  /** What is to be written about a URL that is done with. */
  texts(
    { outcome, ms, target, facts }: Omit<Report, "facts"> & { facts?: Facts },
  ): { stream: Stream; text: string }[] {
    const report: Report = { outcome, ms, target, facts: facts ?? new Facts() };
    // One that came by the lane for many.
    if (facts === undefined) report.facts.received = outcome.bytes;
    return render(this.#format, report, this.#terminals);
  }
}

/** A format in a file has line breaks where its writer likes them; those that are to be written are `\n`, as for curl. */
function readFormat(path: string): string {
  if (path === "" || path === "-") {
    throw new FerryError("usage", `--write-out @${path}: @ is followed by the name of a file`);
  }
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(MAX_BYTES + 1);
    const length = readFully(file, bytes);
    if (length > MAX_BYTES) throw new FerryError("usage", `--write-out @${quote(path)}: it is too long`);
    return new TextDecoder().decode(bytes.subarray(0, length)).replace(/[\r\n]+/g, "");
  } catch (error) {
    throw error instanceof FerryError ? error : readError(error, path);
  }
}
