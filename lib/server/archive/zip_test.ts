/** Zip files beyond the limits of the old format, judged by Info-ZIP and Python. */
import { assert, assertEquals } from "@std/assert";
import { Crc32 } from "./crc.ts";
import type { ArchiveEntry } from "./entry.ts";
import { zip } from "./zip.ts";
import { CentralDirectory, localHeader, type ZipRecord } from "./zip_records.ts";

/** What a program says of a file; null where it is not installed. Throws when it fails. */
function ask(program: string, args: string[]): string | null {
  try {
    const { code, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
    const decoder = new TextDecoder();
    assertEquals(code, 0, `${program}: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
    return decoder.decode(stdout).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(`${program} is not installed: what it would say is passed over`);
    return null;
  }
}

function python(code: string, path: string): string | null {
  return ask("python3", ["-c", `import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); ${code}`, path]);
}

function write(path: string, pieces: Iterable<Uint8Array>): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const piece of pieces) for (let at = 0; at < piece.length;) at += file.writeSync(piece.subarray(at));
}

function entryOf(path: string, bytes: Uint8Array): ArchiveEntry {
  return {
    kind: "file",
    path,
    mode: 0o644,
    mtime: 1e12,
    content: { size: bytes.length, blocks: () => [bytes] },
  };
}

Deno.test("zip() numbers more entries than 16 bits hold", () => {
  const path = Deno.makeTempFileSync();
  try {
    const content = new TextEncoder().encode("x");
    write(path, zip(Array.from({ length: 70_000 }, (_, i) => entryOf(`top/folder/${i}`, content))));
    const names = python("print(len(z.namelist()), z.namelist()[-1], z.read(z.namelist()[-1]))", path);
    if (names !== null) assertEquals(names, "70000 top/folder/69999 b'x'");
    const listed = ask("zipinfo", ["-h", path]);
    if (listed !== null) assert(listed.endsWith("70000"), listed);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("zip records tell of contents and places beyond 32 bits", () => {
  const size = 5 * 1024 ** 3;
  const zeros = new Uint8Array(1024 ** 2);
  const sum = new Crc32();
  for (let at = 0; at < size; at += zeros.length) sum.add(zeros);
  const shared = { mode: 0o100644, mtime: 1e12, method: 0, described: false } as const;
  const name = (text: string) => new TextEncoder().encode(text);
  const large: ZipRecord = { ...shared, name: name("large"), wide: true, crc: sum.value, size, packed: size };
  const small: ZipRecord = {
    ...shared,
    name: name("small"),
    wide: false,
    crc: 0x8cdc1683,
    size: 1,
    packed: 1,
  };
  const path = Deno.makeTempFileSync();
  try {
    const directory = new CentralDirectory();
    {
      using file = Deno.openSync(path, { write: true });
      const head = localHeader(large);
      file.writeSync(head);
      directory.add(large, 0);
      const second = file.seekSync(head.length + size, Deno.SeekMode.Start);
      directory.add(small, second);
      const rest = [localHeader(small), name("x")];
      for (const piece of rest) file.writeSync(piece);
      const end = second + rest.reduce((length, piece) => length + piece.length, 0);
      for (const piece of directory.pieces(end)) file.writeSync(piece);
    }
    const told = python(
      "print([(i.filename, i.file_size, i.header_offset) for i in z.infolist()], z.read('small'))",
      path,
    );
    if (told !== null) assertEquals(told, `[('large', ${size}, 0), ('small', 1, ${size + 64})] b'x'`);
    const listed = ask("unzip", ["-Z1", path]);
    if (listed !== null) assertEquals(listed, "large\nsmall");
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("zip() has no directory where its entries break off", () => {
  function* entries(): Generator<ArchiveEntry> {
    yield entryOf("a", new Uint8Array(10));
    throw new Error("broken");
  }
  const pieces: Uint8Array[] = [];
  let thrown: unknown;
  try {
    for (const piece of zip(entries())) pieces.push(piece);
  } catch (error) {
    thrown = error;
  }
  assertEquals(String(thrown), "Error: broken");
  const signatures = pieces.filter((piece) => piece[0] === 0x50 && piece[1] === 0x4b).map((piece) =>
    piece[2]
  );
  assertEquals(signatures, [3]);
});
