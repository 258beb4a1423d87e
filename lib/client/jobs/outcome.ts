/** How a URL ended, and how a whole call does. Pure. */

/** One line of `--json`. */
export interface Outcome {
  url: string;
  method: string;
  /** 0 where no answer came. */
  status: number;
  bytes: number;
  ms: number;
  path?: string;
  sha256?: string;
  resumed?: boolean;
  /** Bytes that were damaged and fetched anew. */
  repaired?: number;
  retries: number;
  /** Only of a URL that failed. */
  error?: { code: string; message: string; exit: number };
}

/**
 * Exit statuses of URLs, the worst first: the less the same call would help once more, the worse. Wrong content, this
 * machine, trust, permission, the call itself, the server's answer, what may pass by itself, and last what is left out.
 */
export const WORST_FIRST: readonly number[] = [43, 23, 26, 60, 35, 67, 2, 3, 33, 47, 22, 6, 7, 18, 28, 1];

/** The worse one of two exit statuses of URLs; 0 is the best. */
export function worse(one: number, other: number): number {
  return rank(one) <= rank(other) ? one : other;
}

function rank(exit: number): number {
  if (exit === 0) return WORST_FIRST.length;
  const at = WORST_FIRST.indexOf(exit);
  // What nobody thought of is worse than all that is known.
  return at;
}
