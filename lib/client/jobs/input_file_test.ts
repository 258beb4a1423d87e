import { assertEquals } from "@std/assert";
import { InputFile } from "./input_file.ts";

Deno.test("InputFile reads the same lines wherever the pieces of a file end", async () => {
  const path = await Deno.makeTempFile();
  try {
    // Of odd lengths, so that pieces end within lines and within characters.
    const lines = Array.from({ length: 30_000 }, (_, at) => `http://host/${["å", "∫", "𝕊"][at % 3]}é𝕊/${at}`);
    await Deno.writeTextFile(path, lines.join("\n"));
    const file = await InputFile.open(path, new ReadableStream());
    const iterator = file.jobs([][Symbol.iterator]())[Symbol.asyncIterator]();
    const targets: string[] = [];
    for (let step; !(step = await iterator.next()).done;) targets.push(step.value.target);
    assertEquals(targets, lines);
  } finally {
    await Deno.remove(path);
  }
});
