/** Where a body goes. Whatever the kind, a byte that was written is never written twice. */
import { FerryError, quote, writeError } from "../core/errors.ts";
import type { NamedAnswer } from "./remote_name.ts";
import type { Position } from "./transfer/resume.ts";

/** What takes the body of an answer. */
export interface Sink {
  /** The path that the bytes end up under; undefined for standard output. */
  readonly path?: string;
  /** The head of the answer whose body follows has come, before `begin`. */
  answered?(answer: NamedAnswer): void;
  /** Takes all of `bytes`; the buffer is the caller's again afterwards. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Makes ready for bytes from `position` on, before the first `write` and after `restart`. */
  begin(position: Position, url: URL): void;
  /** Forgets what was written; false when it has gone out and cannot be taken back. */
  restart(): boolean;
  /** Everything is there and right: shows it. */
  finish(): void;
  /** The end of a failed run. `keep` says that what is there can be gone on from. Gives the path that it is kept under. */
  abandon(position: Position, keep: boolean): string | null;
}

/** The part of an Io that standard output needs. */
export interface Out {
  write(bytes: Uint8Array): void;
  writeAsync?(bytes: Uint8Array): Promise<void>;
  /** Nothing more comes. */
  close?(): void;
}

/** Standard output, or anything else that cannot be taken back. */
export class StreamSink implements Sink {
  #written = false;

  /** `path` names a device or pipe that `out` writes to. */
  constructor(readonly out: Out, readonly path?: string) {}

  async write(bytes: Uint8Array): Promise<void> {
    this.#written ||= bytes.length > 0;
    try {
      if (this.out.writeAsync) await this.out.writeAsync(bytes);
      else this.out.write(bytes);
    } catch (error) {
      // A reader that has left is not an error to report; the program ends quietly.
      if (error instanceof Deno.errors.BrokenPipe) throw error;
      throw writeError(error, this.path ?? "standard output");
    }
  }

  begin(): void {}

  restart(): boolean {
    return !this.#written;
  }

  finish(): void {
    this.out.close?.();
  }

  abandon(): null {
    this.out.close?.();
    return null;
  }
}

/**
 * The path that `output` stands for, symbolic links followed, and whether it is an ordinary file (or nothing yet).
 * Throws `write_failed` for a folder, and for a parent that is not there, so that no request is made in vain.
 */
export function resolveOutput(output: string): { path: string; ordinary: boolean } {
  const info = statOrNull(output, output);
  if (info === null) {
    checkParent(output);
    return { path: output, ordinary: true };
  }
  if (info.isDirectory) {
    throw new FerryError("write_failed", `cannot write ${quote(output)}: it is a folder; see --output-dir`);
  }
  // Through a link, so that the file it leads to is replaced and not the link.
  return { path: info.isFile ? Deno.realPathSync(output) : output, ordinary: info.isFile };
}

/** Throws `write_failed` when there is no folder that `output` could lie in. */
export function checkParent(output: string): void {
  const parent = output.includes("/") ? output.slice(0, output.lastIndexOf("/")) || "/" : ".";
  const folder = statOrNull(parent, output);
  if (folder?.isDirectory) return;
  const why = folder === null
    ? `there is no folder ${quote(parent)}; make it first`
    : `${quote(parent)} is not a folder`;
  throw new FerryError("write_failed", `cannot write ${quote(output)}: ${why}`);
}

/** Makes the folder `path`, with those that it lies in, where there is nothing. Throws `write_failed`. */
export function makeFolder(path: string): void {
  try {
    if (statOrNull(path, path) === null) Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    throw writeError(error, path);
  }
}

/** What lies at `path`, or null for nothing; any other trouble is one of writing `output`. */
export function statOrNull(path: string, output: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw writeError(error, output);
  }
}
