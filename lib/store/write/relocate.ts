/** What the destination has already, used again: files copied into the stage, files and folders renamed. */
import * as crypto from "node:crypto";
import type { Entry } from "../../core/entry.ts";
import { writeFully } from "../../core/file_bytes.ts";
import { childPath } from "../../core/paths.ts";
import { SMALL_FILE_BYTES } from "../../wire/limits.ts";
import { folderDigest } from "../../wire/folder_digest.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { hashFile, scanFolders } from "../read/scan.ts";

/**
 * Copies the file at `full` (a regular file of `size` bytes) to `staged`, a path where nothing is. Gives `conflict`
 * when its content is not the one that `sha256` names; the caller then discards what was written.
 */
export async function copyVerified(
  full: string,
  staged: string,
  { size, sha256 }: { size: number; sha256: string },
): Promise<Outcome> {
  const actual = size <= SMALL_FILE_BYTES ? copySmall(full, staged) : await copyLarge(full, staged);
  if (actual === sha256) return null;
  return { code: "conflict", message: "its content is another one" };
}

function copySmall(full: string, staged: string): string {
  const content = Deno.readFileSync(full);
  using file = Deno.openSync(staged, { write: true, createNew: true, mode: 0o600 });
  writeFully(file, content);
  return crypto.createHash("sha256").update(content).digest("hex");
}

/** The system copies, which on some file systems takes no time; what is read again is the copy. */
async function copyLarge(full: string, staged: string): Promise<string> {
  await Deno.copyFile(full, staged);
  return await hashFile(staged);
}

/** The version of the folder at `full` with all that is in it; null when something in it cannot be replicated. */
export function folderVersion(full: string): string | null {
  return folderDigest(entriesOf(full));
}

function* entriesOf(full: string): Generator<[string, Entry]> {
  for (const listing of scanFolders(full)) {
    if ("problem" in listing) yield [listing.dir, { kind: "problem", ...listing.problem }];
    else for (const [name, entry] of listing.entries) yield [childPath(listing.dir, name), entry];
  }
}
