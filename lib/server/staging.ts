/** The stage of a server: made when a write needs it, gone when none is under way. */
import { Stage } from "../store/write/stage.ts";

/** Hands out places under `.ferry/uploads/` and leaves nothing behind. */
export class Staging {
  readonly #root: string;
  /** Made when it is needed, which it never is by who only reads. */
  #made: Stage | undefined;
  #inUse = 0;

  /** `root` is the real path of the share. */
  constructor(root: string) {
    this.#root = root;
  }

  get #stage(): Stage {
    return this.#made ??= new Stage(this.#root, "uploads");
  }

  /** A path that nothing is at yet, on the file system of the share. Each one goes to `giveBack` in the end. */
  take(): string {
    const path = this.#stage.newPath();
    this.#inUse++;
    return path;
  }

  /** Renames what is at `staged` to `target`; a file may go to another file system. */
  place(staged: string, target: string): void {
    this.#stage.place(staged, target);
  }

  /** Removes what is still at `staged`. */
  giveBack(staged: string): void {
    this.#stage.discard(staged);
    this.#inUse--;
    if (this.#inUse === 0) this.#stage.close();
  }

  /** Removes everything, whatever is under way. */
  close(): void {
    this.#made?.close();
  }
}
