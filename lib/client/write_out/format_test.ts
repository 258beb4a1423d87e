import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { Facts, type Report } from "./facts.ts";
import { needs, parseFormat, render } from "./format.ts";
import { VARIABLES } from "./variables.ts";

const NO_TERMINAL = { stdout: false, stderr: false };

const connection = {
  remote: { hostname: "::1", port: 443 },
  local: { hostname: "::2", port: 50_000 },
};

function report(change: { error?: Report["outcome"]["error"]; value?: string } = {}): Report {
  return {
    outcome: {
      url: "http://h/a",
      method: "GET",
      status: 200,
      bytes: 10,
      ms: 1235,
      path: "out",
      sha256: "abc",
      retries: 2,
      error: change.error,
    },
    facts: Object.assign(new Facts(0), {
      received: 2469,
      redirects: 1,
      connects: 2,
      answer: {
        url: new URL("https://h/b"),
        method: "GET",
        version: "1.1",
        headers: [["Content-Type", change.value ?? "text/plain"], ["Set-Cookie", "a=1"], [
          "set-cookie",
          "b=\xc3\xa9",
        ]],
        redirectUrl: "https://h/c",
        connection,
      },
      times: { connect: 1.5, answer: 1234.5678 },
    }),
    target: "http://h/a",
    ms: 1234.5,
  };
}

const text = (format: string, of: Report = report()) =>
  render(parseFormat(format), of, NO_TERMINAL).map(({ stream, text }) => `${stream}:${text}`);

Deno.test("render() fills in what curl's names stand for", () => {
  const cases: [string, string][] = [
    ["%{http_code} %{response_code} %{status}", "200 200 200"],
    ["%{size_download} %{size_upload} %{bytes}", "2469 0 10"],
    ["%{speed_download}", "2000"],
    [
      "%{time_total} %{time_connect} %{time_starttransfer} %{time_namelookup}",
      "1.234500 0.001500 1.234568 0.000000",
    ],
    ["%{url} %{url_effective} %{retries}", "http://h/a https://h/b 2"],
    ["%{num_redirects} %{redirect_url} %{num_connects} %{num_retries}", "1 https://h/c 2 2"],
    ["%{content_type} %{filename_effective} %{path} %{method} %{scheme}", "text/plain out out GET https"],
    ["%{http_version} %{remote_ip} %{remote_port} %{local_ip} %{local_port}", "1.1 ::1 443 ::2 50000"],
    ["%{exitcode} [%{errormsg}] %{sha256}", "0 [] abc"],
    ["%header{content-type} %{header{Set-Cookie}} [%header{none}]", "text/plain a=1, b=é []"],
    ["100%% \\n\\t\\r\\\\ \\x % %x %header %%{", "100% \n\t\r\\ \\x % %x %header %{"],
    ["%{header_json}", '{"content-type":["text/plain"],"set-cookie":["a=1","b=é"]}'],
  ];
  for (const [format, expected] of cases) assertEquals(text(format), ["stdout:" + expected], format);
  assertEquals(JSON.parse(text("%{json}")[0].slice(7)).time_total, 1.2345);
});

Deno.test("render() says what there is when nothing was answered", () => {
  const { outcome, ...rest } = report({ error: { code: "no_connection", message: "no", exit: 7 } });
  const failed: Report = {
    ...rest,
    facts: new Facts(),
    outcome: { ...outcome, status: 0, path: undefined },
  };
  const format =
    "%{http_code} %{http_version} [%{content_type}%{filename_effective}%{remote_ip}] %{exitcode} %{errormsg}";
  assertEquals(text(format, failed), ["stdout:000 0 [] 7 no"]);
  for (const name of Object.keys(VARIABLES)) text(`%{${name}}`, failed);
  assertEquals(text("a%{onerror}b", failed), ["stdout:ab"]);
  assertEquals(text("a%{onerror}b"), ["stdout:a"]);
});

Deno.test("render() goes to the stream that was named last", () => {
  assertEquals(text("a%{stderr}b%{status}%{stdout}c%{stdout}d"), ["stdout:a", "stderr:b200", "stdout:cd"]);
  assertEquals(text("%{stderr}"), []);
});

Deno.test("render() lets no control character of a server reach a terminal, and changes none elsewhere", () => {
  const value = "a\x1b[31m\u009bb";
  const format = parseFormat("\x1b%header{content-type} %{header_json} %{stderr}%{content_type}");
  const [out, err] = render(format, report({ value }), { stdout: true, stderr: false });
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  assertEquals(out.text.match(/[\u0000-\u001f\u007f-\u009f]/g), ["\x1b"]);
  assertEquals(err.text, value);
  const json = text("%{header_json}", report({ value }))[0].slice(7);
  assertEquals(JSON.parse(json)["content-type"], [value]);
});

Deno.test("parseFormat() refuses what there is not, and names the nearest right name", () => {
  const cases: [string, string][] = [
    ["%{http_cod}", "did you mean %{http_code}?"],
    ["%{time_totl}", "did you mean %{time_total}?"],
    ["%{}", "did you mean %{"],
    ["%{header{a b}}", "%{header{a b}} is no header's name"],
    ["%header{}", "%header{} is no header's name"],
    ["a %{http_code", "%{http_code has no }"],
    ["%header{etag", "%header{etag has no }"],
    ["%{", "%{ has no }"],
  ];
  for (const [format, hint] of cases) assertThrows(() => parseFormat(format), FerryError, hint);
});

Deno.test("parseFormat() takes all that has no sign in it as text, and never stumbles", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (given) => {
    const plain = given.replace(/[%\\]/g, "");
    assertEquals(text(plain), plain === "" ? [] : ["stdout:" + plain]);
    assertEquals(text(plain.replaceAll("%", "%%")), plain === "" ? [] : ["stdout:" + plain]);
    try {
      text(given);
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
    }
  }));
});

Deno.test("needs() is so when the format shows what takes it", () => {
  const cases: [string, string][] = [
    ["%{status} %{bytes} %{url_effective} sha256%%{remote_ip}", ""],
    ["%{sha256}", "sha256"],
    ["%{remote_ip}", "facts"],
    ["%header{etag}", "facts"],
    ["%{header_json}", "facts"],
    ["%{time_namelookup}", "facts lookup"],
    ["%{json}", "facts sha256 lookup"],
    ["%{stderr}%{onerror}", ""],
  ];
  for (const [format, expected] of cases) {
    const read = parseFormat(format);
    const found = (["facts", "sha256", "lookup"] as const).filter((need) => needs(read, need));
    assertEquals([format, found.join(" ")], [format, expected]);
  }
});
