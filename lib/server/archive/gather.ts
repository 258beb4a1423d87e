/** Many small pieces as few large ones. */

/** Bytes of a large piece. */
const CHUNK = 256 * 1024;

/** Pieces are made for so long at most before what there is of them is passed on, and others have their turn. */
const MAX_MS = 20;

/** The bytes of `pieces`, each of which is used before the next one is asked for; null where nothing came for a while. */
export function* gather(pieces: Iterable<Uint8Array>): Generator<Uint8Array<ArrayBuffer> | null> {
  let chunk = new Uint8Array(CHUNK);
  let used = 0;
  let since = performance.now();
  const flush = () => {
    const full = chunk.subarray(0, used);
    // What has been passed on is the reader's, with all of its memory.
    chunk = new Uint8Array(CHUNK);
    used = 0;
    return full;
  };
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        const count = Math.min(piece.length - at, chunk.length - used);
        chunk.set(piece.subarray(at, at + count), used);
        used += count;
        at += count;
        if (used === chunk.length) {
          yield flush();
          since = performance.now();
        }
      }
      if (performance.now() - since < MAX_MS) continue;
      yield used > 0 ? flush() : null;
      since = performance.now();
    }
  } catch (error) {
    if (used > 0) yield flush();
    throw error;
  }
  if (used > 0) yield flush();
}
