/** From limits to a guard over a server's workers. */
import type { Limits } from "../limits/limits.ts";
import { Proxies } from "../limits/proxies.ts";
import { clientOf } from "./client.ts";
import { type Admission, type Ended, Guard, type GuardRules } from "./guard.ts";
import { ServerSockets } from "./sockets.ts";

/** What a guard needs of a worker. */
export interface GuardedWorker {
  /** The keys of the connections on which requests are under way. */
  busy(): Promise<readonly string[]>;
  /** Tells whom to let in. */
  admit(admission: Admission | null): void;
}

/** The server that is guarded. */
export interface GuardedServer {
  port: number;
  /** Whether it is without TLS. */
  plain: boolean;
  /** Those at work now. */
  workers(): readonly GuardedWorker[];
  warn: (message: string) => void;
}

/** A guard at work. */
export interface Guarding {
  /** Who is let in now, for a worker that is new; null for everybody. */
  readonly admission: Admission | null;
  /** How many connections there were a moment ago. */
  readonly connections: number;
  /** Ends the connection of this key soon. */
  finish(key: string): void;
  /** Goes by other limits from now on. */
  change(limits: Limits): void;
  stop(): void;
}

/** A worker that does not say within so many milliseconds what it does may be doing anything. */
const ANSWER_MS = 3000;

/** What is not a connection: files, folders that are watched, and what comes in between two looks. */
const OTHER_DESCRIPTORS = 1024;

/** For any number of connections. */
const MANY_DESCRIPTORS = 1_000_000;

/** Nobody connects faster than this: about what a machine manages with itself. */
const FASTEST_PER_MS = 20;

/** What is told of connections that were ended is told so often. */
const REPORT_MS = 60_000;

/** Guards `server`; null where that is not possible: the system has to be Linux, with its C library in reach. */
export function startGuard(limits: Limits, server: GuardedServer): Guarding | null {
  const sockets = ServerSockets.open();
  if (sockets === null) return null;
  let admission: Admission | null = null;
  const rules = rulesOf(limits, sockets, server.warn);
  const guard = new Guard(sockets, rules, {
    tick: tickFor(raiseDescriptors(limits, sockets) - rules.connections),
    ports: new Map([[server.port, { plain: server.plain }]]),
    busy: () => busyOf(server.workers()),
    admit(next) {
      admission = next;
      for (const worker of server.workers()) worker.admit(next);
    },
  });
  const report = setInterval(() => {
    const text = reportOf(guard.takeEnded());
    if (text !== null) server.warn(text);
  }, REPORT_MS);
  return {
    get admission() {
      return admission;
    },
    get connections() {
      return guard.connections;
    },
    finish: (key) => guard.finish(key),
    change: (next) => guard.change(rulesOf(next, sockets, server.warn)),
    stop() {
      clearInterval(report);
      guard.stop();
    },
  };
}

function rulesOf(limits: Limits, sockets: ServerSockets, warn: (message: string) => void): GuardRules {
  const { headerTimeout, idleTimeout, bodyTimeout, minRate, clientConnections, trustedProxies } = limits;
  const connections = possibleConnections(limits.maxConnections, raiseDescriptors(limits, sockets), warn);
  const proxies = new Proxies(trustedProxies);
  return {
    deadlines: { header: headerTimeout, idle: idleTimeout, body: bodyTimeout, leastRate: minRate },
    connections,
    perClient: clientConnections ?? Math.ceil(connections / 2),
    exempt: (client) =>
      proxies.hasClient(client) || (clientConnections === undefined && isThisMachine(client)),
  };
}

/** As many descriptors as the connections may need, or as there can be. */
function raiseDescriptors({ maxConnections }: Limits, sockets: ServerSockets): number {
  // Each may be sent a file.
  return sockets.raiseDescriptors(
    maxConnections === 0 ? MANY_DESCRIPTORS : 2 * maxConnections + OTHER_DESCRIPTORS,
  );
}

/** `wanted` connections, or as many as there are descriptors for: a server that runs out of them accepts nobody. */
function possibleConnections(wanted: number, descriptors: number, warn: (message: string) => void): number {
  const possible = Math.max(descriptors - OTHER_DESCRIPTORS, Math.floor(descriptors / 2));
  if (wanted > 0 && wanted <= possible) return wanted;
  if (wanted > 0) {
    warn(
      `at most ${possible} connections at a time: this process may have ${descriptors} descriptors (ulimit -n)`,
    );
  }
  return possible;
}

/** A time in which there cannot come more connections than there are descriptors for; in milliseconds. */
function tickFor(spare: number): number {
  return Math.max(10, Math.min(100, spare / FASTEST_PER_MS / 4));
}

/** What comes from there is often a proxy, and speaks for many. */
function isThisMachine(client: string): boolean {
  return client.startsWith("127.") || client === clientOf("::1");
}

/** The connections on which any of `workers` has requests under way; null when one of them does not say. */
async function busyOf(workers: readonly GuardedWorker[]): Promise<ReadonlySet<string> | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => timer = setTimeout(resolve, ANSWER_MS, null));
  const answers = await Promise.race([Promise.all(workers.map((worker) => worker.busy())), late]);
  clearTimeout(timer);
  return answers && new Set(answers.flat());
}

/** What is said of the connections that were ended in the last minute; null where there is nothing to say. */
export function reportOf({ head, stalled, server, client }: Ended): string | null {
  const parts = [
    head > 0 ? `${head} sent no whole request in time` : "",
    stalled > 0 ? `${stalled} did not read their answer` : "",
    server > 0 ? `${server} beyond --max-connections` : "",
    client > 0 ? `${client} beyond --client-connections` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? null : `connections ended in the last minute: ${parts.join(", ")}`;
}
