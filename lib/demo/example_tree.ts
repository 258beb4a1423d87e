/** A real tree to show things on: the files of a package from the npm registry. */
import { FerryError, quote } from "../core/errors.ts";

/** Pinned, so that every demo shows the same tree. */
export const EXAMPLE_PACKAGE = "typescript@5.9.3";

/** Brings the package into `dir` with npm and gives the folder of its files. Throws `partly_done` when that fails. */
export async function bringPackage(dir: string): Promise<string> {
  const hint = "; `ferry demo --from DIR` works on a folder of yours instead";
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("npm", {
      args: [
        "install",
        "--prefix",
        dir,
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        EXAMPLE_PACKAGE,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch {
    throw new FerryError("partly_done", `npm is needed to bring ${EXAMPLE_PACKAGE} and is not there${hint}`);
  }
  if (!output.success) {
    const said = new TextDecoder().decode(output.stderr).trim().split("\n").slice(-3).join("; ");
    throw new FerryError("partly_done", `npm could not bring ${EXAMPLE_PACKAGE}: ${quote(said)}${hint}`);
  }
  return `${dir}/node_modules/${EXAMPLE_PACKAGE.slice(0, EXAMPLE_PACKAGE.lastIndexOf("@"))}`;
}
