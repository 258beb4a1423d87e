/** A secret from whoever runs the command: typed without being shown, or a line on stdin. */
import { FerryError } from "../core/errors.ts";
import type { Io } from "./io.ts";

/** Longer ones are no passwords and no tokens. */
const MAX_BYTES = 64 * 1024;

const [BACKSPACE, END, CLEAR, ENTER, NEWLINE, DELETE] = [0x08, 0x04, 0x15, 0x0d, 0x0a, 0x7f];

/** One line without its end; `prompt` is shown on a terminal only. Throws `usage` for one that is too long or no UTF-8. */
export async function readSecret(io: Pick<Io, "stdin" | "err" | "stop">, prompt: string): Promise<string> {
  const bytes = Deno.stdin.isTerminal() ? await typed(io, prompt) : await firstLine(io.stdin);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FerryError("usage", "what came on standard input is not UTF-8");
  }
}

async function typed({ err, stop }: Pick<Io, "err" | "stop">, prompt: string): Promise<Uint8Array> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1024);
  const stopped = new Promise<never>((_, reject) => {
    if (stop.aborted) reject(stop.reason);
    stop.addEventListener("abort", () => reject(stop.reason), { once: true });
  });
  Deno.stdin.setRaw(true, { cbreak: true });
  err(prompt);
  try {
    for (;;) {
      const count = await Promise.race([Deno.stdin.read(buffer), stopped]);
      if (count === null) return Uint8Array.from(bytes);
      for (const byte of buffer.subarray(0, count)) {
        if (byte === ENTER || byte === NEWLINE || byte === END) return Uint8Array.from(bytes);
        if (byte === CLEAR) bytes.length = 0;
        else if (byte === BACKSPACE || byte === DELETE) removeCharacter(bytes);
        else bytes.push(byte);
      }
      checkLength(bytes.length);
    }
  } finally {
    Deno.stdin.setRaw(false);
    err("\n");
  }
}

/** Takes the last character of UTF-8 away: its continuation bytes, then the first one. */
function removeCharacter(bytes: number[]): void {
  while (((bytes.pop() ?? 0) & 0xc0) === 0x80);
}

async function firstLine(stdin: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const bytes: number[] = [];
  for await (const chunk of stdin) {
    const end = chunk.indexOf(NEWLINE);
    checkLength(bytes.length + chunk.length);
    bytes.push(...(end === -1 ? chunk : chunk.subarray(0, end)));
    if (end !== -1) break;
  }
  if (bytes.at(-1) === ENTER) bytes.pop();
  return Uint8Array.from(bytes);
}

function checkLength(length: number): void {
  if (length > MAX_BYTES) throw new FerryError("usage", "the line on standard input is too long");
}
