/** New settings for a server that runs: read when somebody asks, taken only when they are sound and differ. */

/** How the last attempt went, for metrics. */
export interface ReloadState {
  ok: boolean;
  /** When settings were last found to be sound, ms since 1970. */
  time: number;
}

/** One at a time; who asks while settings are being taken is served by one more. */
export class Reloader<T> {
  readonly state: ReloadState = { ok: true, time: Date.now() };
  readonly #read: () => Promise<T>;
  readonly #take: (settings: T) => Promise<void>;
  readonly #say: (line: string) => void;
  #current: T;
  #running: Promise<void> | null = null;
  #again = false;

  /** `current` is what is served now; `say` is told, in one line, what came of each attempt. */
  constructor(
    current: T,
    options: {
      read: () => Promise<T>;
      take: (settings: T) => Promise<void>;
      say: (line: string) => void;
    },
  ) {
    this.#current = current;
    this.#read = options.read;
    this.#take = options.take;
    this.#say = options.say;
  }

  /** Reads the settings again and takes them. */
  request(): void {
    if (this.#running !== null) this.#again = true;
    else this.#running = this.#run();
  }

  /** When nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again);
    this.#running = null;
  }

  async #once(): Promise<void> {
    try {
      const next = await this.#read();
      // Plain data both.
      if (JSON.stringify(next) !== JSON.stringify(this.#current)) {
        await this.#take(next);
        this.#current = next;
        this.#say("the new settings are in use");
      }
      this.state.ok = true;
      this.state.time = Date.now();
    } catch (error) {
      this.state.ok = false;
      this.#say(`${error instanceof Error ? error.message : error}; the old settings stay in use`);
    }
  }
}
