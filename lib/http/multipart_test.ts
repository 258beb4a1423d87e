import { assert, assertEquals } from "@std/assert";
import { byteranges } from "./multipart.ts";

Deno.test("byteranges() frames each range with its own head, and counts every byte", () => {
  const ranges = [{ start: 0, end: 2 }, { start: 5, end: 9 }];
  const { type, segments, length } = byteranges(ranges, { size: 10, type: "text/plain", boundary: "B" });
  assertEquals(type, "multipart/byteranges; boundary=B");
  const file = "0123456789";
  const text = segments.map((segment) =>
    segment instanceof Uint8Array ? new TextDecoder().decode(segment) : file.slice(segment.start, segment.end)
  ).join("");
  assertEquals(
    text,
    "--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01" +
      "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-8/10\r\n\r\n5678\r\n--B--\r\n",
  );
  assertEquals(length, text.length);
});

Deno.test("byteranges() makes a boundary that nobody can guess", () => {
  const make = () => byteranges([{ start: 0, end: 1 }], { size: 2, type: "text/plain" }).type;
  assert(make() !== make());
});
