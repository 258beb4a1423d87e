import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ferry, tempDir } from "./harness.ts";
import { hostile } from "./hostile_server.ts";
import { onTerminal } from "./terminal.ts";

// deno-lint-ignore no-control-regex -- control characters are what this is about
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202e]/;

const EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202Egnp\r over\tit";

/** `text` as the bytes of its UTF-8, a character each, which the server sends as they are. */
const bytes = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");

function evil() {
  return hostile(async (visit) => {
    // Where HTTP forbids the plain control characters, as UTF-8: a C1 control sequence, and letters backwards.
    const line = bytes("\u009b2Jowned\u202e");
    if (visit.target === "/error") {
      await visit.answer(`404 ${line}`, bytes(`${EVIL}\n`), `X-Note: ${line}`);
    } else if (visit.target === "/busy") await visit.answer(`503 ${line}`, bytes(EVIL));
    else if (visit.target === "/named") {
      await visit.answer("200 OK", "x", `Content-Disposition: attachment; filename="${line}.txt"`);
    } else if (visit.target === "/to") await visit.answer("302 Found", "", `Location: ftp://h/${line}`);
    else if (visit.target === "/binary") await visit.answer("200 OK", "\x7fELF\x00\x01");
    else if (visit.target === "/latin") await visit.answer("200 OK", "caf\xe9 au lait");
    else if (visit.target === "/pdf") {
      await visit.answer("200 OK", "%PDF-1.7", "Content-Type: application/pdf");
    } else if (visit.target === "/pieces") {
      const body = bytes("one\r\ntwo é 日本\r");
      await visit.head("HTTP/1.1 200 OK", `Content-Length: ${body.length}`);
      for (const character of body) await visit.send(character);
    } else await visit.answer(`200 ${line}`, bytes(EVIL + "\r\n"), `X-Note: ${line}`);
  });
}

Deno.test("request shows a text on a terminal with its control characters as escapes", async () => {
  await using server = evil();
  const run = await onTerminal(["request", server.url + "/"]);
  if (run === null) return;
  assertEquals(run.code, 0);
  assertEquals(run.raw, "\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202egnp\\r over\tit\r\n");
  const pieces = await onTerminal(["request", server.url + "/pieces"]);
  assertEquals(pieces!.raw, "one\r\ntwo é 日本\\r");
  // A file and a pipe get every byte as it is.
  const piped = await ferry(["request", server.url + "/"]);
  assertEquals([piped.stdout, piped.stderr], [EVIL + "\r\n", ""]);
  using dir = tempDir();
  const saved = await onTerminal(["request", server.url + "/"], { redirect: `> '${dir.at("f")}'` });
  assertEquals([saved!.code, saved!.raw, Deno.readTextFileSync(dir.at("f"))], [0, "", EVIL + "\r\n"]);
});

Deno.test("request refuses to show what is no text on a terminal, unless it is told to", async () => {
  await using server = evil();
  for (const path of ["/binary", "/latin", "/pdf"]) {
    const run = await onTerminal(["request", server.url + path]);
    if (run === null) return;
    assertEquals([path, run.code], [path, 23]);
    assertEquals(
      run.raw,
      `ferry: ${server.url}${path} is not text, and would garble the terminal: give --output FILE, ` +
        "or --output - to see it all the same\r\n",
    );
  }
  const told = await onTerminal(["request", "-o", "-", server.url + "/binary"]);
  assertEquals([told!.code, told!.raw], [0, "\x7fELF\x00\x01"]);
  const piped = await ferry(["request", server.url + "/binary"]);
  assertEquals([piped.code, piped.stdout], [0, "\x7fELF\x00\x01"]);
});

Deno.test("request sends nothing of a server to a terminal raw: heads, errors, redirects, the exchange", async () => {
  await using server = evil();
  using dir = tempDir();
  const ways: [args: string[], code: number][] = [
    [["-i", "/"], 0],
    [["-I", "/"], 0],
    [["-v", "/"], 0],
    [["-v", "-i", "/error"], 22],
    [["-v", "--json", "/error"], 22],
    [["-v", "/to"], 3],
    [["--retry", "1", "/busy"], 22],
    [["-v", "-J", "--json", "--output-dir", dir.path, "/named"], 0],
    [["--no-fail", "/error"], 0],
  ];
  for (const [args, code] of ways) {
    const all = ["request", ...args.slice(0, -1), server.url + args.at(-1)];
    const run = await onTerminal(all, { columns: 200 });
    if (run === null) return;
    assertEquals([args, run.code], [args, code], run.raw);
    assert(!CONTROLS.test(run.raw.replaceAll("\r\n", "\n")), JSON.stringify(run.raw));
    assertStringIncludes(run.raw, "owned");
  }
});
