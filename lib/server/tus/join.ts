/** Joins uploads to one (tus 1.0, "Concatenation"). */
import { FerryError } from "../../core/errors.ts";
import { demand, type Exchange } from "../share.ts";
import { finish } from "./finish.ts";
import type { NewUpload, ShelvedUpload } from "./shelf.ts";

/**
 * Makes the file that `told` tells of from the bytes of the uploads `ids`, in their order, and gives the name of the
 * upload that stands for it. Their bytes are gone then; but the same again gives the same answer, for clients that
 * missed the first. Throws `bad_request` for parts that are not whole, and what a PUT throws.
 */
export async function join(exchange: Exchange, told: NewUpload, ids: readonly string[]): Promise<string> {
  const { access, share: { uploads: { shelf, turns }, maxUpload = Infinity } } = exchange;
  // In one order for all, so that nobody waits for somebody who waits for him.
  const each = [...new Set(ids)].sort();
  for (const id of each) demand(access, "w", shelf.find(access.user, id).record.path);
  using held = new DisposableStack();
  for (const id of each) held.use(await turns.take(id));
  const parts = new Map(each.map((id) => [id, shelf.find(access.user, id)]));
  for (const part of parts.values()) {
    if (part.record.concat !== "partial" || part.offset !== part.record.length) {
      throw new FerryError("bad_request", "Upload-Concat names an upload that is no part, or is not whole");
    }
  }
  if ([...parts.values()].some((part) => part.ended)) {
    const { path, concat } = told;
    const before = concat === null ? null : shelf.findJoined(access.user, { path, concat });
    if (before !== null) return before;
    throw new FerryError("gone", "Upload-Concat names a part that was joined before");
  }
  const length = ids.reduce((sum, id) => sum + parts.get(id)!.offset, 0);
  if (length > maxUpload) {
    throw new FerryError("too_large", `this server stores files of at most ${maxUpload} bytes`);
  }
  const upload = shelf.add(access.user, { ...told, length });
  try {
    await copyParts(ids.map((id) => parts.get(id)!), upload);
    upload.offset = length;
    await finish(exchange, upload);
  } catch (error) {
    shelf.remove(upload);
    throw error;
  }
  for (const part of parts.values()) shelf.empty(part);
  return upload.id;
}

/** Writes the bytes of `parts` one after the other. */
async function copyParts(parts: readonly ShelvedUpload[], whole: ShelvedUpload): Promise<void> {
  using to = await Deno.open(whole.data, { write: true });
  const buffer = new Uint8Array(1024 * 1024);
  for (const part of parts) {
    using from = await Deno.open(part.data);
    let left = part.offset;
    while (left > 0) {
      const count = await from.read(buffer.subarray(0, Math.min(buffer.length, left)));
      if (count === null) throw new FerryError("internal", "bytes of a part are gone");
      for (let written = 0; written < count;) written += await to.write(buffer.subarray(written, count));
      left -= count;
    }
  }
}
