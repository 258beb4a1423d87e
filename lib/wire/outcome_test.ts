import { assertEquals } from "@std/assert";
import { parseOutcomes, problemOfJson } from "./outcome.ts";
import { refusals } from "./refusals.ts";

Deno.test("parseOutcomes() wants one outcome for each thing sent", () => {
  const problem = { code: "conflict", message: "it changed" } as const;
  assertEquals(parseOutcomes({ outcomes: [null, problem] }, 2), [null, problem]);
  refusals((outcomes: unknown) => parseOutcomes({ outcomes }, 2), [
    ["none", undefined, "not a list"],
    ["too few", [null], "2 outcomes were due, 1 came"],
    ["too many", [null, null, null], "2 outcomes were due, 3 came"],
    ["text", [null, "fine"], "neither null nor a problem"],
    ["true", [null, true], "neither null nor a problem"],
  ]);
});

Deno.test("problemOfJson() bounds what a peer says and never shows a code that scripts do not know", () => {
  assertEquals(problemOfJson('{"code":"vanished","message":"m"}'), { code: "vanished", message: "m" });
  const cases: [Record<string, unknown>, { code: string; message: string }][] = [
    [{ code: "constructor", message: "m" }, { code: "unreadable", message: "m" }],
    [{ code: 7, message: 7 }, { code: "unreadable", message: "no reason given" }],
    [{}, { code: "unreadable", message: "no reason given" }],
    [{ code: "changed", message: "x".repeat(5000) }, { code: "changed", message: "x".repeat(1000) }],
  ];
  for (const [fields, expected] of cases) assertEquals(problemOfJson(fields), expected as never);
});
