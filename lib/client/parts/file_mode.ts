/** The permissions of a file that is replaced: the one in its place has them too. */

/** Gives `to` those of `from`, if there is one. */
export function copyMode(from: string, to: string): void {
  try {
    Deno.chmodSync(to, Deno.statSync(from).mode! & 0o777);
  } catch {
    // There is nothing to replace.
  }
}

/** Those of what is at `path`, and the owner's to write; undefined for nothing. What is secret is so on its way too. */
export function modeAt(path: string): number | undefined {
  try {
    const { mode } = Deno.statSync(path);
    return mode === null ? undefined : mode & 0o777 | 0o600;
  } catch {
    return undefined;
  }
}
