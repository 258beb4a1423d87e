/** What the first answer of a download says about the bytes that follow. Pure. */
import { FerryError } from "../../core/errors.ts";
import { type RangeWish, servedRange } from "../range_flag.ts";
import { parseContentRange, type Position, strongValidator } from "./resume.ts";

/** What was asked for. */
export interface Wish {
  /** The method as the user gave it, and as the last redirect left it. */
  method: string;
  finalMethod: string;
  range?: RangeWish;
  /** The user's own headers ask for a range: then the answer is not judged. */
  ownRange: boolean;
}

/**
 * Where the body of `answer` starts and ends, with a validator when it may be gone on with. Throws `no_ranges` when a
 * range was asked for and another answer came, `protocol` for a part that nobody asked for.
 */
export function startPosition(
  wish: Wish,
  answer: { status: number; headers: Pick<Headers, "get"> },
): Position {
  const { status, headers } = answer;
  const nothing: Position = { start: 0, have: 0 };
  if (wish.range !== undefined && wish.finalMethod === "GET") {
    if (status === 200) {
      throw new FerryError(
        "no_ranges",
        "the server serves no ranges of it, only the whole; ask without --range",
      );
    }
    if (status !== 206) return nothing;
    const served = servedRange(wish.range, headers);
    if (served === null) return nothing;
    const size = parseContentRange(headers.get("content-range"))?.size;
    return { ...served, have: 0, size, validator: strongValidator(headers) };
  }
  // A HEAD brings nothing that could be judged, and some servers answer it as if it were a GET.
  if (wish.ownRange || wish.range !== undefined) return nothing;
  if (status === 206) {
    throw new FerryError("protocol", "the server sends a part (206) where all was asked for");
  }
  // Only a download of the resource itself can be gone on with.
  if (status !== 200 || wish.method !== "GET" || wish.finalMethod !== "GET") return nothing;
  const size = contentLength(headers);
  return { start: 0, have: 0, end: size, size, validator: strongValidator(headers) };
}

function contentLength(headers: Pick<Headers, "get">): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
