import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { HeadError, MAX_FIELDS } from "./fields.ts";
import { headEnd, latin1, parseHead } from "./head.ts";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

Deno.test("parseHead() reads status, reason and fields in the order and spelling of the wire", () => {
  const head = parseHead("HTTP/1.1 200 All \xe9 right\r\nB-b: 1 \r\na:\t2\r\nb-B:\r\nX: \xc3\xa9\r\n\r\n");
  assertEquals([head.minor, head.status, head.statusText], [1, 200, "All \xe9 right"]);
  assertEquals([...head.fields], [["b-b", "1"], ["a", "2"], ["b-b", ""], ["x", "\xc3\xa9"]]);
  assertEquals([...head.fields.asSent()].map(([name]) => name), ["B-b", "a", "b-B", "X"]);
  assertEquals([head.fields.get("B-B"), head.fields.get("c"), head.fields.has("A")], ["1, ", null, true]);
});

Deno.test("parseHead() takes what is odd but clear", () => {
  const cases: [string, number, string][] = [
    ["HTTP/1.0 404 \r\n\r\n", 404, ""],
    ["HTTP/1.1 204\r\n\r\n", 204, ""],
    ["HTTP/1.1 200 OK\nA: b\n\n", 200, "OK"],
    ["HTTP/1.1 999 Odd\r\n\r\n", 999, "Odd"],
  ];
  for (const [text, status, reason] of cases) {
    const head = parseHead(text);
    assertEquals([head.status, head.statusText], [status, reason]);
  }
});

Deno.test("parseHead() refuses what could be read in two ways", () => {
  const cases: [string, string][] = [
    ["HTTP/1.1 20 OK\r\n\r\n", "a status line that is none"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "a status line that is none"],
    ["HTTP/1.1  200 OK\r\n\r\n", "a status line that is none"],
    ["HTTP/1.1 099 OK\r\n\r\n", "the status 099"],
    ["HTTP/1.1 200 O\x1bK\r\n\r\n", "a control character in its status line"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "a folded header line"],
    ["HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "a header without a valid name"],
    ["HTTP/1.1 200 OK\r\n: b\r\n\r\n", "a header without a valid name"],
    ["HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header without a valid name"],
    ["HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "a control character in the header a"],
    ["HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "a control character in the header a"],
    ["HTTP/1.1 200 OK\r\n" + "a: b\r\n".repeat(MAX_FIELDS + 1) + "\r\n", `more than ${MAX_FIELDS} headers`],
  ];
  for (const [text, message] of cases) assertThrows(() => parseHead(text), HeadError, message);
});

Deno.test("headEnd() finds the end however much was searched before", () => {
  const cases: [string, number][] = [
    ["a\r\n\r\nb", 5],
    ["a\n\nb", 3],
    ["a\r\n\nb", 4],
    ["a\n\r\nb", 4],
    ["a\r\nb\r\n", -1],
    ["", -1],
  ];
  for (const [text, end] of cases) {
    for (let searched = 0; searched < (end === -1 ? text.length : end); searched++) {
      assertEquals(headEnd(bytes(text), searched), end, JSON.stringify([text, searched]));
    }
  }
});

Deno.test("parseHead() takes any bytes with an end, or throws a HeadError", () => {
  const piece = fc.constantFrom(
    "HTTP/1.1 200 OK",
    "\r\n",
    "\n",
    "\r",
    "a: b",
    ":",
    " ",
    "content-length: 1",
    "\0",
  );
  fc.assert(fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
    try {
      parseHead(latin1(bytes(pieces.join(""))) + "\r\n\r\n");
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
    }
  }));
});
