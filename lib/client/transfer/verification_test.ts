import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { Digest } from "../digest.ts";
import { checksumClaim, type Claim, claimsOf, mismatchError, Verification } from "./verification.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const sum = (data: Uint8Array, name = "sha256") => new Uint8Array(createHash(name).update(data).digest());
const field = (data: Uint8Array) => `sha-256=:${btoa(String.fromCharCode(...sum(data)))}:`;

Deno.test("claimsOf() takes from an answer what can be compared with it", () => {
  const headers = new Headers({
    "repr-digest": field(bytesOf("all")),
    "content-digest": field(bytesOf("this")),
  });
  const cases: [status: number, method: string, resumed: boolean, by: string[]][] = [
    [200, "GET", false, ["Repr-Digest", "Content-Digest"]],
    [200, "POST", false, ["Content-Digest"]],
    [206, "GET", false, ["Content-Digest"]],
    [206, "GET", true, ["Repr-Digest"]],
    [200, "GET", true, ["Repr-Digest"]],
    [404, "GET", false, ["Content-Digest"]],
    [200, "HEAD", false, []],
  ];
  for (const [status, method, resumed, by] of cases) {
    const claims = claimsOf({ status, headers }, { method, resumed });
    assertEquals([status, method, claims.map((claim) => claim.by)], [status, method, by]);
  }
  const odd = new Headers({ "repr-digest": "sha-256=abc", "content-digest": "md5=:AAAA:" });
  assertEquals(claimsOf({ status: 200, headers: odd }, { method: "GET", resumed: false }), []);
});

const claim = (data: Uint8Array, algorithm: Claim["algorithm"] = "sha-256"): Claim => ({
  algorithm,
  digest: sum(data, algorithm.replace("-", "")),
  by: "Repr-Digest",
});

Deno.test("Verification finds exactly what is wrong, however the bytes come and whatever is known of their size", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), fc.boolean(), fc.constantFrom("sha-256", "sha-512"), async (
      pieces,
      known,
      right,
      algorithm,
    ) => {
      const all = new Uint8Array(pieces.flatMap((piece) => [...piece]));
      const verification = new Verification(undefined);
      await verification.begin([
        claim(right ? all : bytesOf("other than these"), algorithm as Claim["algorithm"]),
      ], {
        size: known ? all.length : undefined,
      });
      for (const piece of pieces) verification.update(piece);
      assertEquals(await verification.contradiction() === null, right);
    }),
  );
});

Deno.test("Verification judges by all claims, those of the server first, and by nothing it has not seen", async () => {
  const data = bytesOf("the content");
  const told = new Digest();
  const verification = new Verification(told, [checksumClaim("0".repeat(64))]);
  await verification.begin([claim(data)], { size: data.length });
  verification.update(data);
  assertEquals((await verification.contradiction())?.by, "--checksum");
  assertEquals(told.count, data.length);
  verification.claim([claim(bytesOf("x"))]);
  const wrong = await verification.contradiction();
  assertEquals(wrong?.by, "Repr-Digest");
  assertEquals(mismatchError(new URL("http://h/x"), wrong!).code, "checksum_mismatch");

  const late = new Verification(undefined);
  await late.begin([]);
  assertEquals(late.isNeeded, false);
  late.update(data);
  late.claim([claim(bytesOf("x"))]);
  assertEquals(await late.contradiction(), null);
  await late.begin([], { later: true });
  late.update(data);
  late.claim([claim(bytesOf("x"))]);
  assertEquals((await late.contradiction())?.by, "Repr-Digest");
});

Deno.test("Verification goes on where it was, and reads back what it has not seen", async () => {
  const data = bytesOf("the beginning and the end");
  const [start, end] = [data.subarray(0, 13), data.subarray(13)];
  const back = (take: (bytes: Uint8Array) => void) => Promise.resolve(take(start));
  const at = { have: start.length, size: data.length, later: false };

  const same = new Verification(undefined);
  await same.begin([claim(data)]);
  same.update(start);
  await same.goOn([], { ...at, back: null });
  same.update(end);
  assertEquals(await same.contradiction(), null);

  const anew = new Verification(undefined);
  await anew.goOn([claim(data)], { ...at, back });
  anew.update(end);
  assertEquals(await anew.contradiction(), null);

  // In a pipe what was not watched cannot be judged.
  const pipe = new Verification(undefined);
  await pipe.begin([]);
  pipe.update(start);
  await pipe.goOn([claim(bytesOf("x"))], { ...at, back: null });
  pipe.update(end);
  assertEquals(await pipe.contradiction(), null);
});
