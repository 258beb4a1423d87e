import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Access, parsePerms, type Perm, type Rule } from "./access.ts";

function perms(text: string): number {
  const set = parsePerms(text);
  if (set === null) throw new TypeError(`not permissions: ${text}`);
  return set;
}

const rule = (path: string, text: string): Rule => ({ path, perms: perms(text) });

function access(rules: Rule[], anonymous: string | Rule[] = "none", user: string | null = "ann"): Access {
  const everybody = typeof anonymous === "string" ? [rule("", anonymous)] : anonymous;
  return new Access({ user, rules, anonymous: everybody, logins: true });
}

/** The parts of a token that make no difference here. */
const TOKEN = { id: "", user: "ann", expires: 0 };

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

Deno.test("Access gives everybody what holds at a path, and users what they have besides", () => {
  const everybody = [rule("pub", "r"), rule("pub/drafts", "none"), rule("drop", "w")];
  const can = (given: Access, perm: Perm) =>
    ["", "pub", "pub/a", "pub/drafts/x", "public", "drop/x", "in"].filter((path) => given.can(perm, path));
  assertEquals(can(access([], everybody, null), "r"), ["pub", "pub/a"]);
  assertEquals(can(access([], everybody, null), "w"), ["drop/x"]);
  const ann = access([rule("", "r"), rule("in", "rw")], everybody);
  assertEquals(can(ann, "r"), ["", "pub", "pub/a", "pub/drafts/x", "public", "drop/x", "in"]);
  assertEquals(can(ann, "w"), ["drop/x", "in"]);
  assertEquals(access([], everybody, null).canDeep("r", "pub"), false);
  assertEquals(access([rule("pub/drafts", "r")], everybody).canDeep("r", "pub"), true);
});

Deno.test("Access.can() says what the rules say, one by one", () => {
  const names = fc.constantFrom("a", "b", "ab");
  const path = fc.array(names, { maxLength: 3 }).map((parts) => parts.join("/"));
  const rules = fc.uniqueArray(fc.record({ path, perms: fc.nat({ max: 15 }) }), {
    selector: ({ path }) => path,
    maxLength: 5,
  });
  const slow = (given: Rule[], path: string): number => {
    for (let at = path;; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
      const found = given.find((rule) => rule.path === at);
      if (found !== undefined) return found.perms;
      if (at === "") return 0;
    }
  };
  fc.assert(fc.property(rules, rules, path, (own, everybody, path) => {
    const bits = slow(own, path) | slow(everybody, path);
    const expected = (["r", "w", "d", "s"] as const).map((_, i) => (bits & 1 << i) !== 0);
    const given = access(own, everybody);
    assertEquals((["r", "w", "d", "s"] as const).map((perm) => given.can(perm, path)), expected);
  }));
});

Deno.test("Access.at() says below a path what the whole says there", () => {
  const names = fc.constantFrom("a", "b", "ab");
  const path = fc.array(names, { maxLength: 3 }).map((parts) => parts.join("/"));
  const rules = fc.uniqueArray(fc.record({ path, perms: fc.nat({ max: 15 }) }), {
    selector: ({ path }) => path,
    maxLength: 5,
  });
  const bound = fc.option(fc.record({ path, perms: fc.nat({ max: 15 }) }));
  fc.assert(fc.property(rules, rules, bound, path, path, (own, everybody, bound, at, path) => {
    const whole = bound === null
      ? access(own, everybody)
      : access(own, everybody).within({ ...bound, ...TOKEN });
    const part = whole.at(at);
    const joined = [at, path].filter((each) => each !== "").join("/");
    for (const perm of ["r", "w", "d", "s"] as const) {
      assertEquals(part.can(perm, path), whole.can(perm, joined), `${perm} at ${joined}`);
      assertEquals(part.canDeep(perm, path), whole.canDeep(perm, joined), `${perm} in ${joined}`);
    }
  }));
});

Deno.test("Access.at() takes the rules of a share in place of the whole's", () => {
  const whole = access([rule("x", "w")], [rule("", "r")]);
  const can = (own: Parameters<Access["at"]>[1]) =>
    ["r", "w"].map((perm) => ["", "in"].filter((path) => whole.at("x", own).can(perm as "r" | "w", path)));
  assertEquals(can({}), [["", "in"], ["", "in"]]);
  assertEquals(can({ rules: [rule("in", "w")] }), [["", "in"], ["in"]]);
  assertEquals(can({ anonymous: [] }), [[], ["", "in"]]);
  assertEquals(can({ rules: [], anonymous: [rule("in", "r")] }), [["in"], []]);
});

Deno.test("Access.deny() asks for a login where one could help", () => {
  const request = { headers: new Headers() };
  const status = (given: Access) => {
    const response = given.deny("w", request);
    return [response.status, response.headers.has("www-authenticate")];
  };
  assertEquals(status(access([], "r", null)), [401, true]);
  assertEquals(status(access([], "r", "ann")), [403, false]);
  const closed = new Access({ user: null, rules: [], anonymous: [rule("", "r")], logins: false });
  assertEquals(status(closed), [403, false]);
});
