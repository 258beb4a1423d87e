import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { parseTarget, splitArgs } from "./target.ts";

Deno.test("parseTarget() takes http and https and tells what else was meant", () => {
  assertEquals(parseTarget("http://u:p@h:80/a b#frag").url.href, "http://h/a%20b");
  assertEquals(parseTarget("HTTPS://h").url.href, "https://h/");
  const cases: [string, string][] = [
    ["localhost:8420/x", "did you mean http://localhost:8420/x?"],
    ["example.com", "did you mean http://example.com?"],
    ["", "not a URL"],
    ["-", "not a URL: -; --continue takes no value"],
    ["/etc/passwd", "not a URL: /etc/passwd"],
    ["file:///etc/passwd", "scheme file"],
    ["ftp://h/", "scheme ftp"],
    ["http://h:99999/", "not a valid URL"],
    ["http://a b/", "not a valid URL"],
    ["u:geheim@h/x", "http://h/x"],
    ["ftp://u:geheim@h/", "ftp"],
    ["http://u:geheim@h:x/", "not a valid URL"],
    ["http://u:a/geheim@h/x", "not a valid URL: http://h/x; in its user or password / is written as %2F"],
  ];
  for (const [text, message] of cases) {
    const error = assertThrows(() => parseTarget(text), FerryError);
    assertEquals(error.code, "bad_url");
    assertStringIncludes(error.message, message);
    assert(!error.message.includes("geheim"));
  }
});

Deno.test("splitArgs() tells a method from URLs", () => {
  assertEquals(splitArgs(["http://h/"]), { targets: ["http://h/"] });
  assertEquals(splitArgs(["put", "http://h/"]), { method: "PUT", targets: ["http://h/"] });
  assertEquals(splitArgs(["HEAD", "a", "b"]), { method: "HEAD", targets: ["a", "b"] });
  assertEquals(splitArgs(["get"]), { targets: ["get"] });
  assertThrows(() => splitArgs(["PUT"]), FerryError, "missing");
  assertThrows(() => splitArgs([]), FerryError, "a URL is missing");
  assertEquals(splitArgs([], { input: true }), { targets: [] });
  assertEquals(splitArgs(["DELETE"], { input: true }), { method: "DELETE", targets: [] });
  assertThrows(() => splitArgs(["GETT", "http://h/"]), FerryError, "unknown method GETT");
});
