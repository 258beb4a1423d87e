/** Where Ferry keeps what it knows of folders that it does not write to. */
import * as crypto from "node:crypto";
import { FerryError } from "../core/errors.ts";

/** The folder of Ferry's state: `given`, or the XDG base directory for state (`$XDG_STATE_HOME`, `~/.local/state`). */
export function stateHome(given: string | undefined, env: (name: string) => string | undefined): string {
  if (given !== undefined) return given;
  const xdg = env("XDG_STATE_HOME");
  // The specification: a path that is not absolute is to be ignored.
  if (xdg?.startsWith("/")) return `${xdg}/ferry`;
  const home = env("HOME");
  if (home?.startsWith("/")) return `${home}/.local/state/ferry`;
  throw new FerryError("usage", "there is no home folder to keep state in; set XDG_STATE_HOME");
}

/** The same where it can be done without; undefined where there is none. */
export function stateHomeIfAny(
  given: string | undefined,
  env: (name: string) => string | undefined,
): string | undefined {
  return given ??
    (env("XDG_STATE_HOME")?.startsWith("/") || env("HOME")?.startsWith("/")
      ? stateHome(given, env)
      : undefined);
}

/** The part of `home` that belongs to the share with the real path `root`. */
export function shareState(home: string, root: string): string {
  return `${home}/shares/${crypto.createHash("sha256").update(root).digest("hex").slice(0, 24)}`;
}
