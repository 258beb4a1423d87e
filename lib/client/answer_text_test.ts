import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { quote } from "../core/errors.ts";
import { describeStatus, headerLine, headText, jsonText, statusLine, terminalText } from "./answer_text.ts";

Deno.test("statusLine() and headText() show what came without control characters", () => {
  assertEquals(
    statusLine({ version: "1.1", status: 404, statusText: "Not Found" }),
    "HTTP/1.1 404 Not Found",
  );
  assertEquals(statusLine({ version: "1.0", status: 299, statusText: "" }), "HTTP/1.0 299");
  const headers = new Headers([["x", "caf\xc3\xa9"], ["y", "\x9b31m"], ["cookie", "s=1"]]);
  assertEquals(
    headText({ version: "1.1", status: 200, statusText: "OK", headers }),
    "HTTP/1.1 200 OK\ncookie: s=1\nx: café\ny: \\x9b31m\n\n",
  );
  assertEquals(headerLine("cookie", "s=1", { redact: true }), "cookie: [redacted]");
});

Deno.test("describeStatus() adds the detail of a problem document and of nothing else", () => {
  const answer = (type: string) => ({
    status: 409,
    statusText: "Conflict",
    headers: new Headers({ "content-type": type }),
  });
  const problem = "application/problem+json; charset=utf-8";
  const cases: [string, string, string][] = [
    [problem, '{"detail":"it is \\u001b there"}', "409 Conflict: it is \\x1b there"],
    [problem, '{"detail":5}', "409 Conflict"],
    [problem, "not JSON", "409 Conflict"],
    [problem, "null", "409 Conflict"],
    ["application/json", '{"detail":"x"}', "409 Conflict"],
  ];
  for (const [type, body, expected] of cases) assertEquals(describeStatus(answer(type), body), expected);
});

Deno.test("terminalText() keeps lines and tabs and nothing that moves a cursor", () => {
  assertEquals(terminalText("a\r\nb\tc\x1b[2Jd\re\x07"), "a\nb\tc\\x1b[2Jd\\re\\x07");
});

Deno.test("jsonText() is JSON of the same value, and nothing in it has to be kept from a terminal", () => {
  const hostile = fc.constantFrom(
    "\x1b[2J",
    "\x7f",
    "\u009b31m",
    "\u202e",
    "\u2066",
    "\n",
    "\u2028",
    "é",
    "\\",
  );
  const texts = fc.array(fc.oneof(hostile, fc.string({ unit: "binary", maxLength: 20 })), { maxLength: 5 });
  const text = texts.map((pieces) => pieces.join(""));
  // Not as keys: where V8 has seen the key "\\" it takes the escape of another one character for it.
  fc.assert(fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (value) => {
    const json = jsonText(value);
    assertEquals(JSON.parse(json), JSON.parse(JSON.stringify(value)));
    assertEquals(quote(json), json);
  }));
  assertEquals(jsonText({ "\u2066": "\x7f" }), '{"\\u2066":"\\u007f"}');
});
