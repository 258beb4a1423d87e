/** From a file that was found to the same file, open. */
import { OLD_RUNTIME } from "../core/runtime.ts";
import { notFound } from "./share.ts";

/** A file that was found below the root of its share. */
export interface FoundFile {
  /** A real path. */
  real: string;
  info: Deno.FileInfo;
}

/** What tells a file from all others. */
export interface FileIdentity {
  /** A real path. */
  real: string;
  info: Pick<Deno.FileInfo, "isFile" | "ino" | "dev">;
}

/**
 * How often it is looked for again. Newer runtimes keep what leads out of the sandbox from being read at all; on older
 * ones whoever swaps a folder and a link all the time has to be in time for each look.
 */
const LOOKS = OLD_RUNTIME ? 8 : 1;

/**
 * Opens `found` for reading. Throws `not_found` when something else is there now: somebody may have put a link that
 * leads out of the share in its place, or in place of a folder above it.
 */
export function openFound({ real, info }: FileIdentity): { file: Deno.FsFile; info: Deno.FileInfo } {
  // Anything else may block in open(), or act on it.
  if (!info.isFile) throw notFound();
  const file = Deno.openSync(real);
  try {
    const now = file.statSync();
    if (!now.isFile || now.ino !== info.ino || now.dev !== info.dev) throw notFound();
    for (let look = 0; look < LOOKS; look++) {
      if (Deno.realPathSync(real) !== real) throw notFound();
      if (LOOKS > 1 && Deno.lstatSync(real).ino !== now.ino) throw notFound();
    }
    return { file, info: now };
  } catch (error) {
    file.close();
    throw error;
  }
}
