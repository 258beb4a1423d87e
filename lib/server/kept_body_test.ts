import { assertEquals } from "@std/assert";
import { KeptBody, Padding } from "./kept_body.ts";

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

Deno.test("KeptBody pads no head of a larger content", () => {
  const body = new KeptBody(new Uint8Array(4000), HEADERS);
  const answers = Array.from({ length: 400 }, () => body.response(HEADERS));
  assertEquals(answers.filter((response) => response.headers.has("x-padding")).length, 0);
});

Deno.test("Padding is due for one answer in 127 under load, and for none at other times", () => {
  const count = (msEach: number) => {
    const padding = new Padding();
    let now = 0;
    const due = Array.from({ length: 127 * 5 }, () => padding.isDue(() => now += msEach * 127));
    return due.filter(Boolean).length;
  };
  assertEquals([count(0.01), count(0.5), count(1), count(20)], [4, 4, 0, 0]);
});
