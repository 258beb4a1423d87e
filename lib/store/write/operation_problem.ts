/** What stands in the way of an operation, as its outcome. */
import { FerryError, isDiskFull, osCode, osReason, writeError } from "../../core/errors.ts";
import { sameVersion, type Version, versionOf } from "../../core/entry.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { entryOf } from "../read/scan.ts";

/** What is at the absolute path `full` now: `other` for what cannot be replicated. Throws what the system says. */
export function versionAt(full: string): Version | "other" {
  try {
    const entry = entryOf(Deno.lstatSync(full), full);
    return entry.kind === "problem" ? "other" : versionOf(entry);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Null when `actual` is what an operation expects, else `conflict`. */
export function compareVersions(expected: Version, actual: Version | "other"): Outcome {
  if (actual !== "other" && sameVersion(expected, actual)) return null;
  const what = actual === null
    ? "it is gone"
    : expected === null
    ? "something is there now"
    : "it changed meanwhile";
  return conflict(`${what}; left as it is`);
}

/** What one failed operation means for its path. A full disk ends the run instead: throws `disk_full`. */
export function operationProblem(error: unknown, root: string): Outcome {
  if (isDiskFull(error)) throw writeError(error, root);
  if (error instanceof FerryError) {
    if (error.code === "gone") return { code: "missing", message: error.message };
    return { code: error.code === "conflict" ? "conflict" : "write_failed", message: error.message };
  }
  const code = osCode(error);
  if (code === "EEXIST" || error instanceof Deno.errors.AlreadyExists) {
    return conflict("something is there now; left as it is");
  }
  if (code === "ENOTDIR") return conflict("its folder is not there");
  if (code === "ENOTEMPTY") {
    return conflict("the folder holds something that the plan did not know of; left as it is");
  }
  return { code: "write_failed", message: `cannot write it: ${osReason(error)}` };
}

function conflict(message: string): Outcome {
  return { code: "conflict", message };
}
