import { assertEquals } from "@std/assert";
import { Identity } from "./identity.ts";

Deno.test("Identity.headersFor() gives credentials to its own origin only", () => {
  const identity = new Identity(new URL("http://u:p@h:81/x"));
  const cases: [string, string | null][] = [
    ["http://h:81/other", "Basic dTpw"],
    ["http://h/", null],
    ["https://h:81/", null],
    ["http://other:81/", null],
  ];
  for (const [url, value] of cases) {
    assertEquals(identity.headersFor(new URL(url)).get("authorization"), value);
  }
  const own = identity.headersFor(new URL("http://h:81/"), {
    authorization: "mine",
    "accept-encoding": "gzip",
  });
  assertEquals([own.get("authorization"), own.get("accept-encoding")], ["mine", "gzip"]);
  const token = new Identity(new URL("http://h/"), { token: "t", user: "a:b", userAgent: "x/1" });
  const headers = token.headersFor(new URL("http://h/"));
  assertEquals([headers.get("authorization"), headers.get("user-agent")], ["Bearer t", "x/1"]);
});
