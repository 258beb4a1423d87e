/** Lists of files in messages. */
import { MAX_PATH_BYTES } from "../core/paths.ts";
import { type Fields, list, malformed, pathOf } from "./fields.ts";
import { MAX_PACK_FILES } from "./limits.ts";

// A path may begin with what else would be a mark at the beginning of a text.
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The files that `POST pack` and `POST hashes` ask for: at most `most` paths, each below the folder of the call. */
export function parseFileList(fields: Fields, most: number): string[] {
  return list(fields, "files", most).map(pathOf);
}

/** The paths at the end of a pack, UTF-8, with NUL between them. Throws `protocol`, and what `pathOf` throws. */
export function parsePaths(bytes: Uint8Array): string[] {
  if (bytes.length > MAX_PACK_FILES * (MAX_PATH_BYTES + 1)) throw malformed("the paths are too long");
  let text: string;
  try {
    text = strictDecoder.decode(bytes);
  } catch {
    throw malformed("a path that is not UTF-8");
  }
  const paths = text.split("\0", MAX_PACK_FILES + 1);
  if (paths.length > MAX_PACK_FILES) throw malformed(`more than ${MAX_PACK_FILES} paths`);
  return paths.map(pathOf);
}
