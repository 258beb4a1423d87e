import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import { ifHolds, type IfState, parseIf, submittedTokens } from "./if_header.ts";

Deno.test("parseIf() reads lists with and without a resource, as RFC 4918 section 10.4 has them", () => {
  const token = (value: string, not = false) => ({ not, kind: "token" as const, value });
  const etag = (value: string, not = false) => ({ not, kind: "etag" as const, value });
  const cases: [string, ReturnType<typeof parseIf>][] = [
    ["(<urn:a>)", [{ resource: null, conditions: [token("urn:a")] }]],
    [`  (<urn:a>["x"])  (["y"]) `, [
      { resource: null, conditions: [token("urn:a"), etag('"x"')] },
      { resource: null, conditions: [etag('"y"')] },
    ]],
    [`(Not <urn:a> not[W/"x y"])`, [{
      resource: null,
      conditions: [token("urn:a", true), etag('W/"x y"', true)],
    }]],
    ["</a>(<t:1>)(<t:2>) <http://h/b> (<t:3>)", [
      { resource: "/a", conditions: [token("t:1")] },
      { resource: "/a", conditions: [token("t:2")] },
      { resource: "http://h/b", conditions: [token("t:3")] },
    ]],
  ];
  for (const [header, lists] of cases) assertEquals(parseIf(header), lists, header);
});

Deno.test("parseIf() refuses what is not an If header", () => {
  const bad = [
    "",
    "<a>",
    "()",
    "(<a>",
    "<a>)",
    "(<a>) <b> (<c>)",
    "(<a>) x",
    "<a> <b> (<c>)",
    '(["a)',
    "(a)",
    "((<a>))",
  ];
  for (const header of [...bad, "(" + "<a>".repeat(1001) + ")", "(<a>)".repeat(1001)]) {
    assertEquals(assertThrows(() => parseIf(header), FerryError).code, "bad_request");
  }
});

Deno.test("parseIf() reads whatever text it gets, or refuses it, in no time", () => {
  const piece = fc.constantFrom("(", ")", "<", ">", "[", "]", '"', "Not", " ", "a", "W/", "<urn:a>", '["e"]');
  fc.assert(fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
    try {
      parseIf(pieces.join(""));
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
    }
  }));
});

Deno.test("ifHolds() when all conditions of one list hold", () => {
  const own: IfState = { etag: '"e"', hasToken: (token) => token === "t:1" };
  const other: IfState = { etag: null, hasToken: (token) => token === "t:2" };
  const cases: [string, boolean][] = [
    ["(<t:1>)", true],
    ["(<t:2>)", false],
    ["(<DAV:no-lock>)", false],
    ["(Not <DAV:no-lock>)", true],
    [`(<t:1> ["e"])`, true],
    [`(<t:1> ["f"])`, false],
    [`(<t:1> [W/"e"])`, false],
    [`(["f"]) (["e"])`, true],
    [`(<t:2>) (Not <t:1>)`, false],
    ["</other>(<t:2>)", true],
    ["</other>(<t:1>)", false],
    [`</other>(Not ["e"])`, true],
  ];
  for (const [header, holds] of cases) {
    assertEquals(ifHolds(parseIf(header), (resource) => resource === null ? own : other), holds, header);
  }
  assertEquals([...submittedTokens(parseIf("</a>(<t:1>)(Not <t:2>)"))], ["t:1", "t:2"]);
});
