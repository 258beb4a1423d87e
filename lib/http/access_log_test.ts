import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AccessRecord, formatCombined, formatJson } from "./access_log.ts";

const RECORD: AccessRecord = {
  protocol: "HTTP/1.1",
  id: null,
  time: Date.UTC(2026, 10, 22, 10, 1, 2, 345),
  remote: "127.0.0.1",
  user: null,
  method: "GET",
  target: "/a?b",
  status: 200,
  bytes: 12,
  ms: 1.23456,
  referer: null,
  agent: "curl/8",
};

Deno.test("formatCombined() writes the combined format", () => {
  assertEquals(
    formatCombined(RECORD),
    '127.0.0.1 - - [22/Nov/2026:10:01:02 +0000] "GET /a?b HTTP/1.1" 200 12 "-" "curl/8"\n',
  );
});

const HOSTILE = 'x" 200 1 "-" "-"\n127.0.0.1 - root\x1b[2J\u009b\u202e\\é';

Deno.test("formatCombined() escapes what could forge a line, a field or a terminal's orders", () => {
  for (const part of ["user", "target", "referer", "agent"] as const) {
    const line = formatCombined({ ...RECORD, [part]: HOSTILE });
    assertMatch(line, /^[\x20-\x7e]*\n$/);
    assertEquals(line.split('"').length, 7, part);
    assertStringIncludes(line, "\\x22");
    assertStringIncludes(line, "\\x0A");
    assertStringIncludes(line, "\\xC3\\xA9");
  }
});

Deno.test("formatJson() writes one line that reads back as the record", () => {
  const line = formatJson({ ...RECORD, target: HOSTILE, user: "ann" });
  for (const c of ["\x1b", "\u009b", "\u202e"]) assert(!line.includes(c));
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(JSON.parse(line), {
    ...RECORD,
    time: "2026-11-22T10:01:02.345Z",
    ms: 1.235,
    target: HOSTILE,
    user: "ann",
  });
});
