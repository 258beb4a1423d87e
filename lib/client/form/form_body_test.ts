import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { FerryError } from "../../core/errors.ts";
import { bodySize, type BodySource, isPiped, isRereadable, requestBody } from "../body_source.ts";
import { formBody } from "./form_body.ts";
import type { FormField } from "./form_field.ts";

const NOTHING = new ReadableStream<Uint8Array>({ type: "bytes" });

function pipe(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

/** What is sent of it. */
async function sent(body: BodySource): Promise<Uint8Array<ArrayBuffer>> {
  const pieces = requestBody(body, () => {})!.open();
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    taken.push(piece.slice());
  }
  pieces.close();
  return await new Blob(taken).bytes();
}

Deno.test("formBody() writes names as browsers do, and says the type of files alone", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/a.html`, "<p>");
    const fields: FormField[] = [
      { name: 'a"b\r\nc\\é', content: { kind: "text", text: "1\r\n" } },
      { name: "t", content: { kind: "text", text: "x" }, type: "text/x" },
      { name: "f", content: { kind: "file", path: `${dir}/a.html` }, fileName: '"é\n.html' },
      { name: "v", content: { kind: "file", path: `${dir}/a.html` } },
      { name: "s", content: { kind: "file", path: "-" }, fileName: "-" },
    ];
    const { type, body } = formBody(fields, pipe("stdin"), "B");
    assertEquals(type, "multipart/form-data; boundary=B");
    assertEquals([bodySize(body), isPiped(body), isRereadable(body)], [null, true, true]);
    assertEquals(
      new TextDecoder().decode(await sent(body)),
      [
        '--B\r\nContent-Disposition: form-data; name="a%22b%0D%0Ac\\é"\r\n\r\n1\r\n',
        '--B\r\nContent-Disposition: form-data; name="t"\r\nContent-Type: text/x\r\n\r\nx',
        '--B\r\nContent-Disposition: form-data; name="f"; filename="%22é%0A.html"\r\n' +
        "Content-Type: text/html; charset=UTF-8\r\n\r\n<p>",
        '--B\r\nContent-Disposition: form-data; name="v"\r\n\r\n<p>',
        '--B\r\nContent-Disposition: form-data; name="s"; filename="-"\r\n' +
        "Content-Type: application/octet-stream\r\n\r\nstdin",
        "--B--\r\n",
      ].join("\r\n"),
    );
    // What was read of a pipe does not come again.
    assertEquals(isRereadable(body), false);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("formBody() knows its length, and gives the same bytes each time", async () => {
  const dir = Deno.makeTempDirSync();
  const name = fc.string({ unit: "binary", minLength: 1 }).map((text) => text.toWellFormed());
  let count = 0;
  const content = fc.oneof(
    fc.string().map((text) => ({ kind: "text" as const, text })),
    fc.uint8Array({ maxLength: 300_000 }).map((bytes) => {
      const path = `${dir}/${count++}`;
      Deno.writeFileSync(path, bytes);
      return { kind: "file" as const, path };
    }),
  );
  const field = fc.record({ name, content, fileName: fc.option(name, { nil: undefined }) });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 4 }), async (fields) => {
        const { body } = formBody(fields, NOTHING);
        const first = await sent(body);
        assertEquals([bodySize(body), isRereadable(body)], [first.length, true]);
        assertEquals(await sent(body), first);
      }),
      { numRuns: 15 },
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("formBody() is read by the runtime's own parser", async () => {
  const fields: FormField[] = [
    { name: "é", content: { kind: "text", text: "ü\n" } },
    { name: "f", content: { kind: "text", text: "content" }, fileName: "a b.txt" },
  ];
  const { type, body } = formBody(fields, NOTHING);
  const form = await new Response(await sent(body), { headers: { "content-type": type } }).formData();
  assertEquals(form.get("é"), "ü\n");
  const file = form.get("f") as File;
  assertEquals([file.name, file.type, await file.text()], [
    "a b.txt",
    "text/plain; charset=utf-8",
    "content",
  ]);
});

Deno.test("formBody() refuses standard input twice and files that cannot be read", () => {
  const file = (path: string): FormField => ({ name: "f", content: { kind: "file", path } });
  assertThrows(() => formBody([file("-"), file("-")], NOTHING), FerryError, "standard input");
  assertThrows(() => formBody([file("/nowhere/x")], NOTHING), FerryError, "/nowhere/x");
});
