import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ArchiveEntry } from "./entry.ts";
import { tarHeader } from "./tar.ts";

const decoder = new TextDecoder();

/** What a header says, as POSIX has it read. */
function read(bytes: Uint8Array): Record<string, string> {
  const text = (start: number, length: number) =>
    decoder.decode(bytes.subarray(start, start + length)).replace(/\0.*$/s, "");
  const sum = bytes.subarray(0, 512).reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
  assertEquals(parseInt(text(148, 8), 8), sum, "checksum");
  const size = parseInt(text(124, 12), 8);
  if (text(156, 1) === "x") {
    const inner = read(bytes.subarray(512 + Math.ceil(size / 512) * 512));
    for (let at = 512; at < 512 + size;) {
      const length = parseInt(text(at, 20));
      const record = decoder.decode(bytes.subarray(at, at + length));
      const [, key, value] = /^\d+ ([a-z]+)=([^]*)\n$/.exec(record)!;
      inner[key] = value;
      at += length;
    }
    return inner;
  }
  assertEquals([bytes.length, text(257, 5), text(263, 2)], [512, "ustar", "00"]);
  const prefix = text(345, 155);
  return {
    path: (prefix && `${prefix}/`) + text(0, 100),
    size: String(size),
    mtime: String(parseInt(text(136, 12), 8)),
    linkpath: text(157, 100),
    type: text(156, 1),
    mode: text(100, 8),
  };
}

const NAME = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 250 }),
).filter((name) => !/[/\0]/.test(name));

Deno.test("tarHeader() says path, size, time and target of any entry without loss", () => {
  const path = fc.array(NAME, { minLength: 1, maxLength: 6 }).map((names) => names.join("/"));
  const mtime = fc.integer({ min: -1e15, max: 1e15 });
  fc.assert(
    fc.property(path, path, mtime, fc.nat(0o777), fc.maxSafeNat(), (path, target, mtime, mode, size) => {
      const seconds = String(Math.floor(mtime / 1000));
      const file: ArchiveEntry = { kind: "file", path, mode, mtime, content: { size, blocks: () => [] } };
      const link: ArchiveEntry = { kind: "link", path, mode, mtime, target };
      const shared = { path, mtime: seconds, mode: mode.toString(8).padStart(7, "0") };
      assertEquals(read(tarHeader(file)), { ...shared, size: String(size), linkpath: "", type: "0" });
      assertEquals(read(tarHeader(link)), { ...shared, size: "0", linkpath: target, type: "2" });
      const dir = read(tarHeader({ kind: "dir", path, mode, mtime }));
      assertEquals(dir, { ...shared, path: `${path}/`, size: "0", linkpath: "", type: "5" });
    }),
  );
});

Deno.test("tarHeader() needs one block where ustar is enough", () => {
  const cases: [path: string, bytes: number][] = [
    ["a", 512],
    ["a".repeat(100), 512],
    ["a".repeat(101), 1536],
    [`${"a".repeat(155)}/${"b".repeat(100)}`, 512],
    [`${"a".repeat(156)}/b`, 1536],
    ["é", 1536],
  ];
  for (const [path, bytes] of cases) {
    const entry: ArchiveEntry = {
      kind: "file",
      path,
      mode: 0,
      mtime: 0,
      content: { size: 0, blocks: () => [] },
    };
    assertEquals(tarHeader(entry).length, bytes, path);
  }
});
