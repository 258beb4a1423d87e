import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { authorization, hideUserinfo, redactHeader, takeUserinfo } from "./credentials.ts";

Deno.test("takeUserinfo() decodes userinfo and takes it out of the URL", () => {
  const cases: [string, string, string | undefined][] = [
    ["http://h/p?q", "http://h/p?q", undefined],
    ["http://u:p@h/", "http://h/", "u:p"],
    ["http://u@h/", "http://h/", "u:"],
    ["http://a%40b:%3A%2F@h/", "http://h/", "a@b::/"],
    ["http://%C3%A9:x@h/", "http://h/", "é:x"],
  ];
  for (const [text, href, user] of cases) {
    const bare = takeUserinfo(new URL(text));
    assertEquals([bare.url.href, bare.user], [href, user]);
  }
  const error = assertThrows(() => takeUserinfo(new URL("http://u:%ff@h/")), FerryError);
  assertEquals(error.message.includes("%ff"), false);
});

Deno.test("authorization() encodes users in UTF-8 and refuses tokens that break the header", () => {
  assertEquals(authorization("Aladdin:open sesame", undefined), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  assertEquals(authorization("é:x", undefined), "Basic w6k6eA==");
  assertEquals(authorization("u:p", "t0k"), "Bearer t0k");
  assertEquals(authorization(undefined, undefined), null);
  for (const bad of ["", "a b", "a\r\nb", "é"]) assertThrows(() => authorization(undefined, bad), FerryError);
});

Deno.test("redactHeader() hides what may be a secret", () => {
  const cases: [string, string, string][] = [
    ["authorization", "Basic abc", "Basic [redacted]"],
    ["authorization", "abc", "[redacted]"],
    ["cookie", "a=b", "[redacted]"],
    ["set-cookie", "a=b", "[redacted]"],
    ["x-api-key", "k", "[redacted]"],
    ["x-auth-token", "k", "[redacted]"],
    ["x-auth-key", "k", "[redacted]"],
    ["ocp-apim-subscription-key", "k", "[redacted]"],
    ["x-authorization", "Bearer k", "Bearer [redacted]"],
    ["x-session-id", "k", "[redacted]"],
    ["idempotency-key", "k", "k"],
    ["accept", "*/*", "*/*"],
  ];
  for (const [name, value, shown] of cases) assertEquals([name, redactHeader(name, value)], [name, shown]);
});

Deno.test("hideUserinfo() hides passwords that should have been escaped too, and no part of a path", () => {
  const cases: [text: string, shown: string][] = [
    ["http://ann:pw@host/a:b@c", "http://host/a:b@c"],
    ["http://ann:p@w@host/", "http://host/"],
    ["http://ann:p/w@host/x", "http://host/x"],
    ["http://ann:p?w#@host/x", "http://host/x"],
    ["http://ann:1/w@host/x", "http://ann:1/w@host/x"],
    ["ann:p/w@host/x", "host/x"],
    ["http:/ann:p/w@host/x", "http:/host/x"],
    ["//ann:p/w@host/x", "//host/x"],
    ["http://host/@scope/x", "http://host/@scope/x"],
    ["http://host:80/@scope/x", "http://host:80/@scope/x"],
    ["http://[::1]:80/@scope/x", "http://[::1]:80/@scope/x"],
    ["http://[::1]/@scope/x", "http://[::1]/@scope/x"],
    ["host:80/@scope/x", "host:80/@scope/x"],
    ["/@scope/a:b", "/@scope/a:b"],
    ["/x?a:b@c", "/x?a:b@c"],
    ["http://h/x@y?z=a@b", "http://h/x@y?z=a@b"],
  ];
  for (const [text, shown] of cases) assertEquals([text, hideUserinfo(text)], [text, shown]);
  // Whatever a URL parser takes for the two slashes.
  for (const start of ["http:/", "http:///", "http:\\\\", "//", "\\/"]) {
    assertEquals(hideUserinfo(`${start}a:b@h/x@y`), `${start}h/x@y`);
  }
});
