/** Where the server answers tus. */

/** Where uploads are made; behind it stands the folder that a file is for, or the name of an upload. */
export const TUS_PATH = "/.ferry/tus";

/** The methods there. */
export const TUS_METHODS = "OPTIONS, POST, HEAD, PATCH, DELETE";

/** What every answer there has (tus 1.0, "Tus-Resumable"). */
export const TUS_HEADERS: Readonly<Record<string, string>> = { "tus-resumable": "1.0.0" };

/** Whether `path`, raw, is one of those. */
export function isTusPath(path: string): boolean {
  return path.startsWith(TUS_PATH) && (path.length === TUS_PATH.length || path[TUS_PATH.length] === "/");
}

/** What a request for `path`, one of those, is about, raw: a folder, or a share and the name of one of its uploads. */
export function tusInner(path: string): string {
  return path.slice(TUS_PATH.length) || "/";
}
