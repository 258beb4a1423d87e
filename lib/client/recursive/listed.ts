/** What a server says lies in one of its folders. */

/** One entry of a listing: a name that is safe to use here, and what is known of it. */
export interface Listed {
  name: string;
  kind: "file" | "dir";
  /** Bytes. Together with `mtime`, where the listing gives both exactly. */
  size?: number;
  /** Milliseconds since 1970, a whole second where the listing is no finer. */
  mtime?: number;
}

/** A listing that has been read to its end. */
export interface Listing {
  entries: Listed[];
  /** Names that are not taken, each with the reason. */
  refused: Refused[];
  /** The steps in which it counts time, milliseconds. */
  precision: 1 | 1000;
}

/** A name as the server spells it, or its beginning, and why nothing is written under it. */
export interface Refused {
  name: string;
  why: string;
}

/** Takes the text of a listing piece by piece. */
export interface ListingParser {
  write(text: string): void;
  /** What it was; null for text that is no listing. */
  end(): Listing | null;
}

/** More in one folder than anybody keeps there; each takes memory until it is fetched. */
export const MAX_ENTRIES = 500_000;

/** Characters of one entry with all that is said about it. */
export const MAX_ENTRY_CHARS = 65_536;

/** The text is no listing of the kind that its parser reads. Nothing of it counts. */
export class NoListing extends Error {
  override name = "NoListing";
}
