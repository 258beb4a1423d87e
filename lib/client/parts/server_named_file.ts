/** A download whose name the server chooses. */
import { FerryError } from "../../core/errors.ts";
import { PartFile, type PartOptions } from "./part_file.ts";
import { noteAt } from "./part_note.ts";
import { type NamedAnswer, serverName } from "../remote_name.ts";
import type { Position } from "../transfer/resume.ts";

const NOTE_END = ".ferry-part.json";
/** In a folder with more entries than these nobody looks for the part of an earlier run. */
const MOST_ENTRIES = 100_000;

export interface NamedOptions extends PartOptions {
  /** Told once, before anything is written, of the path of a file that replaces one of its name. */
  onNamed?: (path: string) => void;
}

/** In the folder `dir`; its name is known when the server has answered, or when an earlier run left a part of it. */
export class ServerNamedFile extends PartFile {
  #named = false;
  #onNamed: ((path: string) => void) | undefined;

  /** `dir` is empty or ends in a slash. */
  constructor(readonly dir: string, options: NamedOptions) {
    super(dir, options);
    if (this.replaces) this.#onNamed = options.onNamed;
  }

  /** As of any part; it is found by the URL in its note. */
  override position(url: URL, sha256?: string): Position | null {
    for (const name of this.#noted(url)) {
      this.rename(this.dir + name);
      const position = super.position(url, sha256);
      this.#named = position !== null;
      if (this.#named) return position;
    }
    this.rename(this.dir);
    return null;
  }

  override get isNamed(): boolean {
    return this.#named;
  }

  override get mayMend(): boolean {
    return this.replaces;
  }

  override answered(answer: NamedAnswer): void {
    if (!this.#named) this.rename(this.dir + serverName(answer));
    this.#named = true;
  }

  override begin(position: Position, url: URL): void {
    if (!this.#named) throw new FerryError("write_failed", "the file has no name yet");
    this.#onNamed?.(this.path);
    this.#onNamed = undefined;
    super.begin(position, url);
  }

  /** The names whose parts are of `url`. */
  *#noted(url: URL): Iterable<string> {
    let entries = 0;
    try {
      for (const { name, isFile } of Deno.readDirSync(this.dir || ".")) {
        if (++entries > MOST_ENTRIES) return;
        if (!isFile || !name.endsWith(NOTE_END)) continue;
        if (noteAt(this.dir + name)?.url === url.href) yield name.slice(0, -NOTE_END.length);
      }
    } catch {
      // What cannot be looked through has nothing to go on from.
    }
  }
}
