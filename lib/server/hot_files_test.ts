import { assertEquals } from "@std/assert";
import { KeptBody } from "./kept_body.ts";
import { answerHot, type HotFile, HotFiles, type ReadFile } from "./hot_files.ts";

function read(path: string): ReadFile {
  const headers = { etag: '"x"' };
  const body = new KeptBody(Deno.readFileSync(path), headers);
  return { path: "a", real: path, info: Deno.statSync(path), body, headers };
}

function settled(path: string, text: string): void {
  Deno.writeTextFileSync(path, text);
  Deno.utimeSync(path, 1000, 1000);
}

/** ctime cannot be set: as if the file had been read long after. */
function later(file: ReadFile): ReadFile {
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

Deno.test("HotFiles.keep() makes room of what is not in use, and of nothing else", () => {
  const path = "/etc/hostname";
  const file: ReadFile = {
    path: "a",
    real: path,
    info: Deno.statSync(path),
    body: new KeptBody(new Uint8Array(1000), {}),
    headers: {},
  };
  let now = 0;
  const files = new HotFiles(7000, () => now);
  const kept = () => ["/a", "/b", "/c"].filter((name) => files.find(name, null, file) !== undefined);
  files.keep("/a", file);
  files.keep("/b", file);
  files.keep("/c", file);
  assertEquals(kept(), ["/a", "/b"]);
  now = 9000;
  files.find("/b", null, file);
  now = 11_000;
  files.keep("/c", file);
  assertEquals(kept(), ["/b", "/c"]);
});

Deno.test("HotFiles.wants() larger files when they are asked for a second time", () => {
  const cases: [number, boolean, boolean][] = [
    [0, true, true],
    [64 * 1024, true, true],
    [64 * 1024 + 1, false, true],
    [1024 * 1024, false, true],
    [1024 * 1024 + 1, false, false],
  ];
  for (const [size, first, second] of cases) {
    const files = new HotFiles();
    assertEquals([files.wants("/a", size), files.wants("/a", size)], [first, second], `${size}`);
  }
  const files = new HotFiles();
  files.wants("/a", 100_000);
  for (let i = 0; i < 1000; i++) files.wants(`/${i}`, 100_000);
  assertEquals(files.wants("/a", 100_000), false, "what was asked for long ago is forgotten");
});

Deno.test("HotFiles.find() takes what a path was just found to lead to, and nothing else", () => {
  const path = "/etc/hostname";
  const info = Deno.statSync(path);
  const files = new HotFiles();
  files.keep("/a", { path: "a", real: path, info, body: new KeptBody(new Uint8Array(3), {}), headers: {} });
  assertEquals(files.find("/a", null, { real: path, info })?.body.length, 3);
  assertEquals(files.find("/a", null, { real: path, info: { ...info, size: info.size + 1 } }), undefined);
  assertEquals(files.find("/a", null, { real: path, info }), undefined, "what was changed is dropped");
});

Deno.test("HotFiles.get() shares one look between requests that come at once, unless something was changed", () => {
  const path = Deno.makeTempFileSync();
  try {
    settled(path, "one");
    let now = 0;
    const files = new HotFiles(7000, () => now);
    const file = later(read(path));
    const keep = () => {
      files.keep("/a", file);
      files.find("/a", null, file);
    };
    // On disk it has another ctime than what was kept.
    const looks = () => files.get("/a") === undefined;
    keep();
    now += 0.04;
    assertEquals(looks(), false);
    files.changed();
    assertEquals(looks(), true);
    keep();
    now += 0.06;
    assertEquals(looks(), true);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("answerHot() leaves to others what asks for more than the file and its two cheapest conditions", () => {
  const path = "/etc/hostname";
  const headers = { etag: '"x"' };
  const mtime = Deno.statSync(path).mtime!.getTime();
  const file: HotFile = { path: "a", body: new KeptBody(new Uint8Array(1), headers), headers, mtime };
  const status = (given: Record<string, string>) => answerHot(file, new Headers(given))?.status ?? null;
  assertEquals([status({}), status({ "if-none-match": '"x"' })], [200, 304]);
  for (const name of ["range", "if-match", "if-unmodified-since", "if"]) {
    assertEquals(status({ [name]: "(Not <urn:x>)" }), null, name);
  }
});
