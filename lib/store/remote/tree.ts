/** A folder on a server as a tree, read line by line as the server lists it. */
import { again } from "../../client/fetch/again.ts";
import type { FileEntry, Tree } from "../../core/entry.ts";
import { FerryError } from "../../core/errors.ts";
import { DenseError, gunzipTree, GZIP_TYPE } from "../../wire/gzip.ts";
import { LineSplitter, TreeReader } from "../../wire/tree.ts";
import type { ServerCalls } from "./calls.ts";
import type { ScanOptions } from "../store.ts";

/** Everything below the folder. Throws when the server cannot read the folder itself, and `protocol`. */
export async function fetchTree(calls: ServerCalls, options: ScanOptions): Promise<Tree> {
  let told: Tree = new Map();
  const attempt = (gzip: boolean) => {
    // When it breaks off in the middle, nobody is told twice of what had come.
    const before = told;
    const onFile = options.onFile &&
      ((path: string, entry: FileEntry) => before.has(path) || options.onFile?.(path, entry));
    const reader = new TreeReader({ filter: options.filter, onFile });
    if (told.size === 0) told = reader.tree;
    return readTree(calls, reader, { ...options, gzip });
  };
  return await again(async () => {
    try {
      return await attempt(true);
    } catch (error) {
      // A tree of long paths may shrink so far. Plain, whoever wants to fill this memory has to send as much.
      if (error instanceof DenseError) return await attempt(false);
      throw error;
    }
  }, calls.stop);
}

async function readTree(
  calls: ServerCalls,
  tree: TreeReader,
  { filter, checksum, gzip }: ScanOptions & { gzip: boolean },
): Promise<Tree> {
  const query = Object.entries({ gzip, checksum, rules: filter?.rules }).filter(([, wanted]) => wanted);
  const response = await calls.send(`tree?${query.map(([name]) => `${name}=1`).join("&")}`);
  const lines = new LineSplitter();
  const exchange = calls.exchangeOf(response);
  try {
    const body = calls.received(response);
    const packed = response.headers.get("content-type") === GZIP_TYPE;
    if (packed && !gzip) {
      await response.body?.cancel();
      throw new FerryError("protocol", "a tree under gzip, which was not asked for");
    }
    for await (const chunk of packed ? gunzipTree(body) : body) {
      for (const line of lines.push(chunk)) {
        // A server that looks at a large tree for long says so in whole lines.
        exchange?.alive();
        tree.line(line);
      }
    }
    return tree.finish();
  } catch (error) {
    if (error instanceof DenseError) throw error;
    // The folder itself, which the server cannot read.
    const unread = error instanceof FerryError && error.code === "read_failed";
    throw unread ? new FerryError("read_failed", `${calls.label}: ${error.message}`) : calls.bodyError(error);
  }
}
