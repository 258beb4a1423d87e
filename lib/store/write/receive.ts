/** Writes content of any size into a file of the stage, from its beginning or from where an earlier attempt stopped. */
import { FerryError } from "../../core/errors.ts";
import { writeFully } from "../../core/file_bytes.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { runsOf } from "../../wire/holes.ts";
import type { Content } from "../../wire/stream.ts";
import { readBeginning } from "../read/content.ts";
import { writing } from "./stage.ts";
import { setTime } from "../times.ts";
import { removeQuietly } from "../quiet.ts";

/**
 * Writes `content` to `path` and gives the file its permission bits and time. What is at `path` of content that comes
 * without its beginning is used for that. With `keep`, what came is left there when this throws, but for a full disk.
 */
export async function receive(content: Content, path: string, keep: boolean): Promise<Outcome> {
  const offset = content.rest?.offset ?? 0;
  const file = open(path, offset);
  if (file === null) return { code: "missing", message: "what had come of it is gone" };
  let pending: Promise<void> | undefined;
  try {
    if (content.rest?.kind === "peer") await readBeginning(path, offset, content.rest.seed);
    for (let chunk = await content.next(); chunk !== null; chunk = await content.next()) {
      const bytes = chunk;
      await pending;
      if (content.meta.sparse) writing(path, () => writeSparse(file, bytes));
      else if (!content.lasting || bytes.length < BESIDE_BYTES) writing(path, () => writeFully(file, bytes));
      else {
        pending = writeBeside(file, bytes).catch((error) =>
          writing(path, () => {
            throw error;
          })
        );
        // It is awaited before the next write, whatever `next` throws before that.
        pending.catch(() => {});
      }
    }
    await pending;
    const outcome = content.outcome();
    if (outcome !== null) return outcome;
    writing(path, () => {
      // A hole at the end was only gone over.
      if (content.meta.sparse) file.truncateSync(content.meta.size);
      Deno.chmodSync(path, content.meta.mode);
      setTime(file, content.meta.mtime);
    });
    return null;
  } catch (error) {
    const trouble = error instanceof FerryError &&
      (error.code === "disk_full" || error.code === "write_failed");
    if (!keep || trouble) removeQuietly(path);
    throw error;
  } finally {
    await pending?.catch(() => {});
    file.close();
  }
}

/** Shorter pieces cost more to hand over than to write. */
const BESIDE_BYTES = 64 * 1024;

/** Writes all of `bytes` on a thread of the runtime, so that the next ones can be made meanwhile. */
async function writeBeside(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const count = await file.write(written === 0 ? bytes : bytes.subarray(written));
    if (count === 0) throw new FerryError("write_failed", "the file took no more bytes");
    written += count;
  }
}

/** Writes all of `bytes` but the blocks of zeros, which stay holes. */
function writeSparse(file: Deno.FsFile, bytes: Uint8Array): void {
  for (const run of runsOf(bytes)) {
    if (run.hole) file.seekSync(run.bytes.length, Deno.SeekMode.Current);
    else writeFully(file, run.bytes);
  }
}

/** The file at `path`, to be written from `offset` on; null when so much of it is not there. */
function open(path: string, offset: number): Deno.FsFile | null {
  if (offset === 0) {
    // Before, nobody but its owner shall read it.
    return writing(
      path,
      () => Deno.openSync(path, { write: true, create: true, truncate: true, mode: 0o600 }),
    );
  }
  let file: Deno.FsFile;
  try {
    // It may be whole already and bear the mode of its source.
    Deno.chmodSync(path, 0o600);
    file = Deno.openSync(path, { read: true, write: true });
  } catch {
    return null;
  }
  if (file.statSync().size < offset) {
    file.close();
    return null;
  }
  file.truncateSync(offset);
  file.seekSync(offset, Deno.SeekMode.Start);
  return file;
}
