import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { KEPT_MS, Shelf, type ShelvedUpload, sweepUploads } from "./shelf.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

function shelved() {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-shelf-" }));
  return { root, shelf: new Shelf(root), [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
}

function add(shelf: Shelf, owner: string | null = null, path = "a"): ShelvedUpload {
  return shelf.add(owner, { path, length: 100, metadata: "", concat: null, conditions: {} });
}

function paths(dir: string): string[] {
  const names = [...Deno.readDirSync(dir)];
  return names.flatMap((e) => e.isDirectory ? [e.name, ...paths(`${dir}/${e.name}`)] : [e.name]);
}

Deno.test("Shelf finds an upload again, for its owner alone, and nothing of one that was removed", () => {
  using at = shelved();
  const upload = add(at.shelf, "ann");
  Deno.writeTextFileSync(upload.data, "12345");
  const again = new Shelf(at.root).find("ann", upload.id);
  assertEquals([again.offset, again.ended, again.record], [5, false, upload.record]);
  for (const owner of ["bob", null, "Ann"]) {
    assertThrows(() => at.shelf.find(owner, upload.id), FerryError, "no such upload");
  }
  at.shelf.remove(upload);
  assertThrows(() => at.shelf.find("ann", upload.id), FerryError, "no such upload");
  assertEquals(paths(at.root), []);
});

Deno.test("Shelf trusts bytes that were checked, and after another start of the machine those on the disk", () => {
  using at = shelved();
  const upload = add(at.shelf);
  Deno.writeFileSync(upload.data, new Uint8Array(50));
  const offset = (change: Partial<ShelvedUpload["record"]>) => {
    at.shelf.save({ ...upload, record: { ...upload.record, ...change } });
    return at.shelf.find(null, upload.id).offset;
  };
  assertEquals(offset({}), 50);
  assertEquals(offset({ synced: 30 }), 50);
  assertEquals(offset({ unchecked: 20 }), 20);
  assertEquals(offset({ synced: 30, boot: "another" }), 30);
  assertEquals(offset({ synced: 30, boot: "another", unchecked: 10 }), 10);
  assertEquals(offset({ synced: 80, boot: "another" }), 50);
});

Deno.test("Shelf takes an upload without bytes for one that ended only where these went to their place", () => {
  using at = shelved();
  const upload = add(at.shelf);
  Deno.removeSync(upload.data);
  assertThrows(() => at.shelf.find(null, upload.id), FerryError, "no such upload");
  at.shelf.save({ ...upload, record: { ...upload.record, placing: true } });
  const { ended, offset } = at.shelf.find(null, upload.id);
  assertEquals([ended, offset], [true, 100]);
});

Deno.test("Shelf passes over records that are none", () => {
  using at = shelved();
  const { data, id } = add(at.shelf);
  for (const text of ["", "{", "null", "[]", '{"path":1}']) {
    Deno.writeTextFileSync(`${data}.json`, text);
    assertThrows(() => at.shelf.find(null, id), FerryError, "no such upload");
  }
});

Deno.test("Shelf bounds what one user has unfinished, and the others still have room", () => {
  using at = shelved();
  for (let i = 0; i < 250; i++) add(at.shelf, "ann");
  const error = assertThrows(() => add(at.shelf, "ann"), FerryError, "too many uploads");
  assertEquals(error.code, "too_many");
  const { record, data } = add(at.shelf, "bob");
  // What came to its end does not count.
  for (let i = 0; i < 300; i++) {
    const ended = add(at.shelf, "bob");
    at.shelf.empty(ended);
  }
  assert(at.shelf.isWriter({ data, record }));
});

Deno.test("sweepUploads() removes what rested too long, and leaves the rest", () => {
  using at = shelved();
  const upload = add(at.shelf);
  const ended = add(at.shelf);
  at.shelf.empty(ended);
  Deno.writeTextFileSync(`${upload.data.slice(0, -1)}x`, "no record");
  sweepUploads(at.root);
  assertEquals(paths(at.root).length, 7);
  sweepUploads(at.root, Date.now() + DAY_MS + 2000);
  assertEquals(at.shelf.find(null, upload.id).offset, 0);
  assertEquals(paths(at.root).length, 5);
  sweepUploads(at.root, Date.now() + KEPT_MS + 2000);
  assertEquals(paths(at.root), []);
  // Nothing there is no error.
  sweepUploads(at.root);
});
