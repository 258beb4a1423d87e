import { assertEquals } from "@std/assert";
import { hideArguments, passwordsIn, secretsIn } from "./process_title.ts";

Deno.test("secretsIn() finds secrets as values of their own and at the end of a flag", () => {
  const hide = (args: string[], text: string, from: number, to = text.length) => {
    const line = new TextEncoder().encode(args.map((arg) => arg + "\0").join(""));
    for (const { at, length } of secretsIn(line, [{ text, from, to }])) line.fill(42, at, at + length);
    return new TextDecoder().decode(line).split("\0").slice(0, -1);
  };
  assertEquals(hide(["ferry", "-u", "ann:pw", "pw"], "ann:pw", 4), ["ferry", "-u", "ann:**", "pw"]);
  assertEquals(hide(["--user=ann:pw", "-uann:pw"], "ann:pw", 4), ["--user=ann:**", "-uann:**"]);
  assertEquals(hide(["jürgen:ü"], "jürgen:ü", 7), ["jürgen:**"]);
  assertEquals(hide(["http://a:b@h/x"], "http://a:b@h/x", 7, 10), ["http://***@h/x"]);
  assertEquals(hide(["token"], "", 0), ["token"]);
  assertEquals(hide(["tok", "token2"], "token", 0), ["tok", "token2"]);
});

Deno.test("passwordsIn() finds them whatever a URL has for its two slashes", () => {
  for (const start of ["http://", "http:/", "http:///", "http:\\\\", ""]) {
    const [{ text, from, to }] = passwordsIn([`${start}ann:p@w@host/x:y@z`]);
    assertEquals([start, text.slice(from, to)], [start, "p@w"]);
  }
  const [{ from, to }] = passwordsIn(["http://ann:p/w?@host/x"]);
  assertEquals([from, to], ["http://ann:".length, "http://ann:p/w?".length]);
  const none = [
    "http://host/a:b@c",
    "http://ann@host/",
    "http://host:80/@c",
    "http://[::1]/@c",
    "http://[::1]:80/@c",
    "plain",
  ];
  assertEquals(passwordsIn(none), []);
});

Deno.test({
  name: "hideArguments() changes what others see, and not what the program has",
  ignore: Deno.build.os !== "linux",
  fn() {
    // An argument of the program that runs the tests, which has read it long ago.
    const seen = () => new TextDecoder().decode(Deno.readFileSync("/proc/self/cmdline"));
    const before = seen();
    const last = before.split("\0").at(-2)!;
    const args = [...Deno.args];
    hideArguments([{ text: last, from: 0, to: last.length }]);
    assertEquals(seen().split("\0").at(-2), "*".repeat(new TextEncoder().encode(last).length));
    assertEquals(Deno.args, args);
  },
});
