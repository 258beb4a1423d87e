import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FerryError } from "../core/errors.ts";
import {
  checkMagic,
  CHECKSUM_BYTES,
  equalBytes,
  type FileFrame,
  type Frame,
  HEADER_BYTES,
  KIND_END,
  KIND_FILE,
  KIND_STREAM,
  MAGIC,
  PackBuilder,
  type ProblemFrame,
  readHeader,
  readPack,
  writeHeader,
} from "./pack.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function file(index: number, text: string): FileFrame {
  return { kind: "file", index, mtime: 1_700_000_000_123, mode: 0o644, content: encode(text) };
}

function build(frames: readonly Frame[], capacity = 64): Uint8Array<ArrayBuffer> {
  const pack = new PackBuilder(new ArrayBuffer(capacity));
  for (const frame of frames) {
    if (frame.kind === "file") pack.addFile(frame);
    else pack.addProblem(frame.index, frame.code, frame.message);
  }
  return pack.finish();
}

/** The frames that come before the first wrong byte, and what is said of that byte. */
function readAll(bytes: Uint8Array): { frames: Frame[]; error: string | null } {
  const frames: Frame[] = [];
  try {
    for (const frame of readPack(bytes)) frames.push(frame);
  } catch (error) {
    assert(error instanceof FerryError && error.code === "protocol", String(error));
    return { frames, error: error.message };
  }
  return { frames, error: null };
}

const frameOf: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    index: fc.nat(2 ** 31),
    mtime: fc.integer({ min: -(2 ** 48) + 1, max: 2 ** 48 - 1 }),
    mode: fc.integer({ min: 0, max: 0o777 }),
    content: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({
    kind: fc.constant("problem" as const),
    index: fc.nat(2 ** 31),
    code: fc.constantFrom<ProblemFrame["code"]>("vanished", "changed", "unreadable"),
    message: fc.string({ unit: "binary", maxLength: 50 }),
  }),
);

Deno.test("readPack() gives back the frames that PackBuilder was given", () => {
  fc.assert(
    fc.property(
      fc.array(frameOf, { maxLength: 12 }),
      fc.integer({ min: 8, max: 1000 }),
      (frames, capacity) => {
        assertEquals(readAll(build(frames, capacity)), { frames, error: null });
      },
    ),
  );
});

Deno.test("PackBuilder lets content be read straight into it, and forgets what was not framed", () => {
  const pack = new PackBuilder(new ArrayBuffer(8));
  pack.contentBuffer(4).set(encode("lost"));
  pack.contentBuffer(5).set(encode("hello"));
  pack.finishFile({ index: 7, size: 5, mtime: 1, mode: 0o600 });
  assertEquals(pack.length, MAGIC.length + HEADER_BYTES + 5 + CHECKSUM_BYTES);
  assertEquals(readAll(pack.finish()).frames, [
    { kind: "file", index: 7, mtime: 1, mode: 0o600, content: encode("hello") },
  ]);
});

Deno.test("readPack() refuses a pack cut off at any byte, after the frames that came whole", () => {
  const frames: Frame[] = [
    file(0, "first"),
    { kind: "problem", index: 1, code: "vanished", message: "gone" },
    file(2, ""),
    file(3, "last"),
  ];
  const whole = build(frames);
  const ends = frames.map((_, count) => build(frames.slice(0, count + 1)).length - HEADER_BYTES);
  for (let cut = 0; cut < whole.length; cut++) {
    const { frames: got, error } = readAll(whole.subarray(0, cut));
    assert(error !== null, `cut at ${cut}`);
    assertEquals(got, frames.slice(0, ends.filter((end) => end <= cut).length), `cut at ${cut}`);
  }
});

Deno.test("readPack() turns a file whose checksum does not fit into a problem and goes on", () => {
  const bytes = build([file(0, "first"), file(1, "second"), file(2, "third")]);
  const second = MAGIC.length + HEADER_BYTES + 5 + CHECKSUM_BYTES + HEADER_BYTES;
  const content = bytes.slice();
  content[second] ^= 1;
  const checksum = bytes.slice();
  checksum[second + 6 + 1] ^= 1;
  for (const pack of [content, checksum]) {
    const { frames, error } = readAll(pack);
    assertEquals(error, null);
    assertEquals([frames[0], frames[2]], [file(0, "first"), file(2, "third")]);
    const problem = frames[1] as ProblemFrame;
    assertEquals([problem.kind, problem.index, problem.code], ["problem", 1, "bad_content"]);
  }
});

Deno.test("readPack() refuses what no honest sender would send", () => {
  const good = build([file(0, "abc")]);
  const end = good.length - HEADER_BYTES;
  const change = (at: number, ...bytes: number[]) => {
    const copy = good.slice();
    copy.set(bytes, at);
    return copy;
  };
  const head = MAGIC.length;
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "does not start as one"],
    ["another magic", change(7, 0x32), "does not start as one"],
    ["HTML", encode("<!doctype html><html></html>"), "does not start as one"],
    ["magic alone", MAGIC, "ends early"],
    ["an unknown kind", change(head, 9), "unknown kind"],
    ["reserved bits", change(head + 1, 1), "reserved bits"],
    ["an end count of another number", change(end + 7, 2), "end does not fit"],
    ["bytes behind the end", new Uint8Array([...good, 0]), "end does not fit"],
    ["a second pack behind the end", new Uint8Array([...good, ...good]), "end does not fit"],
    ["content one byte longer than it is", change(head + 15, 4), "ends early"],
    ["content to the very end", change(head + 15, good.length - head - HEADER_BYTES), "ends early"],
    ["content past the end", change(head + 14, 1), "longer than the pack"],
    ["a streamed file among others", change(head, KIND_STREAM), "unknown kind"],
  ];
  for (const [label, bytes, text] of cases) {
    const { error } = readAll(bytes);
    assert(error?.includes(text), `${label}: ${error}`);
  }
});

Deno.test("readPack() refuses absurd sizes and times before anything is allocated", () => {
  const pack = (write: (view: DataView) => void) => {
    const bytes = new Uint8Array(MAGIC.length + HEADER_BYTES);
    bytes.set(MAGIC);
    const view = new DataView(bytes.buffer);
    writeHeader(view, MAGIC.length, KIND_FILE, { index: 0, size: 0, mtime: 0, mode: 0 });
    write(view);
    return bytes;
  };
  const cases: [string, (view: DataView) => void, string][] = [
    ["2^64-1 bytes", (view) => view.setBigUint64(16, 2n ** 64n - 1n), "absurd size"],
    ["2^53 bytes", (view) => view.setBigUint64(16, 2n ** 53n), "absurd size"],
    ["a petabyte", (view) => view.setBigUint64(16, 10n ** 15n), "longer than the pack"],
    ["4 GB", (view) => view.setBigUint64(16, 2n ** 32n - 1n), "longer than the pack"],
    ["NaN", (view) => view.setFloat64(24, NaN), "absurd time"],
    ["infinity", (view) => view.setFloat64(24, Infinity), "absurd time"],
    ["half a millisecond", (view) => view.setFloat64(24, 0.5), "absurd time"],
    // A Date cannot hold it, so that setting it would fail for another reason.
    ["the year 285,000", (view) => view.setFloat64(24, 9e15), "absurd time"],
    ["long before the flood", (view) => view.setFloat64(24, -(2 ** 48)), "absurd time"],
  ];
  for (const [label, write, text] of cases) {
    const { error } = readAll(pack(write));
    assert(error?.includes(text), `${label}: ${error}`);
  }
});

Deno.test("readPack() takes garbage for a malformed pack and never for anything else", () => {
  const garbage = fc.uint8Array({ maxLength: 200 });
  fc.assert(fc.property(garbage, (tail) => {
    readAll(new Uint8Array([...MAGIC, ...tail]));
  }));
  const bytes = build([
    file(0, "abc"),
    { kind: "problem", index: 1, code: "changed", message: "x" },
    file(2, "de"),
  ]);
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
    const copy = bytes.slice();
    copy[at] = value;
    // A flipped byte of a checksum or a content never comes out as a whole file with other bytes.
    for (const frame of readAll(copy).frames) {
      if (frame.kind === "file") assert(["abc", "de"].includes(new TextDecoder().decode(frame.content)));
    }
  }));
});

Deno.test("readHeader() masks the mode: set-user-id and friends do not travel", () => {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  writeHeader(view, 0, KIND_FILE, { index: 1, size: 2 ** 40 + 3, mtime: -5, mode: 0o4755 });
  assertEquals(readHeader(view, 0), { kind: KIND_FILE, index: 1, size: 2 ** 40 + 3, mtime: -5, mode: 0o755 });
});

Deno.test("checkMagic() and equalBytes() tell right from wrong", () => {
  checkMagic(MAGIC);
  assertThrows(() => checkMagic(MAGIC.subarray(1)), FerryError, "does not start");
  assert(equalBytes(encode("a"), encode("a")) && !equalBytes(encode("a"), encode("ab")));
  assert(!equalBytes(encode("b"), encode("a")));
  assertEquals(build([]).length, MAGIC.length + HEADER_BYTES);
  assertEquals(build([])[MAGIC.length], KIND_END);
});

Deno.test("PackBuilder.behind() sends contents as they stand, under other numbers, and nothing that stands otherwise", () => {
  const frames = [file(0, "first"), file(1, ""), file(2, "third")];
  const standing = (bytes: Uint8Array) => [...readPack(bytes)].filter((frame) => frame.kind === "file");
  const numbered = standing(build(frames)).map((frame) => ({ ...frame, index: frame.index + 7 }));
  const memory = numbered[0].content.buffer;
  const again = PackBuilder.behind(numbered)?.finish();
  assertEquals(again?.buffer, memory);
  assertEquals(readAll(again!), { frames: frames.map((f) => ({ ...f, index: f.index + 7 })), error: null });
  const part = PackBuilder.behind(numbered.slice(0, 2))!;
  part.addFile(file(3, "of its own"));
  assertEquals(readAll(part.finish()).frames.length, 3);
  const cases: [string, FileFrame[]][] = [
    ["nothing", []],
    ["no pack", frames],
    ["not from the beginning", numbered.slice(1)],
    ["a gap", [numbered[0], numbered[2]]],
    ["another order", [numbered[1], numbered[0], numbered[2]]],
    ["another memory in between", [numbered[0], frames[1], numbered[2]]],
    ["a part of a content", [{ ...numbered[0], content: numbered[0].content.subarray(0, 2) }]],
  ];
  const fresh = standing(build(frames));
  for (const [label, given] of cases) {
    const placed = given.map((frame) => numbered.includes(frame) ? fresh[numbered.indexOf(frame)] : frame);
    assertEquals(PackBuilder.behind(placed), null, label);
  }
});

Deno.test("readPack() takes paths at the end of a pack alone, and only for who asks for them", () => {
  const named = (...order: ("file" | "paths")[]) => {
    const pack = new PackBuilder(new ArrayBuffer(64));
    for (const kind of order) kind === "file" ? pack.addFile(file(0, "x")) : pack.addPaths(["a"]);
    return pack.finish();
  };
  const told: string[][] = [];
  const read = (bytes: Uint8Array) => [...readPack(bytes, (paths) => told.push(paths))].length;
  assertEquals([read(named("file", "paths")), told], [1, [["a"]]]);
  assertThrows(() => read(named("paths", "file")), FerryError, "behind the paths");
  assertThrows(() => read(named("file", "paths", "paths")), FerryError, "behind the paths");
  assertThrows(() => [...readPack(named("file", "paths"))], FerryError, "unknown kind");
});
