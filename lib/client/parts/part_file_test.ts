import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { PartFile } from "./part_file.ts";
import type { Position } from "../transfer/resume.ts";

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

Deno.test("PartFile keeps in its note under which coding the bytes came", () =>
  inTemp((path) => {
    const coded: Position = { ...position(0), validator: { kind: "etag", value: '"a"', coding: "gzip" } };
    const first = new PartFile(path);
    first.begin(coded, TARGET);
    first.write(bytes("01234"));
    coded.have = 5;
    first.abandon(coded, true);
    assertEquals(new PartFile(path).position(TARGET), coded);
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

/** What somebody may have laid at the place of a part or its note: into none of it is anything written. */
const LAID: [what: string, lay: (path: string, victim: string) => void][] = [
  ["a link", (path, victim) => Deno.symlinkSync(victim, path)],
  ["a second name", (path, victim) => Deno.linkSync(victim, path)],
  ["a pipe", (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync()],
];

Deno.test("PartFile writes through nothing that lies at the place of the part or the note", () =>
  inTemp((path, names) => {
    const victim = `${path}-victim`;
    for (const [what, lay] of LAID) {
      Deno.writeTextFileSync(victim, "precious");
      lay(`${path}.ferry-part`, victim);
      lay(`${path}.ferry-part.json`, victim);
      const file = new PartFile(path);
      assertEquals([what, file.position(TARGET)], [what, null]);
      const at = position(0);
      file.begin(at, TARGET);
      file.write(bytes("01234"));
      at.have = 5;
      // Also while it is under way.
      lay(`${path}.ferry-part.json`, victim);
      assertEquals([what, file.abandon(at, true)], [what, `${path}.ferry-part`]);
      assertEquals([what, Deno.readTextFileSync(victim)], [what, "precious"]);
      const again = new PartFile(path);
      assertEquals([what, again.position(TARGET)], [what, position(5)]);
      again.begin(position(5), TARGET);
      again.write(bytes("56789"));
      again.finish();
      assertEquals([what, Deno.readTextFileSync(path), names()], [what, "0123456789", ["f", "f-victim"]]);
      Deno.removeSync(path);
    }
  }));

Deno.test({
  name: "PartFile goes on with no part of another user, and leaves none of it",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inTemp((path) => {
      const note = { url: TARGET.href, size: 10, validator: { kind: "etag", value: '"a"' }, boot: null };
      for (const foreign of [".ferry-part", ".ferry-part.json"]) {
        Deno.writeTextFileSync(path + ".ferry-part", "evil!");
        Deno.writeTextFileSync(path + ".ferry-part.json", JSON.stringify(note));
        assertEquals(new PartFile(path).position(TARGET), position(5));
        Deno.chownSync(path + foreign, 65534, 65534);
        const file = new PartFile(path);
        assertEquals([foreign, file.position(TARGET)], [foreign, null]);
        assert(file.refused !== null);
        file.begin(position(0), TARGET);
        file.write(bytes("0123456789"));
        file.finish();
        const { uid } = Deno.statSync(path);
        assertEquals([foreign, Deno.readTextFileSync(path), uid], [foreign, "0123456789", 0]);
      }
    }),
});

Deno.test("PartFile gives no name to what somebody has put into its place", () =>
  inTemp((path, names) => {
    for (const put of [(part: string) => Deno.writeTextFileSync(part, "0123456789"), () => {}]) {
      const file = new PartFile(path);
      file.begin({ start: 0, have: 0 }, TARGET);
      file.write(bytes("0123456789"));
      Deno.removeSync(`${path}.ferry-part`);
      put(`${path}.ferry-part`);
      const error = assertThrows(() => file.finish(), FerryError);
      assertEquals(error.code, "write_failed");
      file.abandon({ start: 0, have: 0 }, false);
      assertEquals(names(), []);
    }
  }));

Deno.test("PartFile keeps a secret file secret while its new content comes", () =>
  inTemp((path) => {
    Deno.writeTextFileSync(path, "old");
    for (const mode of [0o600, 0o640, 0o444]) {
      Deno.chmodSync(path, mode);
      const file = new PartFile(path);
      file.begin({ start: 0, have: 0 }, TARGET);
      assertEquals(Deno.statSync(`${path}.ferry-part`).mode! & 0o777, mode | 0o600);
      file.write(bytes("new"));
      file.finish();
      assertEquals(Deno.statSync(path).mode! & 0o777, mode);
    }
  }));
