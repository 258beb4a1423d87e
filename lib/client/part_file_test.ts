import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { PartFile } from "./part_file.ts";
import type { Position } from "./resume.ts";

const TARGET = new URL("http://h/x");
const bytes = (text: string) => new TextEncoder().encode(text);
const position = (have: number): Position => ({
  start: 0,
  have,
  end: 10,
  size: 10,
  validator: { kind: "etag", value: '"a"' },
});

async function inTemp(work: (path: string, names: () => string[]) => void | Promise<void>) {
  const dir = Deno.makeTempDirSync();
  try {
    await work(`${dir}/f`, () => [...Deno.readDirSync(dir)].map((entry) => entry.name).sort());
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("PartFile keeps a part with its validator and goes on with it", () =>
  inTemp(async (path, names) => {
    const first = new PartFile(path);
    assertEquals(first.position(TARGET), null);
    const at = position(0);
    first.begin(at, TARGET);
    first.write(bytes("01234"));
    at.have = 5;
    assertEquals(first.abandon(at, true), path + ".ferry-part");
    assertEquals(names(), ["f.ferry-part", "f.ferry-part.json"]);
    assertEquals(new PartFile(path).position(new URL("http://h/other")), null);
    const second = new PartFile(path);
    assertEquals(second.position(TARGET), position(5));
    second.begin(position(5), TARGET);
    second.write(bytes("56789"));
    let back = "";
    await second.readBack((piece) => back += new TextDecoder().decode(piece), new AbortController().signal);
    assertEquals(back, "0123456789");
    second.finish();
    assertEquals([names(), Deno.readTextFileSync(path)], [["f"], "0123456789"]);
  }));

Deno.test("PartFile trusts no part that a crash of the machine may have damaged", () =>
  inTemp((path) => {
    const note = { url: TARGET.href, size: 10, validator: { kind: "etag", value: '"a"' } };
    for (const [boot, trusted] of [[null, true], ["", false], ["an earlier one", false]] as const) {
      Deno.writeTextFileSync(path + ".ferry-part", "01234");
      Deno.writeTextFileSync(path + ".ferry-part.json", JSON.stringify({ ...note, boot }));
      assertEquals([boot, new PartFile(path).position(TARGET)], [boot, trusted ? position(5) : null]);
    }
  }));

Deno.test("PartFile leaves nothing when there is nothing to go on from", () =>
  inTemp((path, names) => {
    const part = new PartFile(path);
    part.begin({ start: 0, have: 0 }, TARGET);
    part.write(bytes("01234"));
    assertEquals(part.abandon({ start: 0, have: 5 }, false), null);
    assertEquals(names(), []);
    assertEquals(new PartFile(path).abandon(position(0), true), null);
  }));

Deno.test("PartFile starts over with nothing left of the longer part before", () =>
  inTemp((path) => {
    const part = new PartFile(path);
    part.begin(position(0), TARGET);
    part.write(bytes("0123456789"));
    part.begin({ start: 0, have: 0 }, TARGET);
    part.write(bytes("new"));
    part.finish();
    assertEquals(Deno.readTextFileSync(path), "new");
  }));

Deno.test("PartFile writes through no link at the part's place, and trusts no damaged note", () =>
  inTemp((path) => {
    Deno.writeTextFileSync(path + ".victim", "untouched");
    Deno.symlinkSync(path + ".victim", path + ".ferry-part");
    Deno.writeTextFileSync(path + ".ferry-part.json", "{");
    const part = new PartFile(path);
    assertEquals(part.position(TARGET), null);
    part.begin(position(0), TARGET);
    part.write(bytes("mine"));
    part.finish();
    assertEquals([Deno.readTextFileSync(path), Deno.readTextFileSync(path + ".victim")], [
      "mine",
      "untouched",
    ]);
  }));

Deno.test("PartFile names the file that it cannot write", () =>
  inTemp((path) => {
    Deno.mkdirSync(path + ".ferry-part");
    const error = assertThrows(() => new PartFile(path).begin(position(0), TARGET), FerryError, path);
    assertEquals(error.code, "write_failed");
  }));
