/** What an archive is made of. */

interface Common {
  /** Names joined by slashes, as they stand in the archive; none is empty, a dot segment, or has a slash in it. */
  path: string;
  /** Permission bits. */
  mode: number;
  /** Milliseconds since 1970. */
  mtime: number;
}

/** One thing in an archive. */
export type ArchiveEntry =
  | Common & { kind: "dir" }
  /** `target` is relative, and names something in the archive. */
  | Common & { kind: "link"; target: string }
  | Common & { kind: "file"; content: Content };

/** What a file holds. Whoever has it reads it once, to its end. */
export interface Content {
  readonly size: number;
  /**
   * `size` bytes in pieces; all of them in one where they are few. Throws when there are no longer so many. Each piece
   * is good until the next one is asked for.
   */
  blocks(): Iterable<Uint8Array>;
}

/** For an entry that adds nothing. */
export const NOTHING = new Uint8Array();
