import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { readTrailer, TRAILER_BYTES, trailerBytes, trailerProblem } from "./trailer.ts";

const SHA = new Uint8Array(32).map((_, index) => index);

Deno.test("readTrailer() gives back what trailerBytes() was given", () => {
  for (const changed of [false, true]) {
    const bytes = trailerBytes({ changed, digest: SHA });
    assertEquals(bytes.length, TRAILER_BYTES);
    assertEquals(readTrailer(bytes), { changed, digest: SHA });
  }
  assertThrows(() => readTrailer(new Uint8Array([7])), FerryError, "unknown trailer");
});

Deno.test("trailerProblem() is null only for content that stayed as it was and has its digest", () => {
  const other = SHA.with(31, 0);
  assertEquals(trailerProblem({ changed: false, digest: SHA }, SHA), null);
  assertEquals(trailerProblem({ changed: false, digest: SHA }, other)?.code, "bad_content");
  assertEquals(trailerProblem({ changed: true, digest: SHA }, SHA)?.code, "changed");
});
