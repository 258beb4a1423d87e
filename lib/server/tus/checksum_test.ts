import { assert, assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../../core/errors.ts";
import { readChecksum } from "./checksum.ts";

/** Sums of "hello world", from other programs. */
const SUMS: [field: string, about: string][] = [
  ["sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "the example of tus 1.0"],
  ["sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=", "sha256sum"],
  ["md5 XrY7u+Ae7tCTyyK7j1rNww==", "md5sum"],
  ["crc32 DUoRhQ==", "gzip"],
];

Deno.test("readChecksum() knows the right sum from another, piece by piece", () => {
  const bytes = new TextEncoder().encode("hello world");
  for (const [field, about] of SUMS) {
    for (const cut of [0, 3, 4, 7, 11]) {
      const check = readChecksum(new Headers({ "upload-checksum": field }))!;
      check.update(bytes.subarray(0, cut));
      check.update(bytes.subarray(cut));
      assert(check.holds(), `${about}, ${cut}`);
    }
    const other = readChecksum(new Headers({ "upload-checksum": field }))!;
    other.update(bytes.subarray(1));
    assert(!other.holds(), about);
  }
});

Deno.test("readChecksum() refuses what it cannot check", () => {
  assertEquals(readChecksum(new Headers()), null);
  for (
    const field of ["", "sha1", "sha3 AAAA", "sha1 AAAA", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "crc32 *"]
  ) {
    assertThrows(
      () => readChecksum(new Headers({ "upload-checksum": field })),
      FerryError,
      "Upload-Checksum",
    );
  }
});
