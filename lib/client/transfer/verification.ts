/** Whether the bytes that came are those that the server, or the user, says they are (RFC 9530). */
import { FerryError, quote } from "../../core/errors.ts";
import { type DigestAlgorithm, hexOf, parseDigests } from "../../http/digest.ts";
import type { Digest } from "../digest.ts";

/** What somebody says of the bytes. */
export interface Claim {
  algorithm: DigestAlgorithm;
  digest: Uint8Array;
  by: "Repr-Digest" | "Content-Digest" | "--checksum";
}

/** A claim that is not true, and the digest that the bytes have. */
export interface Contradiction extends Claim {
  is: Uint8Array;
}

/** An answer as far as claims go. */
interface Stated {
  status: number;
  headers: Pick<Headers, "get">;
}

/**
 * What `answer` says of bytes that can be compared with it. `Content-Digest` is of the body of this very message.
 * `Repr-Digest` is of the whole representation (RFC 9530 section 3): of what a GET of all of it brings, and of what is
 * put together when the answer goes on with an earlier one (`resumed`). A field that is malformed claims nothing.
 */
export function claimsOf(answer: Stated, request: { method: string; resumed: boolean }): Claim[] {
  const read = (by: "Repr-Digest" | "Content-Digest") =>
    (parseDigests(answer.headers.get(by) ?? "") ?? []).map((expected): Claim => ({ ...expected, by }));
  if (request.method === "HEAD") return [];
  if (request.resumed) return read("Repr-Digest");
  const repr = request.method === "GET" && answer.status === 200 ? read("Repr-Digest") : [];
  return [...repr, ...read("Content-Digest")];
}

/** The claim that `--checksum` makes. */
export function checksumClaim(hex: string): Claim {
  return {
    algorithm: "sha-256",
    digest: Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16)),
    by: "--checksum",
  };
}

/** The error that ends a download whose bytes are not the ones that they are said to be. */
export function mismatchError(url: URL, { algorithm, digest, is, by }: Contradiction): FerryError {
  const sum = algorithm.toUpperCase();
  const why = by === "--checksum"
    ? `the ${sum} is ${hexOf(is)}, not the ${hexOf(digest)} that --checksum demands`
    : `the ${sum} of what came is ${hexOf(is)}, and the server says (${by}) that it is ${hexOf(digest)}`;
  return new FerryError("checksum_mismatch", `${quote(url.href)}: ${why}`);
}

/** A body up to this size is collected, so that WebCrypto can do what `node:crypto` would have to be loaded for. */
const SMALL = 64 * 1024;
/** After so many of them it is time to load it: it takes a tenth of the time for each. */
const MANY_SMALL = 8;

let small = 0;

/** Takes the bytes for one algorithm. */
type Sum = Pick<Digest, "count" | "update" | "reset"> & { bytes(): Uint8Array | Promise<Uint8Array> };

/** Watches the bytes of one download pass by, over all its tries. */
export class Verification {
  readonly #demands: readonly Claim[];
  readonly #sums = new Map<DigestAlgorithm, Sum>();
  #claims: readonly Claim[] = [];

  /** `told` is a SHA-256 that is wanted in any case; `demands` hold whatever the server says. */
  constructor(told: Digest | undefined, demands: readonly Claim[] = []) {
    this.#demands = demands;
    if (told !== undefined) this.#sums.set("sha-256", told);
  }

  /** Whether the server has said what the whole is. */
  get isClaimed(): boolean {
    return this.#claims.length > 0;
  }

  /** Whether there is something that must hold whatever the server says. */
  get hasDemands(): boolean {
    return this.#demands.length > 0;
  }

  /** Whether the bytes are looked at. */
  get isNeeded(): boolean {
    return this.#sums.size > 0;
  }

  /**
   * The bytes come from their beginning, `size` of them if that is known; `later` when the server will say of them what
   * they are once they are there.
   */
  async begin(claims: readonly Claim[], options: { size?: number; later?: boolean } = {}): Promise<void> {
    this.#claims = claims;
    for (const { algorithm } of [...claims, ...this.#demands]) await this.#need(algorithm, options.size);
    if (options.later) await this.#need("sha-256", options.size);
    for (const sum of this.#sums.values()) sum.reset();
  }

  /** The bytes go on; the `have` before them were not all seen, or can be read `back`. */
  async goOn(claims: readonly Claim[], { have, size, later, back }: Earlier): Promise<void> {
    if (claims.length > 0) this.#claims = claims;
    if (back !== null) {
      for (const { algorithm } of [...this.#claims, ...this.#demands]) await this.#need(algorithm, size);
      if (later) await this.#need("sha-256", size);
    }
    if ([...this.#sums.values()].some((sum) => sum.count !== have)) await this.again(back);
  }

  /** Takes all of the bytes so far anew, by `back`; what cannot be read again cannot be judged. */
  async again(back: ReadBack | null): Promise<void> {
    for (const sum of this.#sums.values()) sum.reset();
    if (back === null) this.#sums.clear();
    else await back((bytes) => this.update(bytes));
  }

  update(bytes: Uint8Array): void {
    for (const sum of this.#sums.values()) sum.update(bytes);
  }

  /** What the server says only now; it counts when the bytes were watched for it. */
  claim(claims: readonly Claim[]): void {
    this.#claims = claims;
  }

  /** The claims that the bytes were looked at for. */
  get watched(): Claim[] {
    return [...this.#claims, ...this.#demands].filter(({ algorithm }) => this.#sums.has(algorithm));
  }

  /** The first claim that does not hold, of the server before that of the user; null when all do. */
  async contradiction(): Promise<Contradiction | null> {
    for (const claim of [...this.#claims, ...this.#demands]) {
      const is = await this.#sums.get(claim.algorithm)?.bytes();
      if (is !== undefined && hexOf(is) !== hexOf(claim.digest)) return { ...claim, is };
    }
    return null;
  }

  async #need(algorithm: DigestAlgorithm, size: number | undefined): Promise<void> {
    const isSmall = size !== undefined && size <= SMALL;
    const known = this.#sums.get(algorithm);
    if (known !== undefined && (isSmall || !(known instanceof SmallSum))) return;
    if (isSmall && ++small <= MANY_SMALL) this.#sums.set(algorithm, new SmallSum(algorithm));
    else this.#sums.set(algorithm, new (await import("../digest.ts")).Digest(algorithm));
  }
}

/** Gives all the bytes so far. */
export type ReadBack = (take: (bytes: Uint8Array) => void) => Promise<void>;

interface Earlier {
  have: number;
  size?: number;
  later: boolean;
  back: ReadBack | null;
}

/** The digest of a few bytes, at their end. */
class SmallSum implements Sum {
  count = 0;
  #bytes = new Uint8Array(1024);

  constructor(readonly algorithm: DigestAlgorithm) {}

  update(bytes: Uint8Array): void {
    const length = this.count + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#bytes.subarray(0, this.count));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.count);
    this.count = length;
  }

  reset(): void {
    this.count = 0;
  }

  async bytes(): Promise<Uint8Array> {
    const name = this.algorithm.toUpperCase();
    return new Uint8Array(await crypto.subtle.digest(name, this.#bytes.slice(0, this.count)));
  }
}
