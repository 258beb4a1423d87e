import { assert, assertEquals } from "@std/assert";
import { answerHot, type HotFile, HotFiles } from "./hot_files.ts";

function read(path: string): HotFile {
  const body = Deno.readFileSync(path);
  return { path: "a", real: path, info: Deno.statSync(path), body, headers: { etag: '"x"' } };
}

function settled(path: string, text: string): void {
  Deno.writeTextFileSync(path, text);
  Deno.utimeSync(path, 1000, 1000);
}

/** ctime cannot be set: as if the file had been read long after. */
function later(file: HotFile): HotFile {
  return { ...file, info: { ...file.info, ctime: new Date(Math.floor(Date.now() / 1000) * 1000 - 10_000) } };
}

Deno.test("HotFiles.keep() keeps nothing that was changed just now", () => {
  const path = Deno.makeTempFileSync();
  try {
    const files = new HotFiles();
    Deno.writeTextFileSync(path, "one");
    files.keep("/a", read(path));
    assertEquals(files.get("/a"), undefined);
    // An old mtime alone proves nothing: anybody can set it.
    Deno.utimeSync(path, 1000, 1000);
    files.keep("/a", read(path));
    assertEquals(files.get("/a"), undefined);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("HotFiles.get() gives a kept file only while the file system shows it unchanged", () => {
  const path = Deno.makeTempFileSync();
  try {
    settled(path, "one");
    const files = new HotFiles();
    // What was kept says another ctime than the file has: changed.
    files.keep("/a", later(read(path)));
    assertEquals(files.get("/a"), undefined);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("HotFiles.keep() drops the oldest when its bytes are used up", () => {
  const path = "/etc/hostname";
  const info = Deno.statSync(path);
  const file: HotFile = { path: "a", real: path, info, body: new Uint8Array(1000), headers: {} };
  const files = new HotFiles(5000);
  for (const name of ["/a", "/b", "/c"]) files.keep(name, file);
  assertEquals(files.get("/a"), undefined);
  assert(files.get("/b") !== undefined && files.get("/c") !== undefined);
});

Deno.test("answerHot() leaves to others what asks for more than the file and its two cheapest conditions", () => {
  const path = "/etc/hostname";
  const headers = { etag: '"x"' };
  const file: HotFile = {
    path: "a",
    real: path,
    info: Deno.statSync(path),
    body: new Uint8Array(1),
    headers,
  };
  const status = (given: Record<string, string>) => answerHot(file, new Headers(given))?.status ?? null;
  assertEquals([status({}), status({ "if-none-match": '"x"' })], [200, 304]);
  for (const name of ["range", "if-match", "if-unmodified-since", "if"]) {
    assertEquals(status({ [name]: "(Not <urn:x>)" }), null, name);
  }
});
