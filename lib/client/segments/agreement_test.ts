import { assertEquals } from "@std/assert";
import type { Claim } from "../transfer/verification.ts";
import { judgeMirror } from "./agreement.ts";

const claim = (first: number, algorithm: Claim["algorithm"] = "sha-256"): Claim => ({
  algorithm,
  digest: Uint8Array.of(first, 2, 3),
  by: "Repr-Digest",
});
const seen = (size: number) => ({ size, validator: { kind: "etag" as const, value: '"a"' } });

Deno.test("judgeMirror() takes servers whose digest is the same, or that a checksum will be held against", () => {
  const cases: {
    about: string;
    known: Claim[];
    size: number | null;
    claims: Claim[];
    verified?: boolean;
    same: boolean;
  }[] = [
    { about: "equal digests", known: [claim(1)], size: 9, claims: [claim(1)], same: true },
    { about: "other digests", known: [claim(1)], size: 9, claims: [claim(2)], same: false },
    { about: "another size", known: [claim(1)], size: 8, claims: [claim(1)], same: false },
    { about: "no digest of the mirror", known: [claim(1)], size: 9, claims: [], same: false },
    { about: "no digest of the first", known: [], size: 9, claims: [claim(1)], same: false },
    { about: "no digest, a checksum", known: [], size: 9, claims: [], verified: true, same: true },
    {
      about: "a digest that contradicts",
      known: [claim(1)],
      size: 9,
      claims: [claim(2)],
      verified: true,
      same: false,
    },
    { about: "two algorithms", known: [claim(1)], size: 9, claims: [claim(1, "sha-512")], same: false },
    {
      about: "one of two contradicts",
      known: [claim(1), claim(1, "sha-512")],
      size: 9,
      claims: [claim(1), claim(2, "sha-512")],
      same: false,
    },
    { about: "nothing told", known: [claim(1)], size: null, claims: [claim(1)], verified: true, same: false },
  ];
  for (const { about, known, size, claims, verified = false, same } of cases) {
    const said = { seen: size === null ? null : seen(size), claims, verified };
    assertEquals([about, judgeMirror({ size: 9, claims: known }, said).kind], [
      about,
      same ? "same" : "other",
    ]);
  }
});
