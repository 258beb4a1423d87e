import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { isRedirect, nextHop } from "./redirect.ts";

const HEADERS = {
  authorization: "a",
  cookie: "c",
  host: "h",
  "content-type": "t",
  "content-length": "5",
  "x-own": "x",
  "x-api-key": "k",
  "private-token": "p",
  "x-auth-key": "k",
};

function hop(method: string) {
  return { url: new URL("http://h:81/a/b"), method, headers: new Headers(HEADERS), withBody: true };
}

Deno.test("nextHop() keeps or drops credentials by origin", () => {
  const cases: [string, string, boolean][] = [
    ["/c", "http://h:81/c", true],
    ["c?d", "http://h:81/a/c?d", true],
    ["http://h:81/", "http://h:81/", true],
    ["http://h/", "http://h/", false],
    ["https://h:81/", "https://h:81/", false],
    ["//other:81/", "http://other:81/", false],
    ["http://u:p@h:81/x#f", "http://h:81/x", true],
    ["/caf\xc3\xa9", "http://h:81/caf%C3%A9", true],
  ];
  for (const [location, href, kept] of cases) {
    const next = nextHop(hop("GET"), { status: 302, location });
    assertEquals([location, next.url.href], [location, href]);
    for (const name of ["authorization", "cookie", "host", "x-api-key", "private-token", "x-auth-key"]) {
      assertEquals([location, next.headers.has(name)], [location, kept]);
    }
    assertEquals(next.headers.get("x-own"), "x");
  }
});

Deno.test("nextHop() changes the method as RFC 9110 says, and drops what described the body with it", () => {
  const cases: [number, string, string][] = [
    [301, "GET", "GET"],
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [302, "PUT", "PUT"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [307, "POST", "POST"],
    [308, "DELETE", "DELETE"],
  ];
  for (const [status, method, expected] of cases) {
    const next = nextHop(hop(method), { status, location: "/x" });
    const kept = method === expected;
    assertEquals([status, next.method, next.withBody], [status, expected, kept]);
    assertEquals([status, method, next.headers.has("content-type")], [status, method, kept]);
  }
});

Deno.test("nextHop() refuses other schemes, and isRedirect() other answers", () => {
  for (const location of ["file:///etc/passwd", "data:,x", "http://", "javascript:0", "ftp://h/"]) {
    const error = assertThrows(() => nextHop(hop("GET"), { status: 302, location }), FerryError);
    assertEquals(error.code, "bad_url");
  }
  assertEquals(isRedirect(302, "/"), true);
  for (const [status, location] of [[302, null], [302, ""], [304, "/"], [201, "/"]] as const) {
    assertEquals([status, location, isRedirect(status, location)], [status, location, false]);
  }
});
