/** Where the bodies of `ferry request` go. Throws `usage` for flags that contradict each other. */
import { FerryError, quote, writeError } from "../core/errors.ts";
import { PartFile } from "./part_file.ts";
import { remoteName } from "./remote_name.ts";
import { type Out, resolveOutput, type Sink, StreamSink } from "./sink.ts";

/** The flags that say where bodies go. */
export interface OutputFlags {
  output: string[];
  "remote-name": boolean;
  "output-dir": string | undefined;
}

/** The path as the user may read it back, for each URL, or null for standard output. */
export type OutputPlan = (url: URL, index: number) => string | null;

/** Checks the flags for `count` URLs and says where each body goes. */
export function planOutputs(flags: OutputFlags, count: number): OutputPlan {
  const { output, "remote-name": remote, "output-dir": dir } = flags;
  if (remote && output.length > 0) {
    throw new FerryError("usage", "--output and --remote-name cannot go together");
  }
  if (output.length > 0 && output.length !== count) {
    const many = `${output.length} --output for ${count} ${count === 1 ? "URL" : "URLs"}`;
    throw new FerryError("usage", `${many}: give each URL its own, or use --remote-name or --output-dir DIR`);
  }
  if (dir === "") throw new FerryError("usage", "--output-dir is empty");
  for (const name of output) {
    if (name === "") throw new FerryError("usage", "--output is empty");
    if (dir !== undefined && name.startsWith("/")) {
      throw new FerryError(
        "usage",
        `--output ${quote(name)} cannot lie in --output-dir: it starts with a slash`,
      );
    }
  }
  const inDir = (name: string) => dir === undefined ? name : `${dir.replace(/(?<=.)\/+$/, "")}/${name}`;
  return (url, index) => {
    if (output.length > 0) return output[index] === "-" ? null : inDir(output[index]);
    return remote || dir !== undefined ? inDir(remoteName(url)) : null;
  };
}

/** The sink for `path`: a part that becomes the file, or a device or pipe as it is; `out` for null. */
export function openSink(path: string | null, out: Out): Sink {
  if (path === null) return new StreamSink(out);
  const target = resolveOutput(path);
  return target.ordinary ? new PartFile(target.path) : new StreamSink(deviceOut(target.path), path);
}

function deviceOut(path: string): Out {
  let file: Deno.FsFile | undefined;
  return {
    write(bytes) {
      try {
        file ??= Deno.openSync(path, { write: true });
        for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
      } catch (error) {
        throw writeError(error, path);
      }
    },
  };
}
