/** Where a server keeps what it knows of a share, found out before its workers are shut in. */
import { FerryError } from "../core/errors.ts";
import { joinRoot, RESERVED_NAME } from "../core/paths.ts";
import { shareState, stateHome } from "../store/state_dir.ts";
import type { StatePlace } from "./settings.ts";

/** The places for the share `root`, a real path; `given` is `--state-dir`. */
export function statePlace(
  root: string,
  { given, writable, env }: {
    given: string | undefined;
    writable: boolean;
    env: (name: string) => string | undefined;
  },
): StatePlace {
  let home: string | undefined;
  let why: string | undefined;
  try {
    home = realFolder(stateHome(given, env));
  } catch (error) {
    why = (error as FerryError).message;
  }
  // Only a share that may be written to anyway has Ferry's state in it.
  if (writable && given === undefined) return { dir: joinRoot(root, RESERVED_NAME), home };
  return home === undefined ? { dir: null, why } : { dir: shareState(home, root), home };
}

/** The real path of the state folder, made so that a worker need not look above it. */
function realFolder(path: string): string {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    return Deno.realPathSync(path);
  } catch {
    // Whoever needs it will say so.
    return path;
  }
}
