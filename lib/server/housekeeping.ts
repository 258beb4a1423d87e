/** What a server that may write to its share removes from `.ferry/`, at its start and every hour. */
import { removeStaleUploads } from "../store/write/stage.ts";
import { sweepUploads } from "./tus/shelf.ts";
import { pruneTrash, trashOf } from "../store/trash/times.ts";

const EVERY_MS = 60 * 60 * 1000;

/** Keeps the state of the share `root`, a real path, in order until it is disposed of; never throws. */
export function keepHouse(root: string): Disposable {
  const tidy = () => {
    removeStaleUploads(root);
    sweepUploads(root);
    pruneTrash(trashOf(root));
  };
  tidy();
  const timer = setInterval(tidy, EVERY_MS);
  Deno.unrefTimer(timer as unknown as number);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
