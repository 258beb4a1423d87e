import { writeError } from "../core/errors.ts";

/** Why `Io.stop` was aborted, as its reason: the exit status is 128 plus the number of the signal. */
export interface StopReason {
  signal: "SIGINT" | "SIGTERM";
  status: number;
}

/** The streams and settings a command works with; a test can hand in its own. */
export interface Io {
  /**
   * Writes text to stdout: the answer. Like the others for stdout it throws BrokenPipe when the reader has gone, else
   * what `writeError` makes of it.
   */
  out(text: string): void;
  /** Writes text to stderr: everything else. */
  err(text: string): void;
  /** Writes bytes to stdout, all of them. */
  write(bytes: Uint8Array): void;
  /** The same without holding up the event loop while a pipe is full, so that signals and time limits still work. */
  writeAsync?(bytes: Uint8Array): Promise<void>;
  readonly stdin: ReadableStream<Uint8Array>;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Columns and rows of the terminal, or a guess. */
  columns(): number;
  rows(): number;
  /** Aborted by SIGINT and SIGTERM; its reason is a StopReason. */
  readonly stop: AbortSignal;
  env(name: string): string | undefined;
}

/** Whether `io` has a terminal for lines that are redrawn. */
export function isLive(io: Io): boolean {
  return io.stderrIsTerminal && io.env("TERM") !== "dumb";
}

const encoder = new TextEncoder();

/** The process's own streams. `stop` is aborted from outside, by whoever handles signals. */
export function processIo(stop: AbortSignal): Io {
  return {
    out: (text) => answer(encoder.encode(text)),
    err: tell,
    write: answer,
    writeAsync: answerAsync,
    stdin: Deno.stdin.readable,
    get stdoutIsTerminal() {
      return Deno.stdout.isTerminal();
    },
    get stderrIsTerminal() {
      return Deno.stderr.isTerminal();
    },
    columns: () => terminalSize().columns || 80,
    rows: () => terminalSize().rows || 24,
    stop,
    env: (name) => Deno.env.get(name),
  };
}

function answer(bytes: Uint8Array): void {
  try {
    writeAll(Deno.stdout, bytes);
  } catch (error) {
    throw answerError(error);
  }
}

async function answerAsync(bytes: Uint8Array): Promise<void> {
  try {
    await writeAllAsync(bytes);
  } catch (error) {
    throw answerError(error);
  }
}

/** A reader that has left is not an error to report; the program ends quietly. */
function answerError(error: unknown): unknown {
  return error instanceof Deno.errors.BrokenPipe ? error : writeError(error, "standard output");
}

/** Text on stderr. A reader that has gone, or a log on a full disk, shall not end what is being told of. */
function tell(text: string): void {
  try {
    writeAll(Deno.stderr, encoder.encode(text));
  } catch {
    // There is nobody to say it to.
  }
}

function terminalSize(): { columns: number; rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    return { columns: 0, rows: 0 };
  }
}

/** Writes every byte: a pipe may take less than it is given, and one set to non-blocking may take none for a while. */
function writeAll(target: { writeSync(p: Uint8Array): number }, bytes: Uint8Array): void {
  let sent = 0;
  while (sent < bytes.length) {
    try {
      sent += target.writeSync(bytes.subarray(sent));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

async function writeAllAsync(bytes: Uint8Array): Promise<void> {
  let sent = 0;
  while (sent < bytes.length) {
    try {
      sent += await Deno.stdout.write(bytes.subarray(sent));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
