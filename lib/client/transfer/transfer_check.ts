/** Whether what one transfer brings is what the server, or the user, says that it is; over all its tries. */
import type { Digest } from "../digest.ts";
import type { Answer } from "../exchange.ts";
import { PartFile } from "../parts/part_file.ts";
import type { Position } from "./resume.ts";
import type { Sink } from "../sink.ts";
import { type DigestLater, digestLater, type TransferRequests } from "./transfer_requests.ts";
import { checksumClaim, claimsOf, type Contradiction, Verification } from "./verification.ts";

export class TransferCheck {
  readonly verification: Verification;
  #later: DigestLater = null;

  /** `digest` takes all of the body in any case. */
  constructor(readonly requests: TransferRequests, digest: Digest | undefined) {
    const { sha256 } = requests.plan;
    this.verification = new Verification(digest, sha256 === undefined ? [] : [checksumClaim(sha256)]);
  }

  /** The bytes come from the beginning of what was asked for, by `answer`. */
  async begin({ response, hop }: Answer, position: Position): Promise<void> {
    this.#later = digestLater(response);
    await this.verification.begin(claimsOf(response, { method: hop.method, resumed: false }), {
      size: sizeOf(position),
      later: this.#later !== null,
    });
  }

  /** `answer` goes on with what is in `sink`. */
  async goOn(
    { response, hop }: Answer,
    { position, sink, signal }: { position: Position; sink: Sink; signal: AbortSignal },
  ): Promise<void> {
    // Of a range alone a digest of the whole says nothing.
    const all = this.requests.plan.range === undefined;
    this.#later = all && digestLater(response) === "head" ? "head" : null;
    await this.verification.goOn(all ? claimsOf(response, { method: hop.method, resumed: true }) : [], {
      have: position.have,
      size: sizeOf(position),
      later: this.#later !== null,
      back: sink instanceof PartFile ? (take) => sink.readBack(take, signal) : null,
    });
  }

  update(bytes: Uint8Array): void {
    this.verification.update(bytes);
  }

  /** What is wrong with the bytes, now that those of `answer` are all there; null when nothing is. */
  async judge(
    { response, hop }: Answer,
    { position, signal }: { position: Position; signal: AbortSignal },
  ): Promise<Contradiction | null> {
    if (this.#later === "trailer") {
      const headers = response.body?.trailers;
      if (headers) {
        this.verification.claim(claimsOf({ ...response, headers }, { method: hop.method, resumed: false }));
      }
    } else if (this.#later === "head" && !this.verification.isClaimed) {
      this.verification.claim(await this.requests.laterClaims(hop, { ...position, signal }));
    }
    return await this.verification.contradiction();
  }
}

/** How many bytes there will be, if that is known. */
function sizeOf({ start, end }: Position): number | undefined {
  return end === undefined ? undefined : end - start;
}
