/** `--input`: jobs from a file or a pipe, a line each, in constant memory. */
import { FerryError, quote, readError } from "../../core/errors.ts";
import { type LineContext, parseLine } from "./input_line.ts";
import type { Job } from "./job.ts";

/** No URL and no set of options is so long. */
const MAX_LINE = 1 << 20;

export interface InputOptions {
  /** Files have to stay in the folder that a flag names. */
  below?: boolean;
}

export class InputFile {
  readonly #open: () => Promise<ReadableStream<Uint8Array>>;

  constructor(
    readonly name: string,
    open: () => Promise<ReadableStream<Uint8Array>>,
    readonly options: InputOptions,
  ) {
    this.#open = open;
  }

  /**
   * The file `path`, all of whose lines have been checked, or what comes through a pipe, which is read as it comes; `-`
   * is `stdin`. Throws `read_failed`, and `usage` for a bad line.
   */
  static async open(
    path: string,
    stdin: ReadableStream<Uint8Array>,
    options: InputOptions = {},
  ): Promise<InputFile> {
    if (path === "") throw new FerryError("usage", "--input is empty");
    if (path === "-") return new InputFile("stdin", () => Promise.resolve(stdin), options);
    const input = new InputFile(
      path,
      async () => (await reading(path, () => Deno.open(path))).readable,
      options,
    );
    const info = await reading(path, () => Deno.stat(path));
    if (info.isDirectory) throw new FerryError("read_failed", `cannot read ${quote(path)}: it is a folder`);
    if (info.isFile) await input.#check();
    return input;
  }

  /** Its jobs. A bad line is one that cannot be done. */
  async *jobs(): AsyncGenerator<Job> {
    for await (const { line, context } of this.#lines()) {
      const job = this.#job(line, context);
      if (job !== null) yield job;
    }
  }

  #job(line: string, context: LineContext): Job | null {
    try {
      return parseLine(line, context);
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      return { target: "", fault: error };
    }
  }

  async #check(): Promise<void> {
    for await (const { line, context } of this.#lines()) parseLine(line, context);
  }

  async *#lines(): AsyncGenerator<{ line: string; context: LineContext }> {
    const context = (number: number) => ({ where: `${this.name}:${number}`, below: this.options.below });
    let number = 1;
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of await this.#open()) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.length > MAX_LINE) throw this.#tooLong(number);
        yield { line, context: context(number++) };
      }
      if (rest.length > MAX_LINE) throw this.#tooLong(number);
    }
    rest += decoder.decode();
    if (rest !== "") yield { line: rest, context: context(number) };
  }

  #tooLong(number: number): FerryError {
    return new FerryError(
      "usage",
      `${quote(this.name)}:${number}: the line is longer than ${MAX_LINE} characters`,
    );
  }
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw readError(error, path);
  }
}
