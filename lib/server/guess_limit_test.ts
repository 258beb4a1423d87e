import { assert, assertEquals } from "@std/assert";
import { GuessLimit, guessState } from "./guess_limit.ts";

/** A limit with a clock of its own. */
function limited() {
  let now = 1e12;
  // Two workers.
  const { addresses, names } = guessState();
  // One by which none of these tests' clients share a place in the table.
  const state = { addresses: { ...addresses, secret: 1 }, names: { ...names, secret: 1 } };
  const limits = [new GuessLimit(state, () => now), new GuessLimit(state, () => now)];
  const begin = (address: string, name: string) => {
    limits.reverse();
    return limits[0].begin(address, name);
  };
  return {
    /** How long a wrong try has to wait; 0 for none. */
    wrong: (address: string, name: string) => {
      const verdict = begin(address, name);
      return verdict.kind === "wait" ? verdict.ms : 0;
    },
    right: (address: string, name: string) => {
      const verdict = begin(address, name);
      if (verdict.kind === "wait") return false;
      verdict.attempt.right();
      return true;
    },
    pass: (ms: number) => now += ms,
  };
}

Deno.test("GuessLimit lets an address be wrong ten times, then once in 15 s, and says how long to wait", () => {
  const { wrong, pass } = limited();
  for (let i = 0; i < 10; i++) assertEquals(wrong("192.0.2.1", `name${i}`), 0);
  assertEquals(wrong("192.0.2.1", "ann"), 15_000);
  pass(14_000);
  assertEquals(wrong("192.0.2.1", "ann"), 1000);
  pass(1000);
  assertEquals(wrong("192.0.2.1", "ann"), 0);
  assertEquals(wrong("192.0.2.1", "ann"), 15_000);
  assertEquals(wrong("192.0.2.2", "ann"), 0);
});

Deno.test("GuessLimit counts tries from their beginning: a thousand at once are ten", () => {
  const { wrong } = limited();
  const tried = Array.from({ length: 1000 }, () => wrong("192.0.2.1", "ann")).filter((ms) => ms === 0);
  assertEquals(tried.length, 10);
});

Deno.test("GuessLimit does not take what was right for a pardon", () => {
  const { wrong, right } = limited();
  // An attacker with a login of their own puts it in between.
  let tried = 0;
  for (let i = 0; i < 100; i++) {
    right("192.0.2.1", "mallory");
    if (wrong("192.0.2.1", "ann") === 0) tried++;
  }
  assertEquals(tried, 10);
});

Deno.test("GuessLimit leaves each address one try at a name that many addresses guess, and the user the login", () => {
  const { wrong, right, pass } = limited();
  let tried = 0;
  for (let host = 0; host < 200; host++) {
    for (let i = 0; i < 10; i++) if (wrong(`198.51.100.${host}`, "ann") === 0) tried++;
  }
  // Fifty freely, then one an address.
  assertEquals(tried, 50 + 195);
  assert(right("192.0.2.1", "ann"));
  assert(right("192.0.2.1", "ann"));
  assertEquals(wrong("192.0.2.1", "bob"), 0);
  // It passes.
  pass(60 * 60_000);
  for (let i = 0; i < 10; i++) assertEquals(wrong("192.0.2.9", "ann"), 0);
});

Deno.test("GuessLimit keeps names apart where many clients share an address", () => {
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "unix"]) {
    const { wrong, right } = limited();
    for (let i = 0; i < 10; i++) assertEquals(wrong(address, "ann"), 0);
    assertEquals(wrong(address, "ann"), 15_000);
    assert(right(address, "bob"));
  }
});
