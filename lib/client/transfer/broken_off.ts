/** What is said of the bytes of a transfer that has ended in an error. */
import { FerryError, quote } from "../../core/errors.ts";
import { canResume, type Position } from "./resume.ts";

/** So many are in the file `kept`. What is no FerryError has no message that anybody reads: then `notice` gets it. */
export function tellKept(
  error: unknown,
  { bytes, kept }: { bytes: number; kept: string },
  notice: ((text: string) => void) | undefined,
): void {
  const how = `${bytes === 1 ? "1 byte is" : `${bytes} bytes are`} kept in ${
    quote(kept)
  }, --continue goes on from there`;
  if (error instanceof FerryError) error.message += `; ${how}`;
  else notice?.(how);
}

/** Those of `position` are not kept: says why, where that is no choice of the user's. */
export function tellLost(error: unknown, position: Position): void {
  const isLost = error instanceof FerryError && error.code === "partial_transfer" && position.have > 0;
  if (!isLost || canResume(position)) return;
  error.message += `; without a length and a strong ETag its ${position.have} bytes cannot be gone on from`;
}
