/** The filters of the command line as one list of patterns; reads the files that it names. */
import { FerryError, osReason, quote } from "../core/errors.ts";
import { patternProblem, patternsOf } from "./pattern.ts";

/** What was given on the command line. */
export interface FilterFlags {
  include: readonly string[];
  exclude: readonly string[];
  /** Files with patterns. */
  from: readonly string[];
}

/** Far more than anybody writes; it shall not be a disk image by mistake. */
const MAX_FILE_BYTES = 1024 * 1024;

/** The patterns, those that win last. Throws `usage`, naming the flag, or the file and line. */
export function readFilterFlags({ include, exclude, from }: FilterFlags): string[] {
  return [
    ...from.flatMap(readFile),
    ...exclude.map((glob) => {
      if (glob.startsWith("!")) {
        throw new FerryError("usage", `--exclude ${quote(glob)}: to take something back, use --include`);
      }
      return checked(literal(glob), `--exclude ${quote(glob)}`);
    }),
    ...include.map((glob) => "!" + checked(literal(glob), `--include ${quote(glob)}`)),
  ];
}

function readFile(path: string): string[] {
  let bytes: Uint8Array;
  try {
    if (Deno.statSync(path).size > MAX_FILE_BYTES) throw new Error("it is larger than 1 MiB");
    bytes = Deno.readFileSync(path);
  } catch (error) {
    throw new FerryError("usage", `--filter-from ${quote(path)}: cannot read it: ${osReason(error)}`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FerryError("usage", `--filter-from ${quote(path)}: it is not valid UTF-8`);
  }
  return patternsOf(text).map(({ line, pattern }) => checked(pattern, `${quote(path)}, line ${line}`));
}

/** A glob is all of its argument: a hash begins no comment and a space at the end counts. */
function literal(glob: string): string {
  return glob.replace(/^(?=[#!])/, "\\").replace(/(?<!\\)(?: +)$/, (spaces) => "\\ ".repeat(spaces.length));
}

function checked(pattern: string, where: string): string {
  const trouble = patternProblem(pattern);
  if (trouble !== null) throw new FerryError("usage", `${where}: ${trouble}`);
  return pattern;
}
