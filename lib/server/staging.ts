/** The stage of a server: made when a write needs it, gone when none is under way. */
import { isInMemory } from "../store/write/durable.ts";
import { Stage } from "../store/write/stage.ts";

/** With so many uploads a second the stage stays for so long after the last: to make it takes as long as a small upload. */
const BUSY = 32;
const STAYS_MS = 200;

/** Hands out places under `.ferry/uploads/` and leaves nothing behind. */
export class Staging {
  readonly #root: string;
  /** Made when it is needed, which it never is by who only reads. */
  #made: Stage | undefined;
  /** What is in its place, and no longer here. */
  readonly #placed = new Set<string>();
  #inUse = 0;
  /** Uploads since the moment `#since`. */
  #recent = 0;
  #since = 0;
  #closing: ReturnType<typeof setTimeout> | undefined;
  /** The device of the share if that is in memory. */
  #memory: number | null | undefined;

  /** `root` is the real path of the share. */
  constructor(root: string) {
    this.#root = root;
  }

  get #stage(): Stage {
    return this.#made ??= new Stage(this.#root, "uploads");
  }

  /** A path that nothing is at yet, on the file system of the share. Each one goes to `giveBack` in the end. */
  take(): string {
    clearTimeout(this.#closing);
    const path = this.#stage.newPath();
    this.#inUse++;
    const now = performance.now();
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#recent = 0;
    }
    this.#recent++;
    return path;
  }

  /** Whether what is on the device `dev` need not be waited for: it is that of the share, and in memory. */
  isMemory(dev: number): boolean {
    if (this.#memory === undefined) {
      this.#memory = isInMemory(this.#root) ? Deno.statSync(this.#root).dev : null;
    }
    return dev === this.#memory;
  }

  /** Renames what is at `staged` to `target`; a file may go to another file system. */
  place(staged: string, target: string): void {
    this.#stage.place(staged, target);
    this.#placed.add(staged);
  }

  /** Removes what is still at `staged`. */
  giveBack(staged: string): void {
    if (!this.#placed.delete(staged)) this.#stage.discard(staged);
    this.#inUse--;
    if (this.#inUse > 0) return;
    if (this.#recent < BUSY) this.#stage.close();
    else {
      this.#closing = setTimeout(() => this.#stage.close(), STAYS_MS);
      Deno.unrefTimer(this.#closing);
    }
  }

  /** Removes everything, whatever is under way. */
  close(): void {
    clearTimeout(this.#closing);
    this.#made?.close();
  }
}
