/** What a whole server has counted: its workers' boards, and what only their supervisor knows. */
import { Boards } from "./board.ts";
import { exposition, type ServerFacts } from "./exposition.ts";
import { processFacts } from "./system.ts";

/** See above. One lasts for all settings that a server gets. */
export class ServerCounts {
  readonly #boards = new Boards();
  readonly #facts: () => Pick<ServerFacts, "reload" | "certificateEnds">;
  #deaths = 0;

  constructor(facts: () => Pick<ServerFacts, "reload" | "certificateEnds">) {
    this.#facts = facts;
  }

  /** A board for one more worker. */
  add(): SharedArrayBuffer {
    return this.#boards.add();
  }

  /** The worker that had `board` is no more. */
  remove(board: SharedArrayBuffer): void {
    this.#boards.remove(board);
  }

  /** A worker ended that had not been told to. */
  died(): void {
    this.#deaths++;
  }

  /** What Prometheus gets, with the number of open connections, null for unknown. */
  page(connections: number | null): string {
    return exposition(this.#boards.sum(), {
      ...this.#facts(),
      workers: this.#boards.size,
      workerDeaths: this.#deaths,
      connections,
      process: processFacts(),
    });
  }
}
