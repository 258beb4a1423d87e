/** The version of a folder with all that is in it, in 32 bytes: what a folder that is moved must still be. */
import * as crypto from "node:crypto";
import type { Entry } from "../core/entry.ts";

/**
 * SHA-256 (lower-case hex) over a line of JSON and a newline for each entry, in the order of their lines' UTF-16 code
 * units: `["rel/path","f",size,mtime]`, `["rel/path","d"]` or `["rel/path","l","target"]`. Modes and the times of
 * folders do not count: they are set after the move. Null when something in it cannot be replicated.
 */
export function folderDigest(entries: Iterable<readonly [path: string, entry: Entry]>): string | null {
  const lines: string[] = [];
  for (const [path, entry] of entries) {
    if (entry.kind === "problem") return null;
    const rest = entry.kind === "file"
      ? ["f", entry.size, entry.mtime]
      : entry.kind === "dir"
      ? ["d"]
      : ["l", entry.target];
    lines.push(JSON.stringify([path, ...rest]) + "\n");
  }
  const hash = crypto.createHash("sha256");
  for (const line of lines.sort()) hash.update(line);
  return hash.digest("hex");
}
