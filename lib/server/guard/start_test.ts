import { assertEquals } from "@std/assert";
import { reportOf } from "./start.ts";

Deno.test("reportOf() tells what was ended and why, but for what only idled", () => {
  const none = { head: 0, idle: 0, stalled: 0, server: 0, client: 0 };
  assertEquals(reportOf({ ...none, idle: 7 }), null);
  assertEquals(
    reportOf({ ...none, head: 1, client: 2 }),
    "connections ended in the last minute: 1 sent no whole request in time, 2 beyond --client-connections",
  );
});
