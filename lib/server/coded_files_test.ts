import { assertEquals } from "@std/assert";
import { CodedFiles } from "./coded_files.ts";

/** The metadata of a new file that was changed `ageMs` ago, as the file system tells it. */
function infoOf(path: string, ageMs: number): Deno.FileInfo {
  Deno.writeTextFileSync(path, path);
  const time = new Date(Date.now() - ageMs);
  return { ...Deno.lstatSync(path), mtime: time, ctime: time };
}

Deno.test("CodedFiles makes a content once for each version and coding, also where it does not shrink", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const coded = new CodedFiles();
    const info = infoOf(`${dir}/a`, 10_000);
    let made = 0;
    const make = (content: Uint8Array<ArrayBuffer> | null) => () => {
      made++;
      return content;
    };
    const bytes = new Uint8Array([1]);
    assertEquals(coded.get(info, "gzip", make(bytes)), bytes);
    assertEquals(coded.get(info, "gzip", make(null)), bytes);
    assertEquals(coded.get(info, "br", make(null)), null);
    assertEquals(coded.get(info, "br", make(bytes)), null);
    assertEquals(made, 2);
    for (
      const change of [{ size: 99 }, { ino: -1 }, { dev: -1 }, { mtime: new Date(5) }, { ctime: new Date(5) }]
    ) {
      coded.get({ ...info, ...change }, "gzip", make(bytes));
    }
    assertEquals(made, 7, "each of these is another version");
    const young = infoOf(`${dir}/b`, 0);
    coded.get(young, "gzip", make(bytes));
    coded.get(young, "gzip", make(bytes));
    assertEquals(made, 9, "what may still change unseen is not kept");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("CodedFiles lets the oldest go when it is full", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const coded = new CodedFiles(10_000);
    const infos = ["a", "b", "c"].map((name) => infoOf(`${dir}/${name}`, 10_000));
    const made: number[] = [];
    for (const i of [0, 1, 0, 2, 1, 0]) {
      coded.get(infos[i], "gzip", () => {
        made.push(i);
        return new Uint8Array(4000);
      });
    }
    assertEquals(made, [0, 1, 2, 0]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
