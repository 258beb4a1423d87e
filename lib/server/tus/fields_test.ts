import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { meantMethod, readConcat, readLength } from "./fields.ts";

const A = "0123456789abcdef0123456789abcdef";
const B = "f".repeat(32);

Deno.test("readLength() wants a length or the word that it comes later", () => {
  assertEquals(readLength(new Headers({ "upload-length": "0" })), 0);
  assertEquals(readLength(new Headers({ "upload-defer-length": "1" })), null);
  const wrong: Record<string, string>[] = [
    {},
    { "upload-length": "-1" },
    { "upload-length": "1e3" },
    { "upload-length": "" },
    { "upload-length": "9".repeat(16) },
    { "upload-defer-length": "2" },
    { "upload-length": "1", "upload-defer-length": "1" },
  ];
  for (const headers of wrong) {
    assertThrows(() => readLength(new Headers(headers)), FerryError);
  }
});

Deno.test("readConcat() reads lists of uploads by relative, absolute and full URL", () => {
  const read = (value: string) => readConcat(new Headers({ "upload-concat": value }));
  assertEquals(readConcat(new Headers()), { kind: "whole" });
  assertEquals(read("partial"), { kind: "partial" });
  const field = `final;/.ferry/tus/${A} ${B}  https://x.example/.ferry/tus/${A}`;
  assertEquals(read(field), { kind: "final", ids: [A, B, A], field });
  const wrong = ["", "final", "final;", "other", "final;/x", `final;${A}0`, `final;${A.toUpperCase()}`];
  for (const value of [...wrong, `final;${`${A} `.repeat(1001)}`]) {
    assertThrows(() => read(value), FerryError, "Upload-Concat");
  }
});

Deno.test("meantMethod() obeys X-HTTP-Method-Override", () => {
  assertEquals(meantMethod("POST", new Headers()), "POST");
  assertEquals(meantMethod("POST", new Headers({ "x-http-method-override": "patch" })), "PATCH");
});
