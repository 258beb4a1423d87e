/** The conditional headers of requests that change something. */
import { FerryError } from "../core/errors.ts";
import { evaluate, readConditions, type Validators } from "../http/conditional.ts";
import { fileEtag, plainEtags } from "../http/etag.ts";
import type { Exchange, Target } from "./share.ts";

/** Throws `precondition_failed` unless what is at `target` is what the request expects there. */
export function checkPreconditions(exchange: Exchange, target: Target): void {
  const conditions = readConditions(exchange.request.headers);
  if (conditions === undefined) return;
  if (conditions.ifMatch !== null) conditions.ifMatch = plainEtags(conditions.ifMatch);
  if (conditions.ifNoneMatch !== null) conditions.ifNoneMatch = plainEtags(conditions.ifNoneMatch);
  if (evaluate(conditions, validatorsOf(target), { reading: false }) === "failed") {
    throw new FerryError("precondition_failed", "what is at this path is not what the request expects");
  }
}

/** As a GET of the target would show them: of a link, those of what it leads to. */
function validatorsOf(target: Target): Validators | null {
  if (target.info === null) return null;
  const info = target.info.isSymlink ? Deno.statSync(target.real) : target.info;
  const mtime = info.mtime?.getTime() ?? null;
  return { etag: info.isFile ? etagOf(info) : null, mtime };
}

/** The entity tag of the file that `info` tells of. */
export function etagOf(info: Pick<Deno.FileInfo, "size" | "mtime" | "ino" | "dev">): string {
  return fileEtag({ size: info.size, mtime: info.mtime?.getTime() ?? 0, ino: info.ino, dev: info.dev });
}

/**
 * Whether a request to read a folder is answered 304. What is made of a folder has no validators: `If-Match: "x"` fails
 * on it (`precondition_failed`), and `If-None-Match: *` holds.
 */
export function isUnchangedFolder(headers: Headers): boolean {
  const verdict = evaluate(readConditions(headers), { etag: null, mtime: null }, { reading: true });
  if (verdict === "failed") throw new FerryError("precondition_failed", "a folder has no entity tag");
  return verdict === "not_modified";
}
