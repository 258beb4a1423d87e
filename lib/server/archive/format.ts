/** The kinds of archives. */
import * as zlib from "node:zlib";
import { FerryError } from "../../core/errors.ts";

/** As in `?archive=`, and the extension of the file. */
export const ARCHIVE_FORMATS = ["zip", "tar", "tar.gz", "tar.zst"] as const;

export type ArchiveFormat = typeof ARCHIVE_FORMATS[number];

/** Their media types (RFC 9110 section 8.3; that of tar is not registered). */
export const ARCHIVE_TYPES: Readonly<Record<ArchiveFormat, string>> = {
  "zip": "application/zip",
  "tar": "application/x-tar",
  "tar.gz": "application/gzip",
  "tar.zst": "application/zstd",
};

/** Those that this runtime can make: zstd came with Deno 2.7. */
export const MADE_FORMATS: readonly ArchiveFormat[] = ARCHIVE_FORMATS.filter((format) =>
  format !== "tar.zst" || typeof zlib.createZstdCompress === "function"
);

/** The format that is called `text`, undefined for what cannot be read. Throws `bad_request` for one that there is not. */
export function archiveFormat(text: string | undefined): ArchiveFormat {
  const format = MADE_FORMATS.find((format) => format === text);
  if (format !== undefined) return format;
  const known = (ARCHIVE_FORMATS as readonly (string | undefined)[]).includes(text);
  const why = known ? `this server's runtime does not make ${text}: ` : "";
  throw new FerryError("bad_request", `${why}archive must be ${MADE_FORMATS.join(", ")}`);
}
