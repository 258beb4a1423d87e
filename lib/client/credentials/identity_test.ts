import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { Identity, type IdentityOptions } from "./identity.ts";
import { parseNetrc } from "./netrc.ts";

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

Deno.test("Identity.headersFor() takes logins from netrc where nothing else is given, for that very machine", () => {
  const netrc = parseNetrc(
    "machine h login ann password p1 machine h login bob password p2 machine other login eve password p3 " +
      "default login any password p4",
  );
  const basic = (user: string) => `Basic ${btoa(user)}`;
  const cases: [origin: string, options: IdentityOptions, url: string, value: string | null][] = [
    ["http://h/", {}, "http://h/x", basic("ann:p1")],
    ["http://h:81/", {}, "http://h:81/x", basic("ann:p1")],
    ["http://bob@h/", {}, "http://h/x", basic("bob:p2")],
    ["http://h/", { user: "bob" }, "http://h/x", basic("bob:p2")],
    ["http://h/", { user: "bob:own" }, "http://h/x", basic("bob:own")],
    ["http://u:own@h/", {}, "http://h/x", basic("u:own")],
    ["http://u@h/", {}, "http://h/x", basic("u:")],
    ["http://h/", { token: "t" }, "http://h/x", "Bearer t"],
    // A token that merely lies in the environment gives way to a machine, and goes before the default.
    ["http://h/", { ambientToken: "t" }, "http://h/x", basic("ann:p1")],
    ["http://unknown/", { ambientToken: "t" }, "http://unknown/x", "Bearer t"],
    ["http://unknown/", {}, "http://unknown/x", basic("any:p4")],
    // Where answers lead to: never the password of the first host, never the default, nothing in the open after TLS.
    ["http://h/", {}, "http://other/x", basic("eve:p3")],
    ["http://u:own@h/", { token: "t" }, "http://other/x", basic("eve:p3")],
    ["http://h/", {}, "http://unknown/x", null],
    ["http://h/", {}, "http://h:81/x", null],
    ["https://h/", {}, "http://h/x", null],
    ["https://h/", {}, "http://other/x", null],
    ["https://h/", {}, "https://other/x", basic("eve:p3")],
    ["http://h/", {}, "https://other/x", basic("eve:p3")],
  ];
  for (const [origin, options, url, value] of cases) {
    const identity = new Identity(new URL(origin), { netrc, ...options });
    const given = identity.headersFor(new URL(url)).get("authorization");
    assertEquals(given, value, `${origin} ${JSON.stringify(options)} ${url}`);
  }
  const error = assertThrows(
    () => new Identity(new URL("http://h/"), { netrc, user: "eve" }),
    FerryError,
    "--netrc",
  );
  assertEquals(error.code, "usage");
});
