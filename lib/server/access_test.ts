import { assertEquals } from "@std/assert";
import { Access, parsePerms, type Perm, type Rule } from "./access.ts";

function perms(text: string): number {
  const set = parsePerms(text);
  if (set === null) throw new TypeError(`not permissions: ${text}`);
  return set;
}

const rule = (path: string, text: string): Rule => ({ path, perms: perms(text) });

function access(rules: Rule[], anonymous = "none", user: string | null = "ann"): Access {
  return new Access({ user, rules, anonymous: perms(anonymous), logins: true });
}

Deno.test("parsePerms() takes letters of rwds and none, nothing else", () => {
  assertEquals(parsePerms("rwds"), 15);
  assertEquals(parsePerms("rr"), 1);
  assertEquals(parsePerms("none"), 0);
  for (const text of ["", "x", "rx", "R", "nonee", "r w"]) assertEquals(parsePerms(text), null, text);
});

const RULES = [rule("", "r"), rule("a", "rw"), rule("a/b", "none"), rule("a/b/c", "rwd")];

const CASES: [perm: Perm, path: string, can: boolean, deep: boolean][] = [
  ["r", "", true, false],
  ["w", "", false, false],
  ["r", "x/y", true, true],
  ["w", "a", true, false],
  ["w", "a/x", true, true],
  ["r", "ab", true, true],
  ["w", "ab", false, false],
  ["r", "a/b", false, false],
  ["r", "a/b/x", false, false],
  ["d", "a/b/c", true, true],
  ["d", "a/b/c/d", true, true],
  ["d", "a/b/cd", false, false],
  ["s", "a", false, false],
];
for (const [perm, path, can, deep] of CASES) {
  Deno.test(`Access gives ${perm} at /${path}: ${can}, and below it: ${deep}`, () => {
    assertEquals(access(RULES).can(perm, path), can);
    assertEquals(access(RULES).canDeep(perm, path), deep);
  });
}

Deno.test("Access adds what anybody may do to the user's own", () => {
  const both = access([rule("in", "w")], "r");
  assertEquals([both.can("r", "in/x"), both.can("w", "in/x"), both.can("r", "out"), both.can("w", "out")], [
    true,
    true,
    true,
    false,
  ]);
  assertEquals(access([rule("", "none")], "r").canDeep("r", ""), true);
});

Deno.test("Access.deny() asks for a login where one could help", () => {
  const request = { headers: new Headers() };
  const status = (given: Access) => {
    const response = given.deny("w", request);
    return [response.status, response.headers.has("www-authenticate")];
  };
  assertEquals(status(access([], "r", null)), [401, true]);
  assertEquals(status(access([], "r", "ann")), [403, false]);
  assertEquals(status(new Access({ user: null, rules: [], anonymous: 1, logins: false })), [403, false]);
});
