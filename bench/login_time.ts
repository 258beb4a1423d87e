/**
 * Whether the time of an answer tells names that are there from names that are not: Welch's t-test on the check of wrong
 * logins, as dudect does it (Reparaz, Balasch, Verbauwhede 2017; beyond 4.5 there is a difference). Not part of
 * `deno task bench`: `deno run -A --no-check bench/login_time.ts`. Ends with 1 when it finds a difference.
 */
import { parseAuthFlags } from "../lib/server/auth_flag.ts";
import { createLogin } from "../lib/server/login.ts";
import { median, significant } from "./stats.ts";

/** dudect's limit. */
const T_LIMIT = 4.5;

/** The slowest share of the samples tells of other programs and of collecting garbage. */
const KEPT = 0.9;

// Its cost is small, so that a difference is not hidden behind it.
const HASH = "$scrypt$ln=4,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

/** Microseconds that a wrong login of each name takes, the names in turns by chance, each time from another address. */
async function sample(users: string[], names: readonly string[], count: number): Promise<number[][]> {
  const login = createLogin(parseAuthFlags(users));
  const times: number[][] = names.map(() => []);
  for (let i = -count / 10; i < count; i++) {
    const which = crypto.getRandomValues(new Uint8Array(1))[0] % names.length;
    const address = `2001:db8:${(i & 0xffff).toString(16)}:${(i >>> 16 & 0xffff).toString(16)}::1`;
    const given = { user: names[which], password: `wrong ${i}` };
    const began = performance.now();
    try {
      await login(given, address);
    } catch {
      // Another address has the same place in the table of guesses.
      continue;
    }
    if (i >= 0) times[which].push((performance.now() - began) * 1000);
  }
  return times.map((each) => each.sort((a, b) => a - b).slice(0, Math.floor(each.length * KEPT)));
}

function welch(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [a, b].map((values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, error: variance / values.length };
  });
  return (x.mean - y.mean) / Math.sqrt(x.error + y.error);
}

const CASES: [about: string, users: string[], count: number][] = [
  ["plain passwords", ["annabel:secret"], 60_000],
  ["scrypt", [`annabel:${HASH}`], 20_000],
  ["plain passwords beside scrypt", ["annabel:secret", `bob:${HASH}`], 20_000],
];

if (import.meta.main) {
  let found = false;
  for (const [about, users, count] of CASES) {
    const [known, unknown] = await sample(users, ["annabel", "nobodys"], count);
    const t = welch(known, unknown);
    found ||= Math.abs(t) > T_LIMIT;
    console.log(
      `${about}: known ${significant(median(known))} us, unknown ${significant(median(unknown))} us, t = ${
        t.toFixed(2)
      }`,
    );
  }
  Deno.exit(found ? 1 : 0);
}
