import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { problemContent } from "./problem.ts";

const PROBLEM = { status: 404, detail: "<b>gone</b>", code: "not_found" };

const ACCEPTS: [string | null, string][] = [
  [null, "application/problem+json"],
  ["*/*", "application/problem+json"],
  ["application/json", "application/problem+json"],
  ["application/json, text/html;q=0.5", "application/problem+json"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
  ["text/html", "text/html; charset=utf-8"],
  ["html;;;,", "application/problem+json"],
];
for (const [accept, wanted] of ACCEPTS) {
  Deno.test(`problemContent() answers Accept ${accept} with ${wanted}`, () => {
    assertEquals(problemContent(PROBLEM, accept).type, wanted);
  });
}

Deno.test("problemContent() as JSON has the members of RFC 9457", () => {
  assertEquals(JSON.parse(problemContent(PROBLEM, null).body), {
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "<b>gone</b>",
    code: "not_found",
  });
});

Deno.test("problemContent() as HTML escapes the detail", () => {
  const { body } = problemContent(PROBLEM, "text/html");
  assertStringIncludes(body, "&lt;b&gt;gone&lt;/b&gt;");
  assert(!body.includes("<b>"));
});
