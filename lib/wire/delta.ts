/** What the messages of a delta (docs/protocol.md, "Delta") have in common: their names, their limits and their error. */
import { FerryError } from "../core/errors.ts";
import { MAX_PACK_BYTES } from "./limits.ts";

export const CHUNKS_TYPE = "application/vnd.ferry.chunks";
export const REQUEST_TYPE = "application/vnd.ferry.signatures";
export const DELTA_TYPE = "application/vnd.ferry.delta";

/** The largest request for a delta. */
export const MAX_REQUEST_BYTES = MAX_PACK_BYTES;

/** Old files that one new file may be made from. */
export const MAX_BASES = 4;

/** Ranges in a request. */
export const MAX_RANGES = 2 ** 19;

/** A larger file is not cut into chunks but sent whole: its list would be too long. */
export const MAX_DELTA_FILE_BYTES = 2 ** 40;

/** The error that a message with this wrong in it is refused with. */
export function malformed(why: string): FerryError {
  return new FerryError("protocol", `malformed delta: ${why}`);
}
