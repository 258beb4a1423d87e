// deno-lint-ignore-file no-control-regex -- control characters are what this is about
/** The program on a pseudo terminal, and what a person sees there. */
import { ENV, ferryCommand } from "./harness.ts";

export interface TerminalOptions {
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
  /** Where the shell sends its streams: `> file`. */
  redirect?: string;
  cwd?: string;
  /** What a person types once the terminal shows `prompt`; the terminal shows keys unless the program says otherwise. */
  typed?: { prompt: string; keys: string };
}

export interface TerminalRun {
  code: number;
  /** All that the terminal was sent. */
  raw: string;
}

/** Runs `ferry ARGS` on a terminal; null, and a line that says so, where there is no `script` (util-linux). */
export async function onTerminal(
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<TerminalRun | null> {
  const { columns = 80, rows = 24 } = options;
  const { path, args: all } = ferryCommand(args);
  const quoted = [path, ...all].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const line = `stty cols ${columns} rows ${rows} ${options.typed ? "" : "-echo"}; ${quoted} ${
    options.redirect ?? ""
  }`;
  try {
    const child = new Deno.Command("script", {
      args: ["-qefc", line, "/dev/null"],
      env: { ...ENV, TERM: "xterm", ...options.env },
      cwd: options.cwd,
      stdin: options.typed ? "piped" : "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let raw = "";
    let { typed } = options;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      raw += text;
      if (typed === undefined || !raw.includes(typed.prompt)) continue;
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(typed.keys));
      // Its end would be one for the terminal.
      writer.releaseLock();
      typed = undefined;
    }
    if (options.typed) await child.stdin.close().catch(() => {});
    return { code: (await child.status).code, raw };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("skipped: no `script`");
    return null;
  }
}

/** As much of a terminal as the program uses (ECMA-48); anything else is an error. */
export class Screen {
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(readonly columns: number, readonly rows: number) {}

  /** Shows `text` and gives the screens that a person saw on the way: one each time the cursor goes back. */
  write(text: string): string[][] {
    const frames: string[][] = [];
    for (const [token] of text.matchAll(/\x1b\[\d*[A-Za-z]|\r\n|[^]/gu)) {
      if (token.endsWith("A") && token.length > 1 || token === "\r" && this.#column > 0) {
        frames.push(this.lines());
      }
      this.#apply(token);
    }
    return frames;
  }

  lines(): string[] {
    const lines = this.#rows.map((row) => Array.from(row, (cell) => cell ?? " ").join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  #apply(token: string): void {
    const row = this.#rows[this.#row];
    if (token === "\r") this.#column = 0;
    else if (token === "\r\n") {
      this.#column = 0;
      this.#down();
    } else if (token === "\x1b[K") row.length = Math.min(row.length, this.#column);
    else if (token === "\x1b[J") {
      row.length = Math.min(row.length, this.#column);
      this.#rows.length = this.#row + 1;
    } else if (/^\x1b\[\d+A$/.test(token)) this.#row = Math.max(0, this.#row - parseInt(token.slice(2)));
    else if (/^[\x00-\x1f\x7f-\x9f]/.test(token)) throw new Error(`odd control: ${JSON.stringify(token)}`);
    else this.#put(token);
  }

  #put(character: string): void {
    const width = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff01-\uff60\u{1f300}-\u{1f9ff}]/u.test(character)
      ? 2
      : 1;
    if (this.#column + width > this.columns) {
      this.#column = 0;
      this.#down();
    }
    const row = this.#rows[this.#row];
    row[this.#column] = character;
    if (width === 2) row[this.#column + 1] = "";
    this.#column += width;
  }

  #down(): void {
    if (this.#row === this.rows - 1) this.#rows.shift();
    else this.#row++;
    this.#rows[this.#row] ??= [];
  }
}
