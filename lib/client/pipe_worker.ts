/** The thread that waits until somebody writes to a named pipe. It is ended when the pipe is open elsewhere. */
import { readError } from "../core/errors.ts";
import { type PackedError, packError } from "../core/packed_error.ts";

/** The part of a worker's global scope that this uses. */
interface Scope {
  onmessage: ((event: MessageEvent<string>) => void) | null;
  postMessage(problem: PackedError | null): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data: path }) => {
  try {
    Deno.openSync(path);
    scope.postMessage(null);
  } catch (error) {
    scope.postMessage(packError(readError(error, path)));
  }
};
