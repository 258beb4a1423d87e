/**
 * Ends connections that take too long or are too many, from outside of the runtime, which would keep them for ever:
 * looks at all of them every second, and earlier when they become many.
 */
import { crowdOf, type CrowdRules } from "./crowd.ts";
import { CLIENT_FULL, SERVER_FULL, TOO_SLOW } from "./last_words.ts";
import type { Connection, Ending, ServerSockets } from "./sockets.ts";
import { type Deadlines, nextPhase, type Overdue, overdue } from "./tcp_phase.ts";

/** What connections are held to. */
export interface GuardRules extends CrowdRules {
  deadlines: Deadlines;
}

/** Who is let in while there is no room; what a gate goes by. Plain data, for another thread. */
export interface Admission {
  /** Whether there is no room for anybody else. */
  full: boolean;
  /** The clients that have all of their connections. */
  fullClients: string[];
  /** The keys of connections that are within the limits, at least those that the above concerns. */
  admitted: string[];
}

/** Whom a guard works for. */
export interface Guarded {
  /** The ports that it serves on, and whether they are without TLS. */
  ports: ReadonlyMap<number, { plain: boolean }>;
  /** The keys of connections on which requests are under way that are not answered at once; null for unknown. */
  busy(): Promise<ReadonlySet<string> | null>;
  /** Told when who is let in changes; null for everybody. */
  admit(admission: Admission | null): void;
}

/** Why a connection is ended: it takes too long, or there are too many, of the server or of a client. */
type Why = Overdue | "server" | "client";

/** How many connections were ended for what. */
export type Ended = Record<Why, number>;

/** The longest time between two looks, in milliseconds, and the shortest where nothing presses. */
const SLOW_MS = 1000;
const FAST_MS = 100;

/** Those beyond a limit get so long for a request that can be answered properly. */
const GRACE_MS = 1000;

/** The runtime calls an answer complete before it writes it: on a busy machine so long before, at most. */
const WRITE_MS = 2000;

export class Guard {
  readonly #sockets: ServerSockets;
  readonly #guarded: Guarded;
  readonly #timer: ReturnType<typeof setInterval>;
  /** The milliseconds of the last look; its lowest free descriptor; how many connections may come before the next one. */
  #rules: GuardRules;
  #period: number;
  #looked = -Infinity;
  #free = 0;
  #room = 0;
  #looking = false;
  #admission: Admission | null = null;
  #ended = none();
  /** The keys of those that are to end as soon as what they were told is written, and since when. */
  #finished = new Map<string, number>();
  /** How many connections there were at the last look. */
  connections = 0;

  /** `tick` milliseconds are the shortest time between two looks. */
  constructor(sockets: ServerSockets, rules: GuardRules, { tick, ...guarded }: Guarded & { tick: number }) {
    this.#sockets = sockets;
    this.#rules = rules;
    this.#guarded = guarded;
    this.#period = periodOf(rules);
    this.#timer = setInterval(() => this.#tick(), tick);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Ends the connection of this key soon: all has been said on it. */
  finish(key: string): void {
    this.#finished.set(key, performance.now());
  }

  /** Goes by other rules from now on. */
  change(rules: GuardRules): void {
    this.#rules = rules;
    this.#period = periodOf(rules);
  }

  /** How many were ended since the last time that this was asked. */
  takeEnded(): Ended {
    const ended = this.#ended;
    this.#ended = none();
    return ended;
  }

  #tick(): void {
    const now = performance.now();
    const free = this.#sockets.lowestFree();
    const many = free === Infinity || free - this.#free >= Math.max(1, this.#room / 8);
    const urgent = many || this.#finished.size > 0 || this.#admission !== null;
    if (this.#looking || !(urgent || now - this.#looked >= this.#period)) return;
    this.#looking = true;
    this.#looked = now;
    this.#look(now).finally(() => this.#looking = false);
  }

  async #look(now: number): Promise<void> {
    const { deadlines, ...limits } = this.#rules;
    const ports = new Set(this.#guarded.ports.keys());
    const connections = this.#sockets.look(ports, now, (connection, counts) => {
      connection.phase = nextPhase(connection.phase, { before: connection, counts, now, deadlines });
    });
    this.connections = connections.length;
    this.#finish(connections, now);
    this.#free = this.#sockets.lowestFree();
    this.#room = Math.min(
      limits.connections === 0 ? Infinity : limits.connections - connections.length,
      limits.perClient === 0 ? Infinity : limits.perClient,
    );
    const crowd = crowdOf(connections, limits);
    this.#admit(
      crowd && {
        full: crowd.full,
        fullClients: [...crowd.fullClients],
        admitted: connections.filter((c) =>
          !crowd.over.has(c) && (crowd.full || crowd.fullClients.has(c.client))
        )
          .map(({ key }) => key),
      },
    );
    const suspects = new Map<Connection, Why>();
    // Far beyond a limit there is no time for politeness.
    const urgent = crowd !== null && crowd.over.size > connections.length / 8;
    for (const connection of connections) {
      const over = crowd?.over.get(connection);
      if (urgent && over !== undefined && connection.written === 0) this.#end(connection, over);
      else if (over !== undefined && now - connection.found >= GRACE_MS) suspects.set(connection, over);
      else {
        const why = overdue(connection.phase, now, deadlines);
        if (why !== null) suspects.set(connection, why);
      }
    }
    if (suspects.size > 0) await this.#judge(suspects, now);
  }

  #finish(connections: readonly Connection[], now: number): void {
    const finished = this.#finished;
    if (finished.size === 0) return;
    this.#finished = new Map();
    for (const connection of connections) {
      const since = finished.get(connection.key);
      if (since === undefined) continue;
      if (connection.phase.kind === "head" && now - since < WRITE_MS) {
        this.#finished.set(connection.key, since);
      } else this.#sockets.end(connection, { kind: "shut", words: null }, { quiet: false });
    }
  }

  #admit(admission: Admission | null): void {
    if (JSON.stringify(admission) === JSON.stringify(this.#admission)) return;
    this.#admission = admission;
    this.#guarded.admit(admission);
  }

  async #judge(suspects: ReadonlyMap<Connection, Why>, now: number): Promise<void> {
    const busy = await this.#guarded.busy();
    if (busy === null) return;
    for (const [connection, why] of suspects) {
      if (why !== "stalled" && busy.has(connection.key)) {
        // Its time begins when that has ended.
        connection.phase = { kind: "idle", since: now, base: connection.received };
        continue;
      }
      this.#end(connection, why);
    }
  }

  #end(connection: Connection, why: Why): void {
    const ending = this.#ending(connection, why);
    if (this.#sockets.end(connection, ending, { quiet: why === "idle" })) this.#ended[why]++;
  }

  #ending(connection: Connection, why: Why): Ending {
    // Whoever reads nothing would not read a farewell, and what waits for it takes up memory.
    if (why === "stalled") return { kind: "reset" };
    // In TLS nobody else can speak; and whoever has sent nothing might take it for an answer to what comes next.
    const plain = this.#guarded.ports.get(connection.port)?.plain === true;
    const spoken = why === "head" ? connection.received > 0 : connection.written === 0;
    return { kind: "shut", words: plain && spoken ? WORDS[why] : null };
  }
}

/** How often to look, in milliseconds: four times within the shortest deadline. */
function periodOf({ deadlines: { header, idle, body } }: GuardRules): number {
  const shortest = Math.min(...[header, idle, body].filter((ms) => ms > 0));
  return Math.max(FAST_MS, Math.min(SLOW_MS, shortest / 4));
}

function none(): Ended {
  return { head: 0, idle: 0, stalled: 0, server: 0, client: 0 };
}

const WORDS = { head: TOO_SLOW, idle: null, server: SERVER_FULL, client: CLIENT_FULL } as const;
