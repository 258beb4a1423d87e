/** What a file holds, for an archive: read from the file while it is open. */
import { FerryError, quote, readError } from "../../core/errors.ts";
import { readFully } from "../../core/file_bytes.ts";
import { type FileIdentity, openFound } from "../open_file.ts";
import type { Content } from "./entry.ts";

/** One read. Smaller files are read at once, so that their size is true whatever is done to them. */
export const BLOCK = 256 * 1024;

/** An open file. */
export interface OpenContent extends Content, Disposable {
  info: Deno.FileInfo;
}

/**
 * Opens what was found for the path `path`; null when it is not there any more. `buffer`, of BLOCK bytes, holds a block
 * of it at a time. Throws `read_failed`.
 */
export function openContent(
  found: FileIdentity,
  path: string,
  buffer: Uint8Array<ArrayBuffer>,
): OpenContent | null {
  let opened: ReturnType<typeof openFound>;
  try {
    opened = openFound(found);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return null;
    if (error instanceof FerryError && error.code === "not_found") return null;
    throw readError(error, `/${path}`);
  }
  const { file, info } = opened;
  const read = (wanted: number): number => {
    try {
      return readFully(file, buffer.subarray(0, wanted));
    } catch (error) {
      throw readError(error, `/${path}`);
    }
  };
  const close = () => file.close();
  try {
    if (info.size <= BLOCK) {
      const content = buffer.subarray(0, read(info.size));
      return {
        info,
        size: content.length,
        blocks: () => content.length === 0 ? [] : [content],
        [Symbol.dispose]: close,
      };
    }
  } catch (error) {
    close();
    throw error;
  }
  function* blocks(): Generator<Uint8Array> {
    for (let at = 0; at < info.size;) {
      const wanted = Math.min(BLOCK, info.size - at);
      if (read(wanted) < wanted) {
        throw new FerryError("conflict", `${quote(`/${path}`)} became shorter while it was read`);
      }
      at += wanted;
      yield buffer.subarray(0, wanted);
    }
  }
  return { info, size: info.size, blocks, [Symbol.dispose]: close };
}
