import { assertEquals } from "@std/assert";
import { KeptBody } from "./kept_body.ts";

const HEADERS = { "content-type": "text/plain", "content-length": "3" };

Deno.test("KeptBody gives its content any number of times, also while another copy is read", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const body = new KeptBody(bytes, HEADERS);
  bytes.fill(9);
  const first = body.response(HEADERS);
  const second = body.response(HEADERS);
  assertEquals([...await first.bytes()], [1, 2, 3]);
  assertEquals([...await body.bytes()], [1, 2, 3]);
  assertEquals([...await second.bytes()], [1, 2, 3]);
  assertEquals(Object.fromEntries(second.headers), HEADERS);
});

Deno.test("KeptBody.response() has other headers for one answer only", () => {
  const body = new KeptBody(new Uint8Array(3), HEADERS);
  const other = body.response({ ...HEADERS, vary: "Origin" });
  assertEquals(Object.fromEntries(other.headers), { ...HEADERS, vary: "Origin" });
  assertEquals(Object.fromEntries(body.response(HEADERS).headers), HEADERS);
});
