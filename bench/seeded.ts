/** A generator of whole numbers below 2 ** 32 that is the same everywhere (xorshift32); `seed` is not 0. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
