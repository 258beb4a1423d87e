/** Where the bodies of `ferry request` go. Throws `usage` for flags that contradict each other. */
import { FerryError, quote } from "../core/errors.ts";
import type { Job } from "./jobs/job.ts";
import { PartFile } from "./parts/part_file.ts";
import { remoteName } from "./remote_name.ts";
import { checkParent, type Out, resolveOutput, type Sink, statOrNull, StreamSink } from "./sink.ts";

/** The flags that say where bodies go. */
export interface OutputFlags {
  output: string[];
  "remote-name": boolean;
  "remote-header-name": boolean;
  "output-dir": string | undefined;
  overwrite: boolean | undefined;
}

/**
 * The path as the user may read it back, for each URL, or null for standard output. One that is empty or ends in a
 * slash is a folder, in which the server chooses the name. Throws `usage`.
 */
export type OutputPlan = (url: URL, job: Job) => string | null;

/**
 * Checks the flags for URLs that were given, each of which stands for so many of `counts`, and says where each body
 * goes.
 */
export function planOutputs(flags: OutputFlags, counts: readonly number[]): OutputPlan {
  const { output, "remote-name": remote, "remote-header-name": byServer, "output-dir": dir } = flags;
  if ((remote || byServer) && output.length > 0) {
    const flag = byServer ? "--remote-header-name" : "--remote-name";
    throw new FerryError("usage", `--output and ${flag} cannot go together`);
  }
  const count = counts.length;
  if (output.length > 0 && count === 0) {
    throw new FerryError(
      "usage",
      '--output is for the URLs of the command line; a line of --input has "output"',
    );
  }
  if (output.length > 0 && output.length !== count) {
    const many = `${output.length} --output for ${count} ${count === 1 ? "URL" : "URLs"}`;
    throw new FerryError("usage", `${many}: give each URL its own, or use --remote-name or --output-dir DIR`);
  }
  if (dir === "") throw new FerryError("usage", "--output-dir is empty");
  for (const name of output) {
    if (name === "") throw new FerryError("usage", "--output is empty");
    checkFile(name);
    if (dir !== undefined && name.startsWith("/")) {
      throw new FerryError(
        "usage",
        `--output ${quote(name)} cannot lie in --output-dir: it starts with a slash`,
      );
    }
  }
  const base = dir?.replace(/(?<=.)\/+$/, "");
  const inDir = (name: string) => base === undefined ? name : `${base}/${name}`;
  for (const [slot, name] of output.entries()) {
    if (counts[slot] > 1) checkMany(name === "-" ? null : inDir(name), counts[slot]);
  }
  return (url, { output: own, slot, parts }) => {
    const named = own ?? (slot === undefined ? undefined : output.at(slot));
    if (named === "-" || own === null) return null;
    if (named !== undefined) return inDir(checkFile(own === undefined ? fillParts(named, parts) : named));
    if (byServer) return inDir("");
    return remote || dir !== undefined ? inDir(remoteName(url)) : null;
  };
}

/** Whether a path of an `OutputPlan` leaves the name to the server. */
export function isFolder(path: string): boolean {
  return path === "" || path.endsWith("/");
}

/** `output` with what `parts` are in place of `#1`, `#2` and so on. */
export function fillParts(output: string, parts: readonly string[] = []): string {
  return output.replace(/#(\d+)/g, (whole, number) => parts[Number(number) - 1] ?? whole);
}

/** `name`. Throws `usage` when it can only be a folder's. */
function checkFile(name: string): string {
  if (!name.endsWith("/")) return name;
  throw new FerryError(
    "usage",
    `--output ${quote(name)} is the name of a folder; --output-dir DIR takes one`,
  );
}

/** Throws `usage` when so many bodies would all become the file `path`. */
function checkMany(path: string | null, count: number): void {
  if (path === null || /#[1-9]/.test(path) || statOrNull(path, path)?.isFile === false) return;
  throw new FerryError(
    "usage",
    `--output ${
      quote(path)
    } is one file for ${count} URLs: put #1 into its name, which stands for what the first ` +
      "[...] or {...} of the URL is",
  );
}

export interface SinkOptions {
  /** Whether a file of that name is replaced, else a number is added; undefined: only one that the user has named. */
  overwrite?: boolean;
  /** Standard output is a terminal, and what it must not get to see is to be kept from it. */
  terminal?: boolean;
  /** The server has named a file that replaces one of its name: may it be written? Throws when not. */
  onNamed?: (path: string) => void;
}

/** The sink for `path`: a part that becomes the file, or a device or pipe as it is; `out` for null. */
export async function openSink(path: string | null, out: Out, options: SinkOptions = {}): Promise<Sink> {
  if (path === null) {
    if (!options.terminal) return new StreamSink(out);
    const { TerminalSink } = await import("./terminal_sink.ts");
    return new TerminalSink(out);
  }
  if (isFolder(path)) {
    checkParent(path);
    const { ServerNamedFile } = await import("./parts/server_named_file.ts");
    return new ServerNamedFile(path, { replace: options.overwrite ?? false, onNamed: options.onNamed });
  }
  const target = resolveOutput(path);
  if (!target.ordinary) {
    const { DeviceOut } = await import("./device_out.ts");
    return new StreamSink(new DeviceOut(target.path), path);
  }
  // Through a link only what is replaced is written.
  return options.overwrite === false ? new PartFile(path, { replace: false }) : new PartFile(target.path);
}
