/** Looks and removals whose failure says nothing that the caller has to know. */

/** Whether anything is at `path`, a dangling link included; what cannot be looked at is taken for nothing. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Removes what is at `path`, with `recursive` all that is in it; nothing there, or a full folder, is no error. */
export function removeQuietly(path: string, recursive = false): void {
  try {
    Deno.removeSync(path, { recursive });
  } catch {
    // Not there, or not empty.
  }
}
