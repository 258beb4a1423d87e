import { type Fields, list, pathOf } from "./fields.ts";

/** The files that `POST pack` and `POST hashes` ask for: at most `most` paths, each below the folder of the call. */
export function parseFileList(fields: Fields, most: number): string[] {
  return list(fields, "files", most).map(pathOf);
}
