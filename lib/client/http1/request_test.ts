import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { checkLength, prepareFields, requestHead } from "./request.ts";

const url = new URL("http://h:81/a?b");
const body = { length: 5, rereadable: true, open: () => ({ next: () => null, close() {} }) };

function headOf(headers: [string, string][], method = "POST"): string[] {
  const fields = prepareFields(headers);
  return requestHead({ url, method, fields, body }, { form: "origin", expect: false }).split("\r\n");
}

Deno.test("requestHead() says itself how the body is framed, and leaves out what is empty", () => {
  const first = "POST /a?b HTTP/1.1";
  const cases: [headers: [string, string][], lines: string[]][] = [
    [[], ["host: h:81", "content-length: 5"]],
    [[["host", "other"]], ["host: other", "content-length: 5"]],
    [[["content-length", "5"]], ["host: h:81", "content-length: 5"]],
    [[["Transfer-Encoding", "Chunked"]], ["host: h:81", "transfer-encoding: chunked"]],
    [[["transfer-encoding", "chunked"], ["content-length", "5"]], [
      "host: h:81",
      "transfer-encoding: chunked",
    ]],
    [[["user-agent", ""], ["content-length", ""], ["x", "y"]], ["host: h:81", "x: y", "content-length: 5"]],
  ];
  for (const [headers, lines] of cases) assertEquals(headOf(headers), [first, ...lines, "", ""]);
});

Deno.test("prepareFields() and checkLength() refuse what a request cannot say", () => {
  const cases: [header: [string, string], message: string][] = [
    [["host", ""], "--header Host: it is empty"],
    [["transfer-encoding", "gzip"], "only chunked can be sent"],
    [["transfer-encoding", "gzip, chunked"], "only chunked can be sent"],
    [["content-length", "x"], "x is no length"],
    [["content-length", "5, 5"], "5, 5 is no length"],
    [["content-length", "-1"], "-1 is no length"],
    [["content-length", "4"], "it says 4 where 5 bytes are sent"],
    [["expect", "y"], "y is nothing that can be expected"],
  ];
  for (const [header, message] of cases) {
    const prepare = () => checkLength({ url, method: "POST", fields: prepareFields([header]), body });
    assertEquals(assertThrows(prepare, FerryError, message).code, "usage");
  }
});
