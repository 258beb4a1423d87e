import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { framing, isPersistent } from "../http1/framing.ts";
import { parseHead } from "../http1/head.ts";
import { PlainAnswer } from "./plain_answer.ts";
import { readPlainHead } from "./plain_head.ts";

/** What is found of the head that `text` begins with, one character a byte, behind `before` other bytes. */
function plainHead(text: string, before = ""): { end: number; length: number } | null {
  const found = { status: -1, end: -1, length: -1, modified: -1, modifiedEnd: -1 };
  const bytes = Uint8Array.from(before + text, (char) => char.charCodeAt(0));
  if (!readPlainHead(bytes, before.length, found)) return null;
  assertEquals(found.status, Number(text.slice(9, 12)));
  return { end: found.end - before.length, length: found.length };
}

const head = (...lines: string[]) => ["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n");

Deno.test("readPlainHead() knows the heads of small files, and no other", () => {
  const cases: [head: string, length: number | null][] = [
    [head("Server: nginx", "Content-Length: 2048", "Connection: keep-alive", 'ETag: "x"'), 2048],
    [head("content-length:0"), 0],
    ["HTTP/1.1 200\r\nContent-Length: 7\r\n\r\n", 7],
    [head(), null],
    [head("Content-Length: 5", "Content-Length: 5"), null],
    [head("Content-Length: 5", "content-length: 6"), null],
    [head("Content-Length: 5", "Last-Modified: a", "last-modified: b"), null],
    [head("Content-Length: 5, 5"), null],
    [head("Content-Length: 5x"), null],
    [head("Content-Length: 5", "Transfer-Encoding: chunked"), null],
    [head("Content-Length: 5", "Content-Encoding: gzip"), null],
    [head("Content-Length: 5", "Repr-Digest: sha-256=:AA==:"), null],
    [head("Content-Length: 5", "Connection: close"), null],
    [head("Content-Length: 5", "Connection: keep-alive, close"), null],
    [head("Content-Length: 5", " folded"), null],
    [head("Content-Length: 5", "no colon"), null],
    [head("Content-Length: 5", "bad name: x"), null],
    [head("Content-Length: 5", "X: a\0b"), null],
    [head("X: a\nContent-Length: 5"), null],
    [head("Content-Length: 1234567890123456"), null],
    [head(...Array.from({ length: 70 }, () => "A: b"), "Content-Length: 5"), null],
    [head("CONTENT-LENGTH:\t 12 \t", "CONNECTION: Keep-Alive ", "X-Digest: a", "Empty:"), 12],
    ["HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", null],
    ["HTTP/1.1 206 Part\r\nContent-Length: 5\r\n\r\n", null],
    ["HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", 0],
    ["HTTP/1.1 304\r\n\r\n", 0],
    ["HTTP/1.1 304 Same\r\nConnection: close\r\n\r\n", null],
    ["HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n", null],
  ];
  for (const [text, length] of cases) {
    const found = length === null ? null : { end: text.length, length };
    assertEquals(plainHead(text), found, JSON.stringify(text));
    assertEquals(plainHead(`${text}the body\r\n\r\n`, "another body"), found, JSON.stringify(text));
    for (let cut = 0; cut < text.length; cut++) assertEquals(plainHead(text.slice(0, cut)), null);
  }
});

Deno.test("readPlainHead() says what a whole look at the head would", () => {
  const pieces = fc.constantFrom(
    ...[
      "Content-Length: 3",
      "content-length:3 ",
      "Connection: keep-alive",
      "Connection: close",
      "A: b",
      ": x",
      " a: b",
    ],
    ...[
      "Transfer-Encoding: chunked",
      "Content-Encoding: br",
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
      "last-modified:\t\xa0x \xff ",
      "LAST-MODIFIED:",
      'ETag: "a"',
      "a\tb: c",
      "X: \x7f",
      "X:\xff",
      "\n",
      "\r",
      "X",
    ],
  );
  fc.assert(
    fc.property(fc.constantFrom("200", "304"), fc.array(pieces, { maxLength: 5 }), (status, lines) => {
      const text = head(...lines).replace("200", status);
      const found = plainHead(text);
      if (found === null) return;
      const { end, length } = found;
      assertEquals(end, text.length);
      const parsed = parseHead(text);
      const frame = framing(parsed, "GET");
      assertEquals(frame, status === "200" ? { kind: "length", bytes: length } : { kind: "none" });
      assert(isPersistent(parsed, frame.kind));
      const answer = new PlainAnswer();
      assert(answer.read(Uint8Array.from("x" + text, (char) => char.charCodeAt(0)), 1));
      for (const name of ["last-modified", "etag"] as const) {
        assertEquals(answer.field(name), parsed.fields.get(name));
      }
    }),
    { numRuns: 500 },
  );
});
