/** `Upload-Checksum`: the sum that the body of one request has to have. */
import { createHash } from "node:crypto";
import { FerryError } from "../../core/errors.ts";
import { Crc32 } from "../archive/crc.ts";

/** The names of the algorithms, and how many bytes a sum has. */
const BYTES = { sha256: 32, sha512: 64, sha1: 20, md5: 16, crc32: 4 } as const;

type Algorithm = keyof typeof BYTES;

/** What `Tus-Checksum-Algorithm` says. */
export const CHECKSUMS = Object.keys(BYTES).join(",");

/** Watches a body go by. */
export interface PieceCheck {
  update(bytes: Uint8Array): void;
  /** Whether it had the sum. To be asked once, at its end. */
  holds(): boolean;
}

/** The check that an `Upload-Checksum` asks for; null without one. Throws `bad_request`. */
export function readChecksum(headers: Pick<Headers, "get">): PieceCheck | null {
  const field = headers.get("upload-checksum");
  if (field === null) return null;
  const match = /^([a-z0-9]+) ([A-Za-z0-9+/]+={0,2})$/.exec(field);
  if (match === null) {
    throw new FerryError("bad_request", "Upload-Checksum must be an algorithm and a sum in Base64");
  }
  const [, algorithm, base64] = match;
  if (!isKnown(algorithm)) {
    throw new FerryError("bad_request", `Upload-Checksum knows ${CHECKSUMS}, not ${algorithm}`);
  }
  const wanted = decode(base64);
  if (wanted?.length !== BYTES[algorithm]) {
    throw new FerryError("bad_request", `Upload-Checksum has no ${algorithm} of ${BYTES[algorithm]} bytes`);
  }
  const sum = algorithm === "crc32" ? crc32Sum() : hashSum(algorithm);
  return {
    update: sum.update,
    holds() {
      const found = sum.digest();
      return wanted.every((byte, i) => byte === found[i]);
    },
  };
}

function isKnown(algorithm: string): algorithm is Algorithm {
  return Object.hasOwn(BYTES, algorithm);
}

function decode(base64: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

interface Sum {
  update: (bytes: Uint8Array) => void;
  digest: () => Uint8Array;
}

function hashSum(algorithm: string): Sum {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

function crc32Sum(): Sum {
  const sum = new Crc32();
  return {
    update: (bytes) => sum.add(bytes),
    digest: () => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, sum.value);
      return bytes;
    },
  };
}
