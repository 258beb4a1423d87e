import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { parseNetrc } from "./netrc.ts";

const FILE = `# machine comment.example login no password no
machine one.example login ann password p1
machine One.Example login bob
  password
  p2
machine quoted.example login "a \\"b\\"" password "x\\ty #z"
macdef init
machine macro.example login no password no
cd /pub

machine hash.example login ann account acme password #p
machine half.example login ann
machine [::1] password v6 login six
machine bücher.example login b password ü unknown
default login anonymous password guest
machine late.example login late password p3
`;

Deno.test("parseNetrc() finds logins by host, and by login", () => {
  const netrc = parseNetrc(FILE);
  const cases: [hostname: string, login: string | undefined, password: string | undefined][] = [
    ["one.example", undefined, "p1"],
    ["one.example", "bob", "p2"],
    ["one.example", "eve", undefined],
    ["quoted.example", 'a "b"', "x\ty #z"],
    ["hash.example", undefined, "#p"],
    ["[::1]", undefined, "v6"],
    ["xn--bcher-kva.example", undefined, "ü"],
    ["late.example", undefined, "p3"],
    ["macro.example", undefined, undefined],
    ["comment.example", undefined, undefined],
    ["half.example", undefined, undefined],
    ["sub.one.example", undefined, undefined],
  ];
  for (const [hostname, login, password] of cases) {
    assertEquals(netrc.machine(hostname, login)?.password, password, hostname);
  }
  assertEquals(netrc.default?.login, "anonymous");
  assertEquals(parseNetrc("machine a login b password c").default, null);
});

Deno.test("parseNetrc() takes a quoted word for a value and for nothing else", () => {
  const netrc = parseNetrc(
    'machine "host.example" login "login" password "password"\n"machine" x login y password z',
  );
  assertEquals(netrc.machine("host.example"), { host: "host.example", login: "login", password: "password" });
  assertEquals(netrc.entries.length, 1);
});

Deno.test("parseNetrc() names the line of what is incomplete, and shows no secret", () => {
  for (
    const [text, line] of [["machine", 1], ["\nmachine a login b password", 2], [
      '\n\nmachine a password "secret',
      3,
    ]]
  ) {
    const error = assertThrows(() => parseNetrc(String(text)), FerryError, `line ${line}`);
    assert(!error.message.includes("secret"));
  }
});

Deno.test("parseNetrc() gives back any login and password that was quoted", () => {
  const quoted = (text: string) =>
    `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string(), (login, password) => {
    const netrc = parseNetrc(`machine h login ${quoted(login)} password ${quoted(password)}`);
    assertEquals(netrc.machine("h"), { host: "h", login, password });
  }));
  // Whatever it is, it is read or refused.
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'machine default login \n\t"\\#x') }), (text) => {
      try {
        parseNetrc(text);
      } catch (error) {
        assert(error instanceof FerryError);
      }
    }),
  );
});
