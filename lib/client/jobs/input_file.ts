/** `--input`: jobs from a file or a pipe, a line each, in constant memory. */
import { FerryError, quote, readError } from "../../core/errors.ts";
import { openStream } from "../named_pipe.ts";
import { parseLine } from "./input_line.ts";
import type { Job } from "./job.ts";
import type { Stream } from "./stream.ts";

/** So much of a file is read at a time. */
const PIECE = 256 * 1024;

/** No URL and no set of options is so long. */
const MAX_LINE = 1 << 20;

export interface InputOptions {
  /** Files have to stay in the folder that a flag names. */
  below?: boolean;
}

/** Lines as they were read together, and the number of the first one. */
interface Piece {
  lines: string[];
  number: number;
}

export class InputFile {
  readonly #open: () => Promise<AsyncIterable<Uint8Array>>;

  constructor(
    readonly name: string,
    open: () => Promise<AsyncIterable<Uint8Array>>,
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
    const info = await reading(path, () => Deno.stat(path));
    const input = new InputFile(path, async () => {
      const file = await reading(path, () => openStream(path, info));
      return info.isFile ? piecesOf(file) : file.readable;
    }, options);
    if (info.isDirectory) throw new FerryError("read_failed", `cannot read ${quote(path)}: it is a folder`);
    if (info.isFile) await input.#check();
    return input;
  }

  /** The jobs of `first`, and then its own. A bad line is one that cannot be done. */
  jobs(first: Iterator<Job>): Stream<Job> {
    const pieces = this.#pieces();
    let here: Iterator<Job> = first;
    const more = async (): Promise<IteratorResult<Job>> => {
      for (;;) {
        const piece = await pieces.next();
        if (piece.done) return { done: true, value: undefined };
        here = this.#jobsIn(piece.value);
        const step = here.next();
        if (!step.done) return step;
      }
    };
    const next = () => {
      const step = here.next();
      return step.done ? more() : step;
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: () => pieces.return(undefined) }) };
  }

  *#jobsIn(piece: Piece): Generator<Job> {
    let { number } = piece;
    for (const line of piece.lines) {
      const job = this.#job(line, number++);
      if (job !== null) yield job;
    }
  }

  #job(line: string, number: number): Job | null {
    try {
      return this.#parse(line, number);
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      return { target: "", fault: error };
    }
  }

  #parse(line: string, number: number): Job | null {
    return parseLine(line, { where: `${this.name}:${number}`, below: this.options.below });
  }

  async #check(): Promise<void> {
    for await (const { lines, number } of this.#pieces()) {
      for (const [index, line] of lines.entries()) this.#parse(line, number + index);
    }
  }

  async *#pieces(): AsyncGenerator<Piece> {
    let number = 1;
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of await this.#open()) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      const long = [...lines, rest].findIndex((line) => line.length > MAX_LINE);
      if (long !== -1) throw this.#tooLong(number + long);
      yield { lines, number };
      number += lines.length;
    }
    rest += decoder.decode();
    if (rest !== "") yield { lines: [rest], number };
  }

  #tooLong(number: number): FerryError {
    return new FerryError(
      "usage",
      `${quote(this.name)}:${number}: the line is longer than ${MAX_LINE} characters`,
    );
  }
}

/** The content of a file, piece by piece, each of which is good until the next one is asked for. */
async function* piecesOf(file: Deno.FsFile): AsyncGenerator<Uint8Array> {
  using _ = file;
  const memory = new Uint8Array(PIECE);
  for (let length; (length = await file.read(memory)) !== null;) yield memory.subarray(0, length);
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw readError(error, path);
  }
}
