import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { crowdOf, type CrowdRules } from "./crowd.ts";

const RULES: CrowdRules = { connections: 4, perClient: 2, exempt: (client) => client === "proxy" };

/** `clients` a letter each, the oldest first; what is over has the limit's first letter behind it. */
function crowd(clients: string, rules: CrowdRules = RULES): string | null {
  const connections = [...clients].map((client) => ({ client: client === "p" ? "proxy" : client }));
  const found = crowdOf(connections, rules);
  if (found === null) return null;
  const marks = connections.map((c, i) => clients[i] + (found.over.get(c)?.[0] ?? "")).join(" ");
  return `${found.full ? "full" : "room"} [${[...found.fullClients]}] ${marks}`;
}

Deno.test("crowdOf() turns away the newest beyond a limit, of the server or of a client", () => {
  const cases: [clients: string, expected: string | null][] = [
    ["", null],
    ["a", null],
    ["abc", null],
    ["aab", "room [a] a a b"],
    ["aaba", "room [a] a a b ac"],
    ["aaaaab", "room [a] a a ac ac ac b"],
    ["abcd", "full [] a b c d"],
    ["abcde", "full [] a b c d es"],
    ["aabba", "full [a,b] a a b b ac"],
    ["ppp", null],
    ["pppp", "full [] p p p p"],
  ];
  for (const [clients, expected] of cases) assertEquals(crowd(clients), expected, clients);
});

Deno.test("crowdOf() knows no limit where there is none", () => {
  assertEquals(crowd("aaaaaaaaaa", { ...RULES, connections: 0, perClient: 0 }), null);
  assertEquals(crowd("aaaaaaaaaa", { ...RULES, perClient: 0 })?.slice(0, 7), "full []");
  assertEquals(crowd("aaabbb", { ...RULES, connections: 0 }), "room [a,b] a a ac b b bc");
});

Deno.test("crowdOf() leaves as many as the limits allow, whoever comes in whichever order", () => {
  const rules = fc.record({
    connections: fc.integer({ min: 0, max: 12 }),
    perClient: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(fc.property(rules, fc.array(fc.constantFrom(..."abcd")), (limits, clients) => {
    const connections = clients.map((client) => ({ client }));
    const { connections: most, perClient } = limits;
    const found = crowdOf(connections, { ...limits, exempt: () => false });
    const kept = connections.filter((c) => !found?.over.has(c));
    const bounded = [..."abcd"].map((client) => {
      const count = clients.filter((c) => c === client).length;
      return perClient === 0 ? count : Math.min(count, perClient);
    }).reduce((sum, count) => sum + count, 0);
    assertEquals(kept.length, most === 0 ? bounded : Math.min(most, bounded));
    assert(found !== null || kept.length === connections.length);
  }));
});
