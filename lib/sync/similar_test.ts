import { assertEquals } from "@std/assert";
import { similarName } from "./similar.ts";

Deno.test("similarName() finds the other version of a thing", () => {
  const cases: [string, string[], string | null][] = [
    ["app-1.10.tar", ["other.tar", "app-1.9.tar"], "app-1.9.tar"],
    ["backup-2026-11-23.sql", ["backup-2026-11-21.sql", "backup-2026-11-22.sql"], "backup-2026-11-22.sql"],
    ["report final.docx", ["report.docx", "report final v2.docx"], "report final v2.docx"],
    ["disk.img", ["disk.qcow2"], null],
    ["disk-copy-of-monday.img", ["disk.img"], null],
    ["a.bin", ["b.bin", "c.bin"], null],
    ["x", [], null],
    ["libferry.so.2", ["libferry.so.1"], "libferry.so.1"],
    ["core.1234", ["core.99"], "core.99"],
    ["movie.mkv", ["music.mkv"], null],
  ];
  for (const [name, others, expected] of cases) {
    const found = similarName(name, others);
    assertEquals([name, found === -1 ? null : others[found]], [name, expected]);
  }
});
