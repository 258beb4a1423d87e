/** The message with which a push asks for what an earlier one has left (docs/protocol.md, "Writing"). */
import { MODE_MASK } from "../core/entry.ts";
import { digest, type Fields, integer, list, malformed, pathOf, time } from "./fields.ts";
import { MAX_PACK_FILES } from "./limits.ts";

/** A version of a small file, and the number that it is to be staged under. */
export interface LeftFile {
  path: string;
  stage: number;
  size: number;
  mtime: number;
  mode: number;
  /** Where it is known, 64 lower-case hex digits. */
  sha256?: string;
}

/** The body of `POST left`. */
export function parseLeftRequest(fields: Fields): LeftFile[] {
  return list(fields, "files", MAX_PACK_FILES).map((value) => {
    if (typeof value !== "object" || value === null) throw malformed("a file is not an object");
    const file = value as Fields;
    return {
      path: pathOf(file.path),
      stage: integer(file, "stage", 0, 2 ** 32 - 1),
      size: integer(file, "size"),
      mtime: time(file, "mtime"),
      mode: integer(file, "mode", 0, MODE_MASK),
      ...(file.sha256 === undefined ? {} : { sha256: digest(file, "sha256") }),
    };
  });
}
