import { assertEquals } from "@std/assert";
import { parseBasic } from "./basic_auth.ts";

const basic = (bytes: string) => `Basic ${btoa(bytes)}`;

const CASES: [about: string, header: string, wanted: ReturnType<typeof parseBasic>][] = [
  ["a login", basic("ann:secret"), { user: "ann", password: "secret" }],
  ["a password with colons", basic("ann:a:b"), { user: "ann", password: "a:b" }],
  ["nothing before the colon", basic(":x"), { user: "", password: "x" }],
  ["UTF-8", basic("\u00c3\u00a9:x"), { user: "é", password: "x" }],
  ["Latin-1", basic("\u00e9:x"), { user: "é", password: "x" }],
  ["the scheme in lower case", basic("a:b").replace("Basic", "basic"), { user: "a", password: "b" }],
  ["no colon", basic("ann"), null],
  ["another scheme", "Bearer abc", null],
  ["no base64", "Basic !!!", null],
  ["bad padding", "Basic YQ=b", null],
  ["nothing", "Basic ", null],
  ["an empty header", "", null],
];
for (const [about, header, wanted] of CASES) {
  Deno.test(`parseBasic() reads ${about}`, () => assertEquals(parseBasic(header), wanted));
}
