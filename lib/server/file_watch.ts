/** Files that are read at a start and may be put anew while the server runs: certificates, configuration. */

/** How often they are looked at. */
const EVERY_MS = 2000;

/**
 * Calls `changed` when one of `paths()` has become another file, or the same one with other content, and all of them have
 * stayed as they are since the last look: whoever renews them writes one after the other. Looking costs a few
 * microseconds, and sees what notifications miss: links to links, mounts of other machines, folders that are replaced.
 */
export class FileWatch implements Disposable {
  readonly #paths: () => readonly string[];
  readonly #changed: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** What they were when `changed` was last called, and when they were last looked at. */
  #known: string;
  #last: string;

  constructor(paths: () => readonly string[], changed: () => void, everyMs = EVERY_MS) {
    this.#paths = paths;
    this.#changed = changed;
    this.#known = this.#last = this.#look();
    this.#timer = setInterval(() => this.#compare(), everyMs);
  }

  #compare(): void {
    const now = this.#look();
    const still = now === this.#last;
    this.#last = now;
    if (!still || now === this.#known) return;
    this.#known = now;
    this.#changed();
  }

  #look(): string {
    return this.#paths().map((path) => {
      try {
        const { dev, ino, size, mtime, ctime } = Deno.statSync(path);
        return `${dev} ${ino} ${size} ${mtime?.getTime()} ${ctime?.getTime()}`;
      } catch {
        return "none";
      }
    }).join("\n");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
