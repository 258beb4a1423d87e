/** Whether another server has the same resource. An ETag says nothing of that (RFC 9110 section 8.8.3). Pure. */
import type { Claim } from "../transfer/verification.ts";
import type { Seen } from "./source.ts";

/** What is known of the resource. */
export interface Known {
  size: number;
  claims: readonly Claim[];
}

/** What a mirror says. */
export interface Said {
  seen: Seen | null;
  claims: readonly Claim[];
  /** Whether all bytes are held against a checksum of the user's in the end, and can be mended then. */
  verified: boolean;
}

export type MirrorVerdict = { kind: "same" } | { kind: "other"; why: string };

/**
 * The same: of the same size, and of the same digest where both tell one. Without digests only a checksum of the user's
 * makes a mirror one that may be asked.
 */
export function judgeMirror(known: Known, said: Said): MirrorVerdict {
  const other = (why: string): MirrorVerdict => ({ kind: "other", why });
  if (said.seen === null) return other("it does not tell the size of the file and a strong validator");
  if (said.seen.size !== known.size) {
    return other(`its file has ${said.seen.size} bytes, the first one ${known.size}`);
  }
  const comparable = said.claims.flatMap((claim) =>
    known.claims.filter(({ algorithm }) => algorithm === claim.algorithm).map(({ digest }) =>
      digest.every((byte, index) => byte === claim.digest[index])
    )
  );
  if (comparable.includes(false)) return other("its file has another digest");
  if (comparable.length > 0 || said.verified) return { kind: "same" };
  return other("no digest shows that its file is the same; --checksum sha256:HEX would");
}
