/** Named pipes to read from. */
import { type PackedError, unpackError } from "../core/packed_error.ts";

/** Opens what is at `path`, of which `info` tells. Throws what the system says, or `read_failed`. */
export function openStream(path: string, info: Deno.FileInfo): Promise<Deno.FsFile> {
  return info.isFifo ? openPipe(path) : Deno.open(path);
}

/**
 * Opens the pipe at `path` when somebody writes to it. Deno 2.4 does nothing else while it opens one, not even end at
 * a Ctrl-C, so that a thread of its own waits. Throws `read_failed`.
 */
async function openPipe(path: string): Promise<Deno.FsFile> {
  const worker = new Worker(new URL("./pipe_worker.ts", import.meta.url), { type: "module" });
  try {
    const problem = await new Promise<PackedError | null>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(path);
    });
    if (problem !== null) throw unpackError(problem);
    // The writer may have gone again, but what it wrote is kept as long as the thread has the pipe open, too.
    using _writer = Deno.openSync(path, { read: true, write: true });
    return Deno.openSync(path);
  } finally {
    worker.terminate();
  }
}
