/** The digests that a request says its body has (RFC 9530), checked while it comes. */
import { createHash } from "node:crypto";
import { FerryError } from "../core/errors.ts";
import { type ExpectedDigest, parseDigests } from "../http/digest.ts";

/** Both say the same of a PUT: its body is the whole representation, and has no coding. */
const FIELDS = ["Content-Digest", "Repr-Digest"] as const;

/** Watches the bytes of a body go by. */
export interface BodyCheck {
  /** Whether any digest was announced. */
  readonly needed: boolean;
  update(bytes: Uint8Array): void;
  /** Throws `checksum_mismatch` unless the body had every digest that was announced. */
  verify(): void;
}

const NOTHING: BodyCheck = { needed: false, update() {}, verify() {} };

/** The check for the digest fields of `headers`. Throws `bad_request` when one is malformed. */
export function bodyCheck(headers: Pick<Headers, "get">): BodyCheck {
  const checks = FIELDS.flatMap((field) =>
    read(field, headers.get(field)).map(({ algorithm, digest }) => ({
      field,
      algorithm,
      digest,
      hash: createHash(algorithm.replace("-", "")),
    }))
  );
  if (checks.length === 0) return NOTHING;
  return {
    needed: true,
    update(bytes) {
      for (const { hash } of checks) hash.update(bytes);
    },
    verify() {
      for (const { field, algorithm, digest, hash } of checks) {
        const found = hash.digest();
        if (digest.every((byte, i) => byte === found[i])) continue;
        throw new FerryError(
          "checksum_mismatch",
          `the body has not the ${algorithm} of its ${field}; nothing was changed`,
        );
      }
    },
  };
}

function read(field: string, value: string | null): ExpectedDigest[] {
  if (value === null) return [];
  const digests = parseDigests(value);
  if (digests === null) {
    throw new FerryError("bad_request", `the ${field} is malformed: it must be as sha-256=:BASE64:`);
  }
  return digests;
}
