/** The note beside a part while the download is under way. */
import { noteText, type PartNote } from "./part_note.ts";
import { writeFully } from "../../core/file_bytes.ts";
import { openOwn } from "./part_lock.ts";

/** A part that is so many milliseconds old is worth a note, even should the program be killed. */
const SOON = 250;

export class PartNoteFile {
  /** What it says; null when there is nothing that could be gone on from. */
  note: PartNote | null = null;
  #isWritten = false;
  #length = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `path` gives where it lies; that may change as long as it is not written. */
  constructor(readonly path: () => string) {}

  /** Whether it is on the disk. */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  /** Puts it on the disk; gives whether it is there. */
  write(): boolean {
    if (this.note === null) return false;
    // Over the one before, and not shorter: so it needs no room on a disk that is full.
    const text = noteText(this.note).padEnd(this.#length) + "\n";
    this.#length = text.length - 1;
    try {
      // The URL may carry a signature: not for others to read.
      using file = openOwn(this.path(), 0o600);
      const bytes = new TextEncoder().encode(text);
      writeFully(file, bytes);
      file.truncateSync(bytes.length);
      return this.#isWritten = true;
    } catch {
      // Without a note the part cannot be gone on from; the download itself is not in danger.
      return false;
    }
  }

  /** Puts it on the disk in a moment, unless it is written, forgotten or let be before. */
  writeSoon(): void {
    if (this.#timer !== undefined) return;
    const timer = this.#timer = setTimeout(() => {
      // One that is due with another one may still be called when it has been cleared.
      if (this.#timer !== timer) return;
      this.#timer = undefined;
      if (!this.#isWritten) this.write();
    }, SOON);
  }

  /** Leaves it as it is from now on. */
  letBe(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Removes it, if it is there. */
  forget(): void {
    this.letBe();
    this.#isWritten = false;
    this.#length = 0;
    try {
      Deno.removeSync(this.path());
    } catch {
      // There is none.
    }
  }
}
