import { assertEquals, assertThrows } from "@std/assert";
import { libc } from "../libc.ts";
import { ReadProblem } from "./content.ts";
import { SmallReader } from "./small_reader.ts";

const WAYS = [["with the system's library", libc()], ["by path", null]] as const;

function withFolder(work: (root: string) => void): void {
  const root = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function fresh(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size);
}

Deno.test("the system's library is there on Linux", () => {
  assertEquals(libc() !== null, Deno.build.os === "linux");
});

for (const [way, calls] of WAYS) {
  const readAll = (root: string, path: string) => {
    using reader = new SmallReader(root, calls);
    let content = fresh(0);
    const meta = reader.read(path, (size) => content = fresh(size));
    return { ...meta, content: new TextDecoder().decode(content) };
  };
  const code = (root: string, path: string) => assertThrows(() => readAll(root, path), ReadProblem).code;

  Deno.test(`SmallReader, ${way}, reads content, size, time and bits`, () => {
    withFolder((root) => {
      Deno.mkdirSync(`${root}/sub/é`, { recursive: true });
      const cases = [
        { path: "a", text: "text", mode: 0o640, mtime: 1_764_000_000_123 },
        { path: "sub/empty", text: "", mode: 0o444, mtime: 0 },
        { path: "sub/é/\n\ud83d\ude00", text: "é", mode: 0o600, mtime: -86_400_000 },
        { path: "z", text: "x".repeat(300_000), mode: 0o755, mtime: 4_294_967_296_999 },
      ];
      for (const { path, text, mode, mtime } of cases) {
        Deno.writeTextFileSync(`${root}/${path}`, text);
        Deno.utimeSync(`${root}/${path}`, new Date(mtime), new Date(mtime));
        Deno.chmodSync(`${root}/${path}`, mode);
        assertEquals(readAll(root, path), {
          content: text,
          size: new TextEncoder().encode(text).length,
          mode,
          mtime,
        });
      }
      using reader = new SmallReader(root, calls);
      for (const { path, mode } of cases) assertEquals(reader.read(path, fresh).mode, mode, path);
    });
  });

  Deno.test(`SmallReader, ${way}, reads nothing through a link, and nothing but files`, () => {
    withFolder((root) => {
      Deno.mkdirSync(`${root}/dir`);
      Deno.writeTextFileSync(`${root}/dir/file`, "x");
      Deno.symlinkSync("dir/file", `${root}/link`);
      Deno.symlinkSync("dir", `${root}/way`);
      new Deno.Command("mkfifo", { args: [`${root}/pipe`] }).outputSync();
      const cases = [
        ["link", "changed"],
        ["way/file", "vanished"],
        ["pipe", "changed"],
        ["dir", "changed"],
        [
          "none",
          "vanished",
        ],
        ["no/file", "vanished"],
        ["dir/file/x", "vanished"],
      ];
      for (const [path, expected] of cases) assertEquals(code(root, path), expected, path);
    });
  });
}

Deno.test("Libc.statIn() rounds times as the runtime does", () => {
  const calls = libc();
  if (calls === null) return;
  withFolder((root) => {
    const folder = calls.openFolder(root);
    for (const time of ["@-1.5", "@-0.0005", "@0.9999", "@1764000000.999999999", "@-86400.123456789"]) {
      const { success } = new Deno.Command("touch", { args: ["-d", time, `${root}/f`] }).outputSync();
      if (!success) continue;
      const known = Deno.lstatSync(`${root}/f`);
      assertEquals(calls.statIn(folder, "f")?.mtime, known.mtime?.getTime(), time);
    }
    assertEquals(calls.statIn(folder, "g"), null);
    assertEquals(calls.statIn(folder, "f\0"), null);
    assertEquals(calls.openRead(folder, "x".repeat(9000)), -1);
    calls.close(folder);
  });
});
