import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { parseAuthFlag, parseAuthFlags } from "./auth_flag.ts";
import { matchesPlain } from "./password.ts";

const CASES: [value: string, password: string, rules: [string, number][]][] = [
  ["ann:secret", "secret", [["", 7]]],
  ["ann:a:b@c", "a:b@c", [["", 7]]],
  ["ann:secret@/", "secret", [["", 7]]],
  ["ann:secret@/docs", "secret", [["docs", 7]]],
  ["ann:secret@/docs/:r", "secret", [["docs", 1]]],
  ["ann:secret@/:r,/in box:rw,/x/y:none", "secret", [["", 1], ["in box", 3], ["x/y", 0]]],
  ["ann:p@/w@/docs:rwds", "p@/w", [["docs", 15]]],
];
for (const [value, password, rules] of CASES) {
  Deno.test(`parseAuthFlag() reads ${value}`, () => {
    const user = parseAuthFlag(value);
    assertEquals(user.name, "ann");
    assert(user.secret.kind === "plain" && matchesPlain(password, user.secret.digest));
    assertEquals(user.rules.map(({ path, perms }) => [path, perms]), rules);
  });
}

const WRONG = [
  "ann",
  ":TOPSECRET",
  "ann:",
  "ann:@/docs",
  "ann:TOPSECRET@/docs:x",
  "ann:TOPSECRET@/docs:",
  "ann:TOPSECRET@/a,b",
  "ann:TOPSECRET@/a/../b",
  "ann:TOPSECRET@/a//b",
  "ann:TOPSECRET@/.ferry",
  "ann:TOPSECRET@/a:r,/a:w",
  "ann:$scrypt$TOPSECRET",
  "ann:$scrypt$ln=40,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
];
for (const value of WRONG) {
  Deno.test(`parseAuthFlag() refuses ${value} and does not repeat the password`, () => {
    const error = assertThrows(() => parseAuthFlag(value), FerryError, "--auth");
    assertEquals(error.code, "usage");
    assert(!error.message.includes("TOPSECRET"), error.message);
  });
}

Deno.test("parseAuthFlags() refuses a user that comes twice", () => {
  assertThrows(() => parseAuthFlags(["a:1", "b:1", "a:2"]), FerryError, "twice");
});
