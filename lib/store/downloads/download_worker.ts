/** The thread that writes small downloads. */
import { packError } from "../../core/packed_error.ts";
import { SmallFiles } from "./small_files.ts";
import type { DownloadAnswer, DownloadCall } from "./thread.ts";

/** The part of a worker's global scope that this uses. */
interface Scope {
  onmessage: ((event: MessageEvent<DownloadCall>) => void) | null;
  postMessage(answer: DownloadAnswer, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
const files = new SmallFiles();

scope.onmessage = async ({ data: { id, batch } }) => {
  try {
    const result = await files.write(batch);
    scope.postMessage({ id, result }, [result.buffer]);
  } catch (error) {
    scope.postMessage({ id, error: packError(error) }, []);
  }
};
