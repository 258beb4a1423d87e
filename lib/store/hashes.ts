/** The SHA-256 of files as they are now, one after the other, without holding others up. */
import * as crypto from "node:crypto";
import { openContent } from "./read.ts";
import { StrictPaths } from "./root.ts";

/** How long files are hashed before others have a turn. */
const TURN_MS = 8;

/**
 * Gives for each of `paths` below `root` (a real path), in order, its SHA-256 in lower-case hex, or null when it is no
 * regular file, cannot be read, or changed while it was read. `realOf` says which path is read for each of them, null
 * for none. Where it let others have a turn it gives undefined.
 */
export async function* hashFiles(
  root: string,
  paths: readonly string[],
  realOf: (path: string) => string | null,
): AsyncGenerator<string | null | undefined> {
  let strict = new StrictPaths(root);
  let start = performance.now();
  async function turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    start = performance.now();
  }
  for (const path of paths) {
    const real = realOf(path);
    const content = real === null ? null : openContent(strict, real);
    if (content === null || content.kind === "problem") yield null;
    else {
      using open = content;
      const hash = crypto.createHash("sha256");
      for (let chunk = await open.next(); chunk !== null; chunk = await open.next()) {
        hash.update(chunk);
        if (performance.now() - start < TURN_MS) continue;
        await turn();
        yield undefined;
      }
      yield open.outcome() === null ? hash.digest("hex") : null;
    }
    if (performance.now() - start < TURN_MS) continue;
    await turn();
    // What it remembers of folders may no longer hold.
    strict = new StrictPaths(root);
    yield undefined;
  }
}
