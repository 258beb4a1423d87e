/** The SHA-256 of files as they are now, one after the other, without holding others up. */
import * as crypto from "node:crypto";
import { turn } from "../../core/turn.ts";
import { openContent } from "./content.ts";
import { StrictPaths } from "../root.ts";
import { type HashMemory, sameVersion } from "./scan.ts";
import { SmallReader } from "./small_reader.ts";
import { SMALL_FILE_BYTES } from "../../wire/limits.ts";

/** How long files are hashed before others have a turn. */
const TURN_MS = 8;

/**
 * Gives for each of `paths` below `root` (a real path), in order, its SHA-256 in lower-case hex, or null when it is no
 * regular file, cannot be read, or changed while it was read. `realOf` says which path is read for each of them, null
 * for none. What `memory` knows is not read. Where it let others have a turn it gives undefined.
 */
export async function* hashFiles(
  root: string,
  paths: readonly string[],
  realOf: (path: string) => string | null,
  memory?: HashMemory,
): AsyncGenerator<string | null | undefined> {
  let strict = new StrictPaths(root);
  let reader = new SmallReader(root);
  using _ = { [Symbol.dispose]: () => reader[Symbol.dispose]() };
  const buffer = new Uint8Array(SMALL_FILE_BYTES);
  let start = performance.now();
  async function pause(): Promise<void> {
    await turn();
    start = performance.now();
  }
  for (const path of paths) {
    const real = realOf(path);
    const began = Date.now();
    const before = real === null || memory === undefined ? null : infoOf(strict, real);
    const known = before === null ? null : memory!.known(real!, before);
    let digest = known ?? (real === null ? null : small(reader, real, buffer));
    if (digest !== null && known === null && before !== null) {
      memory!.learned(real!, before, { sha256: digest, began });
    }
    const content = real === null || digest !== null ? null : openContent(strict, real);
    if (content?.kind === "content") {
      using open = content;
      const hash = crypto.createHash("sha256");
      for (let chunk = await open.next(); chunk !== null; chunk = await open.next()) {
        hash.update(chunk);
        if (performance.now() - start < TURN_MS) continue;
        await pause();
        yield undefined;
      }
      if (open.outcome() === null) digest = hash.digest("hex");
      const after = before === null || digest === null ? null : infoOf(strict, real!);
      if (after !== null && sameVersion(before!, after)) {
        memory!.learned(real!, after, { sha256: digest!, began });
      }
    }
    // The file is closed by now: nobody need come back after the last digest.
    yield digest;
    if (performance.now() - start < TURN_MS) continue;
    await pause();
    // What it remembers of folders may no longer hold.
    strict = new StrictPaths(root);
    reader[Symbol.dispose]();
    reader = new SmallReader(root);
    yield undefined;
  }
}

/**
 * The hash of a small file, which `reader` has seen to stay the same while it was read; null for any other. Had another
 * file come there since a look before, its inode and time of change would be others than those that were seen.
 */
function small(reader: SmallReader, path: string, buffer: Uint8Array<ArrayBuffer>): string | null {
  let content: Uint8Array<ArrayBuffer> = buffer;
  const meta = reader.quick(path, (size) => {
    return content = size <= buffer.length ? buffer.subarray(0, size) : new Uint8Array(size);
  });
  return meta === null ? null : crypto.createHash("sha256").update(content).digest("hex");
}

function infoOf(strict: StrictPaths, path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(strict.locate(path));
  } catch {
    return null;
  }
}
