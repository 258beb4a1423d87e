/** The answer to `POST hashes`, written at the pace at which the client takes it. */
import { joined } from "../../core/joined.ts";
import { hashFiles } from "../../store/read/file_hashes.ts";
import type { HashMemory } from "../../store/read/scan.ts";
import { hashRecord, waitingRecord } from "../../wire/hashes.ts";
import { type Reach, realPath, Unreachable } from "./reach.ts";

/** Nothing is said for at most so long. */
const SILENCE_MS = 5000;

/** What is gathered before it is sent. */
const CHUNK_BYTES = 16 * 1024;

/** The hashes of `files`, paths below the folder of `reach`. */
export function streamHashes(
  reach: Reach,
  files: readonly string[],
  memory: HashMemory,
): ReadableStream<Uint8Array> {
  const digests = hashFiles(reach.folder, files, (path) => readablePath(reach, path), memory);
  let left = files.length;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const start = performance.now();
      const records: Uint8Array[] = [];
      for (let size = 0; size < CHUNK_BYTES && left > 0; size += 33) {
        const { value } = await digests.next();
        if (value !== undefined) {
          records.push(hashRecord(value));
          left--;
        } else if (performance.now() - start > SILENCE_MS) {
          records.push(waitingRecord());
          break;
        }
      }
      if (records.length > 0) controller.enqueue(joined(records));
      if (left === 0) controller.close();
    },
    cancel: () => void digests.return(undefined),
  }, { highWaterMark: 0 });
}

/** The real path of a file, null for one that may not be read. */
function readablePath(reach: Reach, path: string): string | null {
  try {
    return realPath(reach, path);
  } catch (error) {
    if (error instanceof Unreachable) return null;
    throw error;
  }
}
