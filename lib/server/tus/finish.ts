/** The end of an upload: its bytes go where they belong, as if they had come by PUT. */
import { toUrlPath } from "../../core/paths.ts";
import { authorityOf } from "../../http/target.ts";
import { setTime } from "../../store/times.ts";
import { type BodyCheck, bodyCheck } from "../body_check.ts";
import { FerryError } from "../../core/errors.ts";
import { place } from "../put.ts";
import type { Exchange } from "../share.ts";
import { parseMetadata, readMtime } from "./metadata.ts";
import type { NewUpload, ShelvedUpload } from "./shelf.ts";

/** The PUT that an upload stands for: everything that holds for that one holds for it. */
export function placeOf(exchange: Exchange, upload: Pick<NewUpload, "path" | "conditions">): Exchange {
  const path = toUrlPath(upload.path);
  const headers = new Headers(upload.conditions);
  // HTTP/2 has it in the URL alone.
  headers.set("host", exchange.request.headers.get("host") ?? authorityOf(exchange.request.url));
  const request = new Request(`http://ferry${path}`, { method: "PUT", headers });
  return { ...exchange, request, method: "PUT", path, query: "" };
}

/**
 * Puts the file of a whole upload in its place, once it is on the disk. Throws what a PUT throws; then the bytes stay
 * for another try, unless they are not what they should be.
 */
export async function finish(exchange: Exchange, upload: ShelvedUpload): Promise<void> {
  const { shelf } = exchange.share.uploads;
  const { record, data } = upload;
  const check = bodyCheck(new Headers(record.conditions));
  try {
    await readThrough(data, check);
  } catch (error) {
    if (error instanceof FerryError && error.code === "checksum_mismatch") shelf.remove(upload);
    throw error;
  }
  {
    using file = await Deno.open(data);
    await file.sync();
  }
  const mtime = readMtime(parseMetadata(record.metadata));
  if (mtime !== null) setTime(data, mtime);
  record.placing = true;
  shelf.save(upload);
  await place(placeOf(exchange, record), data);
  upload.ended = true;
}

/** Shows all bytes of the file `path` to `check`. */
async function readThrough(path: string, check: BodyCheck): Promise<void> {
  if (!check.needed) return;
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1024 * 1024);
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) break;
    check.update(buffer.subarray(0, count));
  }
  check.verify();
}
