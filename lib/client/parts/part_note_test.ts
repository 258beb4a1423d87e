import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { noteAt, noteText, type PartNote } from "./part_note.ts";

const NOTE = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }).map((lengths) => {
  let at = 0;
  const ranges = lengths.map((length) => {
    const range = [at, at + length] as const;
    at += length + 1;
    return range;
  });
  const validator = { kind: "etag", value: '"a"' } as const;
  return { url: "http://h/x", size: 5000, validator, ranges, boot: null } satisfies PartNote;
});

Deno.test("noteAt() takes no note of which a part is of the one before", () => {
  const path = Deno.makeTempFileSync();
  try {
    fc.assert(fc.property(NOTE, NOTE, fc.double({ min: 0, max: 1, noNaN: true }), (old, next, cut) => {
      const before = noteText(old);
      const after = noteText(next).padEnd(before.length);
      const at = Math.floor(cut * after.length);
      const text = after.slice(0, at) + before.slice(at);
      Deno.writeTextFileSync(path, text);
      const found = noteAt(path);
      const whole = (note: PartNote) => JSON.stringify(note) === JSON.stringify(found);
      assert(found === null || whole(text === before ? old : next), `${at}: ${JSON.stringify(found)}`);
    }));
    Deno.writeTextFileSync(path, noteText({ ...fc.sample(NOTE, 1)[0], sha256: "0".repeat(64) }) + "\n");
    assertEquals(noteAt(path)?.sha256, "0".repeat(64));
  } finally {
    Deno.removeSync(path);
  }
});
