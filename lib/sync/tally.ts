import type { Progress } from "../cli/progress.ts";
import type { RunEvent } from "./events.ts";

/** How far a run is: it counts as it goes, and who shows it looks at it whenever that is due. */
export class Tally {
  #files = 0;
  /** Contents that have arrived, in place or not. */
  #arrived = 0;
  /** Contents of the changes that are done. */
  #settled = 0;
  #changes = 0;
  #planned: { changes: number; bytes: number } | undefined;

  /** A file was listed. */
  listed(): void {
    this.#files++;
  }

  /** So many bytes of content arrived. */
  arrived(bytes: number): void {
    this.#arrived += bytes;
  }

  /** What a run says, this machine's own or a server's. */
  tell(event: RunEvent): void {
    switch (event.event) {
      case "plan":
        this.#planned = {
          changes: event.create + event.update + event.delete + event.move,
          bytes: event.bytes,
        };
        return;
      case "change":
        this.#changes++;
        this.#settled += event.bytes;
        return;
    }
  }

  look(): Progress {
    const bytes = Math.max(this.#arrived, this.#settled);
    if (this.#planned === undefined) return { kind: "listing", files: this.#files, bytes };
    const { changes: ofChanges, bytes: ofBytes } = this.#planned;
    // What is read twice, or grew meanwhile, does not make more than everything.
    return {
      kind: "moving",
      changes: Math.min(this.#changes, ofChanges),
      ofChanges,
      bytes: Math.min(bytes, ofBytes),
      ofBytes,
    };
  }
}
