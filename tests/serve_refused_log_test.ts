/** What `ferry serve` says of messages that no honest client sends: who sent what, and why it was refused. */
import { assertEquals, assertMatch } from "@std/assert";
import { serve, tempDir } from "./harness.ts";

const CALLS = [
  {
    call: "POST pack?path=",
    body: '{"files":["../../etc/passwd"]}',
    why: /refused POST .*\/pack .*: .*dot segment/,
  },
  { call: "POST pack?path=", body: "[".repeat(1000), why: /refused POST .*\/pack .*: / },
  { call: "GET info?path=../x", why: /refused GET .*\/info .*: .*dot segment/ },
  { call: "GET changes?path=&since=x%1b[2J", why: /refused GET .*\/changes .*: / },
] as const;

Deno.test("serve names in its log who was refused by the sync API, and why, but not with --log none", async () => {
  using dir = tempDir({ "share/f": "x" });
  for (const log of ["combined", "none"]) {
    await using server = await serve(dir.at("share"), ["--log", log, "--auth", "ann:pw@/:r"]);
    for (const { call, ...rest } of CALLS) {
      const [method, path] = call.split(" ");
      const body = "body" in rest ? rest.body : undefined;
      const headers = { "content-type": "application/json", authorization: `Basic ${btoa("ann:pw")}` };
      const response = await fetch(`${server.url}/.ferry/v1/${path}`, { method, headers, body });
      await response.body?.cancel();
      assertEquals(response.status, 400, call);
    }
    await server.stop();
    const lines = server.log().split("\n").filter((line) => line.startsWith("ferry: refused"));
    assertEquals(lines.length, log === "none" ? 0 : CALLS.length, server.log());
    lines.forEach((line, index) => assertMatch(line, CALLS[index].why));
    for (const line of lines) assertMatch(line, /from ann at 127\.0\.0\.1: /);
  }
});
