/** Servers beside the first one: which of them have the same resource, and what they are told of the user. */
import { FerryError } from "../../core/errors.ts";
import { forAnotherOrigin } from "../credentials/credentials.ts";
import { checksumClaim, type Claim } from "../transfer/verification.ts";
import { judgeMirror } from "./agreement.ts";
import type { Seen, Source } from "./source.ts";

/** How long to wait for a server that still computes its digest once every byte is there. */
const DIGEST_PATIENCE_MS = 60_000;

export interface AgreeOptions {
  /** The resource as the first one has it. */
  seen: Seen;
  /** What that one says of it. */
  claims: Promise<Claim[]>;
  /** The SHA-256 that the user demands. */
  sha256?: string;
  /** Whether bytes that turn out to be wrong in the end can be replaced. */
  mendable: boolean;
  signal: AbortSignal;
  onNotice(text: string): void;
}

/** Whether `mirror` has the same resource; says so when not. Throws what is no FerryError. */
export async function agrees(mirror: Source, options: AgreeOptions): Promise<boolean> {
  const { seen, claims, sha256, mendable, signal, onNotice } = options;
  try {
    const said = await mirror.describe(signal);
    const demands = sha256 === undefined ? [] : [checksumClaim(sha256)];
    const verdict = judgeMirror({ size: seen.size, claims: [...demands, ...await claims] }, {
      ...said,
      verified: sha256 !== undefined && mendable,
    });
    if (verdict.kind === "same") {
      mirror.seen = said.seen!;
      return true;
    }
    onNotice(`${mirror.label} is left out: ${verdict.why}`);
  } catch (error) {
    if (signal.aborted) return false;
    if (!(error instanceof FerryError)) throw error;
    onNotice(`${mirror.label} is left out: ${error.message}`);
  }
  return false;
}

/** What `source` says of the whole once it has computed it; nothing when that takes too long. Never rejects. */
export async function askDigest(source: Source, seen: Seen, signal: AbortSignal): Promise<Claim[]> {
  try {
    const said = await source.describe(AbortSignal.any([signal, AbortSignal.timeout(DIGEST_PATIENCE_MS)]));
    const same = said.seen?.size === seen.size && said.seen.validator.value === seen.validator.value;
    return same ? said.claims : [];
  } catch {
    return [];
  }
}

/** The user's headers for `url`: what belongs to the origin of the first server stays there. */
export function headersFor(url: URL, first: { url: URL; headers: Headers }): Headers {
  return url.origin === first.url.origin ? new Headers(first.headers) : forAnotherOrigin(first.headers);
}
