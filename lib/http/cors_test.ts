import { assert, assertEquals } from "@std/assert";
import { corsHeaders, corsPolicy, parseOrigin, preflightHeaders, withGrants } from "./cors.ts";

const ORIGINS: [text: string, wanted: string | null][] = [
  ["*", "*"],
  ["https://app.example", "https://app.example"],
  ["HTTP://App.Example:80", "http://app.example"],
  ["http://localhost:5173", "http://localhost:5173"],
  ["https://bücher.example", "https://xn--bcher-kva.example"],
  ["http://[::1]:8080", "http://[::1]:8080"],
  ["tauri://localhost", "tauri://localhost"],
  ["https://app.example/", null],
  ["https://app.example/path", null],
  ["https://user@app.example", null],
  ["https://*.example", null],
  ["https://a.example,https://b.example", null],
  ["app.example", null],
  ["null", null],
  ["", null],
  ["http://a b", null],
  ["http://[x]", null],
];
for (const [text, wanted] of ORIGINS) {
  Deno.test(`parseOrigin() reads ${JSON.stringify(text)}`, () => assertEquals(parseOrigin(text), wanted));
}

const LISTED = corsPolicy(["https://app.example"])!;
const ANY = corsPolicy(["https://app.example", "*"])!;

Deno.test("corsHeaders() names a listed origin, and varies by it whatever the request", () => {
  const granted = corsHeaders(LISTED, "https://app.example");
  assertEquals([granted["access-control-allow-origin"], granted.vary], ["https://app.example", "Origin"]);
  assert(granted["access-control-expose-headers"].includes("ETag"));
  assertEquals(corsHeaders(LISTED, "https://evil.example"), { vary: "Origin" });
  assertEquals(corsHeaders(LISTED, null), { vary: "Origin" });
  assertEquals(corsHeaders(LISTED, "null"), { vary: "Origin" });
});

Deno.test("corsHeaders() lets anybody in with *, the same for all", () => {
  const granted = corsHeaders(ANY, "https://x.example");
  assertEquals([granted["access-control-allow-origin"], granted.vary], ["*", undefined]);
  assertEquals(corsHeaders(ANY, null), granted);
  assertEquals(corsPolicy([]), undefined);
});

Deno.test("preflightHeaders() allows the methods and the headers that were asked for", () => {
  const request = new Headers({
    "origin": "https://app.example",
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization, if-match,,range",
  });
  assertEquals(preflightHeaders(LISTED, request, "GET, PUT"), {
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "authorization, if-match, range",
    "access-control-max-age": "600",
    "vary": "Access-Control-Request-Headers",
  });
});

Deno.test("preflightHeaders() gives nothing to others, and no headers to a malformed list", () => {
  const ask = (headers: Record<string, string>) => preflightHeaders(LISTED, new Headers(headers), "GET");
  const origin = "https://app.example";
  assertEquals(ask({ origin }), null);
  assertEquals(ask({ "access-control-request-method": "GET" }), null);
  assertEquals(ask({ "origin": "https://evil.example", "access-control-request-method": "GET" }), null);
  for (const names of ["a b", "x\u00e9", "*(", "a,".repeat(101), "n".repeat(101)]) {
    const granted = ask({
      origin,
      "access-control-request-method": "GET",
      "access-control-request-headers": names,
    });
    assertEquals(granted?.["access-control-allow-headers"], undefined, names.slice(0, 20));
  }
});

Deno.test("withGrants() adds to what an answer varies by, and leaves the answer as it is", () => {
  const headers = { "content-type": "text/html", "vary": "Accept" };
  assertEquals(withGrants(headers, { vary: "Origin" }).vary, "Accept, Origin");
  assertEquals(headers.vary, "Accept");
});
