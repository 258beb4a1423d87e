/** `?archive=`: a folder as one file. */
import { assertNever, FerryError } from "../../core/errors.ts";
import { baseName } from "../../core/paths.ts";
import { attachment } from "../../http/content_disposition.ts";
import { isUnchangedFolder } from "../preconditions.ts";
import type { Reply } from "../reply.ts";
import type { Exchange, Target } from "../share.ts";
import { ArchiveBody, type Chunks } from "./archive_body.ts";
import { compress } from "./compress.ts";
import type { ArchiveEntry } from "./entry.ts";
import { ARCHIVE_TYPES, type ArchiveFormat } from "./format.ts";
import { gather } from "./gather.ts";
import { tar } from "./tar.ts";
import { walk } from "./walk.ts";
import { zip } from "./zip.ts";

/** What the archive of all that a server has is called. */
const NAMELESS = "files";

/** The answer to GET or HEAD of the folder `folder` as an archive. */
export function archiveReply(exchange: Exchange, folder: Target, format: ArchiveFormat): Reply {
  const path = exchange.mounted.pathOf(folder.path);
  const name = path === "" ? NAMELESS : baseName(path);
  const headers: Record<string, string> = {
    "content-type": ARCHIVE_TYPES[format],
    "content-disposition": attachment(`${name}.${format}`),
    // It is made anew each time, as the folder is then.
    "accept-ranges": "none",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (isUnchangedFolder(exchange.request.headers)) {
    return { status: 304, headers: { "cache-control": "no-store" }, body: null };
  }
  const entries = walk(exchange, folder, name);
  const first = firstOf(entries);
  const all = first.done ? [] : chain(first.value, entries);
  return { status: 200, headers, body: new ArchiveBody(chunksOf(all, format), exchange.warn) };
}

/** What keeps an archive from being begun is told in place of it. */
function firstOf<T>(entries: Iterator<T>): IteratorResult<T> {
  try {
    return entries.next();
  } catch (error) {
    throw error instanceof FerryError && error.cause !== undefined ? error.cause : error;
  }
}

function* chain<T>(first: T, rest: Generator<T>): Generator<T> {
  yield first;
  yield* rest;
}

function chunksOf(entries: Iterable<ArchiveEntry | null>, format: ArchiveFormat): Chunks {
  switch (format) {
    case "zip":
      return gather(zip(entries));
    case "tar":
      return gather(tar(entries));
    case "tar.gz":
      return compress(gather(tar(entries)), "gzip");
    case "tar.zst":
      return compress(gather(tar(entries)), "zstd");
    default:
      return assertNever(format);
  }
}
