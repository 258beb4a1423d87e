/** The log in a file of its own, which others may move away while the server writes (logrotate). */
import { FerryError, osReason, quote } from "../core/errors.ts";
import { writeFully } from "../core/file_bytes.ts";

/** Appends to the file at `path`. */
export class LogFile implements Disposable {
  readonly #path: string;
  readonly #tell: (line: string) => void;
  #file: Deno.FsFile;
  /** Whether the last write failed, so that it is told once. */
  #failing = false;

  /** Opens or makes it, for its owner and group. `tell` is told, in one line, of trouble later on. Throws `usage`. */
  constructor(path: string, tell: (line: string) => void) {
    this.#path = path;
    this.#tell = tell;
    try {
      this.#file = open(path);
    } catch (error) {
      throw new FerryError("usage", `--log-file ${quote(path)}: cannot be written: ${osReason(error)}`);
    }
  }

  /** Adds `text`, whole lines. What cannot be written is lost: a full disk does not stop the server. */
  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    try {
      writeFully(this.#file, bytes);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#tell(`--log-file ${quote(this.#path)}: cannot be written: ${osReason(error)}`);
      }
      this.#failing = true;
    }
  }

  /** Goes on in the file that is at the path now; in the old one when that cannot be opened, which is told. */
  reopen(): void {
    try {
      const next = open(this.#path);
      this.#file.close();
      this.#file = next;
    } catch (error) {
      this.#tell(
        `--log-file ${quote(this.#path)}: cannot be opened again: ${
          osReason(error)
        }; the old one is written on`,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function open(path: string): Deno.FsFile {
  // Who reads what, and with which links, is nothing for everybody.
  return Deno.openSync(path, { append: true, create: true, mode: 0o640 });
}
