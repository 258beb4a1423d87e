/** Making symbolic links, also in the runtime's sandbox, which keeps its own call for those who may do everything. */
import { libc } from "./libc.ts";

const EEXIST = 17;

/** The link `path`, an absolute path, to `target`. Throws as `Deno.symlinkSync`, AlreadyExists among others. */
export function makeSymlink(target: string, path: string): void {
  try {
    Deno.symlinkSync(target, path);
  } catch (error) {
    const library = error instanceof Deno.errors.NotCapable ? libc() : null;
    if (library === null) throw error;
    const errno = library.symlink(target, path);
    if (errno === 0) return;
    if (errno === EEXIST) throw new Deno.errors.AlreadyExists(`(os error ${errno})`);
    throw new Error(`cannot make a symbolic link (os error ${errno})`);
  }
}
