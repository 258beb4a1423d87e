import { assert, assertEquals } from "@std/assert";
import { UploadRecords } from "./upload_records.ts";

const RECORD = {
  url: "http://h/in/large",
  path: "/tmp/large",
  size: 10,
  digest: "sha-256=:x:",
  upload: "http://h/.ferry/tus/1",
};

function withFolder(work: (folder: string) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    work(`${dir}/ferry/uploads`);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);

Deno.test("UploadRecords finds what it kept, by URL and path, until it is forgotten", () => {
  withFolder((folder) => {
    const records = new UploadRecords(folder);
    assertEquals(records.find(RECORD.url, RECORD.path), null);
    records.forget(RECORD.url, RECORD.path);
    assert(records.keep(RECORD, null));
    const found = records.find(RECORD.url, RECORD.path)!;
    const { expires, ...rest } = found;
    assertEquals(rest, RECORD);
    assert(expires > Date.now() + 6 * 86_400_000 && expires < Date.now() + 8 * 86_400_000);
    assertEquals(records.find(RECORD.url + "2", RECORD.path), null);
    assertEquals(records.find(RECORD.url, RECORD.path + "2"), null);
    assert(records.keep({ ...RECORD, upload: "http://h/.ferry/tus/2" }, null));
    assertEquals(records.find(RECORD.url, RECORD.path)?.upload, "http://h/.ferry/tus/2");
    const [name] = names(folder);
    assertEquals([names(folder).length, Deno.statSync(`${folder}/${name}`).mode! & 0o777], [1, 0o600]);
    records.forget(RECORD.url, RECORD.path);
    assertEquals([records.find(RECORD.url, RECORD.path), names(folder)], [null, []]);
  });
});

Deno.test("UploadRecords gives up what the server has given up", () => {
  withFolder((folder) => {
    let now = 1_000_000;
    const records = new UploadRecords(folder, () => now);
    records.keep(RECORD, 2_000_000);
    Deno.writeTextFileSync(`${folder}/other.txt`, "not ours");
    now = 2_000_000;
    assertEquals(records.find(RECORD.url, RECORD.path), null);
    records.keep({ ...RECORD, path: "/tmp/other" }, null);
    assertEquals(names(folder).length, 2);
    assert(records.find(RECORD.url, "/tmp/other") !== null);
  });
});

Deno.test("UploadRecords reads nothing odd, and goes without a folder", () => {
  withFolder((folder) => {
    const records = new UploadRecords(folder);
    records.keep(RECORD, null);
    const [name] = names(folder);
    const whole = JSON.parse(Deno.readTextFileSync(`${folder}/${name}`));
    const odd = [
      "",
      "null",
      "[]",
      "{",
      JSON.stringify({ ...whole, size: "10" }),
      JSON.stringify({ ...whole, expires: null }),
      JSON.stringify({ ...whole, digest: 1 }),
      JSON.stringify({ ...whole, upload: "http://evil/.ferry/tus/1" }),
      JSON.stringify({ ...whole, url: "http://h/another" }),
      JSON.stringify({ ...whole, more: "x".repeat(100_000) }),
    ];
    for (const text of odd) {
      Deno.writeTextFileSync(`${folder}/${name}`, text);
      assertEquals([text.slice(0, 300), records.find(RECORD.url, RECORD.path)], [text.slice(0, 300), null]);
    }
    const nowhere = new UploadRecords("/proc/nowhere");
    assertEquals([nowhere.keep(RECORD, null), nowhere.find(RECORD.url, RECORD.path)], [false, null]);
  });
});
