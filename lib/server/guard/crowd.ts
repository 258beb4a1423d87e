/** More connections than there may be: who is let in, and who has to go. */

/** How many connections there may be; 0 for any number. */
export interface CrowdRules {
  connections: number;
  /** For each client: an address, or the half of an IPv6 address that names a network. */
  perClient: number;
  /** Clients that stand for many others, which `perClient` does not hold for. */
  exempt: (client: string) => boolean;
}

/** What counting needs to know of a connection. */
export interface Counted {
  client: string;
}

/** What is the matter with how many connections there are. */
export interface Crowd<C extends Counted> {
  /** Whether the server has all the connections that it may have. */
  full: boolean;
  /** The clients that have all of theirs. */
  fullClients: ReadonlySet<string>;
  /** Those beyond the limits, and by which one. */
  over: ReadonlyMap<C, "server" | "client">;
}

/** Counts `connections`, the oldest first: the newest are those beyond a limit. Null when there is room for everybody. */
export function crowdOf<C extends Counted>(connections: readonly C[], rules: CrowdRules): Crowd<C> | null {
  const { connections: most, perClient, exempt } = rules;
  const full = most > 0 && connections.length >= most;
  if (!full && (perClient === 0 || connections.length < perClient)) return null;
  const counts = new Map<string, number>();
  const fullClients = new Set<string>();
  const over = new Map<C, "server" | "client">();
  let within = 0;
  for (const connection of connections) {
    const { client } = connection;
    const count = (counts.get(client) ?? 0) + 1;
    const bound = perClient > 0 && count >= perClient && !exempt(client);
    if (bound) fullClients.add(client);
    if (bound && count > perClient) over.set(connection, "client");
    else if (most > 0 && within >= most) over.set(connection, "server");
    else {
      counts.set(client, count);
      within++;
    }
  }
  return full || fullClients.size > 0 ? { full: within >= most && most > 0, fullClients, over } : null;
}
