import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { type FormField, parseFormField } from "./form_field.ts";

const text = (name: string, value: string): FormField => ({ name, content: { kind: "text", text: value } });
const file = (name: string, path: string, more: Partial<FormField> = {}): FormField => ({
  name,
  content: { kind: "file", path },
  ...more,
});

Deno.test("parseFormField() reads curl's notation", () => {
  const cases: [string, FormField][] = [
    ["a=b", text("a", "b")],
    ["a=", text("a", "")],
    ["a=b=c", text("a", "b=c")],
    ["a=b;c", text("a", "b;c")],
    ["a=b;type=text/html", { ...text("a", "b"), type: "text/html" }],
    ["a=b;type=text/html; charset=utf-8", { ...text("a", "b"), type: "text/html; charset=utf-8" }],
    ["a=b;filename=c", text("a", "b;filename=c")],
    ['a="b"', text("a", "b")],
    ['a="b;type=text/html"', text("a", "b;type=text/html")],
    ['a="b \\"c\\" \\\\"', text("a", 'b "c" \\')],
    ['a="b"c', text("a", '"b"c')],
    ["a=x@y", text("a", "x@y")],
    ["a=line\r\nline", text("a", "line\r\nline")],
    ["f=@dir/x.png", file("f", "dir/x.png", { fileName: "x.png" })],
    ["f=@-", file("f", "-", { fileName: "-" })],
    ["f=@x;filename=y", file("f", "x", { fileName: "y" })],
    ["f=@x;filename=", file("f", "x", { fileName: "" })],
    ['f=@x;filename="a;b"', file("f", "x", { fileName: "a;b" })],
    ["f=@x;type=a/b;filename=y", file("f", "x", { fileName: "y", type: "a/b" })],
    ["f=@x;filename=y;type=a/b", file("f", "x", { fileName: "y", type: "a/b" })],
    ['f=@"x;type=y"', file("f", "x;type=y", { fileName: "x;type=y" })],
    ['f=@x;filename=q".bin', file("f", "x", { fileName: 'q".bin' })],
    ['f=@"x";filename=y', file("f", "x", { fileName: "y" })],
    ["f=@a,b", file("f", "a,b", { fileName: "a,b" })],
    ["v=<x", file("v", "x")],
    ["v=<-;type=text/csv", file("v", "-", { type: "text/csv" })],
  ];
  for (const [given, field] of cases) assertEquals(parseFormField(given), field, given);
});

Deno.test("parseFormField() refuses what is no field", () => {
  for (
    const given of ["", "a", "=b", "a=@", "a=<", "a=@;type=a/b", "a=b;type=html", "a=b;type=a/b\r\nX: y"]
  ) {
    assertThrows(() => parseFormField(given), FerryError, "--form");
  }
});

Deno.test("parseFormField() takes any value between double quotes as it stands", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    const quoted = value.replace(/["\\]/g, "\\$&");
    assertEquals(parseFormField(`a="${quoted}"`), text("a", value));
  }));
});
