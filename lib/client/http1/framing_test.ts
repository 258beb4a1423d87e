import { assertEquals, assertThrows } from "@std/assert";
import { HeadError } from "./fields.ts";
import { type Framing, framing, isPersistent } from "./framing.ts";
import { parseHead } from "./head.ts";

const head = (status: number, ...lines: string[]) =>
  parseHead([`HTTP/1.1 ${status} X`, ...lines, "", ""].join("\r\n"));

Deno.test("framing() knows what ends a body", () => {
  const cases: [string, ReturnType<typeof head>, Framing][] = [
    ["GET", head(200, "Content-Length: 5"), { kind: "length", bytes: 5 }],
    ["GET", head(200, "Content-Length: 5", "content-length: 5"), { kind: "length", bytes: 5 }],
    ["GET", head(200, "Content-Length: 05, 5"), { kind: "length", bytes: 5 }],
    ["GET", head(200, "Transfer-Encoding: Chunked"), { kind: "chunked" }],
    ["GET", head(200), { kind: "close" }],
    ["HEAD", head(200, "Content-Length: 5"), { kind: "none" }],
    ["GET", head(204, "Content-Length: 5"), { kind: "none" }],
    ["GET", head(304, "Transfer-Encoding: chunked"), { kind: "none" }],
    ["GET", head(206, "Content-Length: 0"), { kind: "length", bytes: 0 }],
  ];
  for (const [method, answer, expected] of cases) assertEquals(framing(answer, method), expected);
});

Deno.test("framing() refuses what two programs could read in two ways", () => {
  const cases: [string[], string][] = [
    [["Content-Length: 5", "Content-Length: 6"], "content-length"],
    [["Content-Length: -5"], "content-length that is no number: -5"],
    [["Content-Length: 0x5"], "content-length"],
    [["Content-Length:"], "content-length"],
    [["Content-Length: 99999999999999999999"], "content-length"],
    [["Content-Length: 5", "Transfer-Encoding: chunked"], "both"],
    [["Transfer-Encoding: gzip, chunked"], "gzip, chunked"],
    [["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "chunked, chunked"],
    [["Transfer-Encoding: identity"], "identity"],
  ];
  for (const [lines, message] of cases) {
    assertThrows(() => framing(head(200, ...lines), "GET"), HeadError, message);
  }
});

Deno.test("isPersistent() lets a connection go when either side says so, or cannot say", () => {
  const old = parseHead("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n");
  const cases: [ReturnType<typeof head>, Framing["kind"], boolean][] = [
    [head(200), "length", true],
    [head(200, "Connection: keep-alive"), "chunked", true],
    [head(200, "Connection: x, Close"), "length", false],
    [head(200, "Connection: x", "Connection: close"), "none", false],
    [head(200, "Connection: closed"), "length", true],
    [head(200), "close", false],
    [old, "length", false],
  ];
  for (const [answer, kind, expected] of cases) assertEquals(isPersistent(answer, kind), expected);
});
