import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { requestId } from "./request_id.ts";

Deno.test("requestId() keeps a sane name and makes one up in place of any other", () => {
  for (const sane of ["a", "0af7651916cd43dd8448eb211c80319c", "req-1.2_3~x/=+@h:1", "x".repeat(128)]) {
    assertEquals(requestId(sane), sane);
  }
  for (const odd of [null, "", "x".repeat(129), "a b", 'a"b', "a\u001b[31m", "ä", "a,b", "<b>"]) {
    const made = requestId(odd);
    assert(/^[0-9a-f-]{36}$/.test(made));
    assertNotEquals(requestId(odd), made);
  }
});
