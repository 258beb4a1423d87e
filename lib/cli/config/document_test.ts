import { assertEquals } from "@std/assert";
import { formatMistakes, parseDocument, placeOf } from "./document.ts";

Deno.test("parseDocument() says where the syntax is wrong, once a line", () => {
  const cases: [text: string, mistakes: string[]][] = [
    ["{}", []],
    ['// c\n{ /* d */ "a": [1, 2,], }\n', []],
    ['\uFEFF{"a": 1}', []],
    ['{"a": 1', ["f:1:8: a } is missing"]],
    ['{"a": [1', ["f:1:9: a ] is missing"]],
    ['{\n  "a" 1\n}', ["f:2:7: a colon is missing between key and value"]],
    ['{\n  "a":\n}', ["f:3:1: a value is missing"]],
    ['{\n  "a": 1\n  "b": 2\n}', ["f:3:3: a comma is missing"]],
    ["{\n  a: 1,\n  b: 2\n}", [
      "f:2:3: this is not JSON: texts and keys stand in double quotes",
      "f:3:3: this is not JSON: texts and keys stand in double quotes",
    ]],
    ["{'a': 1}", ["f:1:2: this is not JSON: texts and keys stand in double quotes"]],
    ['{"a": "x\n}', ["f:1:7: this text has no end on its line: a double quote is missing"]],
    ['{"a": "\\q"}', ["f:1:7: there is no such escape: a backslash is written \\\\"]],
    ["/* x", ["f:1:1: this comment has no end: */ is missing"]],
    ["{} {}", ["f:1:4: something follows the end of the configuration"]],
    ["\r\n{]}", ["f:2:2: a key in double quotes is missing"]],
  ];
  for (const [text, mistakes] of cases) {
    assertEquals(formatMistakes("f", parseDocument(text).mistakes), mistakes, JSON.stringify(text));
  }
});

Deno.test("placeOf() finds a value, or as much of the way as there is", () => {
  const document = parseDocument('{\n  "a": [1, {"b": 2}],\n  "c": 3, "c": 4\n}');
  const cases: [way: (string | number)[], line: number, column: number][] = [
    [[], 1, 1],
    [["a"], 2, 8],
    [["a", 1, "b"], 2, 18],
    [["a", 1, "z"], 2, 12],
    [["a", 7], 2, 8],
    [["c"], 3, 16],
    [["z"], 1, 1],
  ];
  for (const [way, line, column] of cases) assertEquals(placeOf(document, way), { line, column });
});
