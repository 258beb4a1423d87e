/** The media type of a file by its name. */
import { contentType } from "@std/media-types/content-type";

const DEFAULT_TYPE = "application/octet-stream";

/** Extensions already looked up; as many as there are kinds of files, so bounded against made-up ones. */
const known = new Map<string, string>();

/**
 * The media type of a file called `name`, with its charset where it is text; `application/octet-stream` when the
 * extension says nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(mediaType("a.HTML"), "text/html; charset=UTF-8");
 * assertEquals(mediaType("README"), "application/octet-stream");
 * ```
 */
export function mediaType(name: string): string {
  const dot = name.lastIndexOf(".");
  if (dot === -1) return DEFAULT_TYPE;
  const extension = name.slice(dot + 1).toLowerCase();
  let type = known.get(extension);
  if (type === undefined) {
    type = /^[a-z0-9_-]+$/.test(extension) ? contentType(extension) ?? DEFAULT_TYPE : DEFAULT_TYPE;
    if (known.size < 1000) known.set(extension, type);
  }
  return type;
}
