/** MKCOL: makes one folder (RFC 4918 section 9.3). */
import { FerryError } from "../core/errors.ts";
import { parentPath } from "../core/paths.ts";
import { changeError, syncFolder } from "../store/write/stage.ts";
import { innerPath } from "../store/root.ts";
import { guard } from "./dav/guard.ts";
import { HttpError } from "./failure.ts";
import { ALLOWED } from "./methods.ts";
import { checkPreconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, find } from "./share.ts";

/** Answers 201; 405 where something is, 409 without a parent, 415 to a body. */
export async function mkcol(exchange: Exchange): Promise<Reply> {
  const { headers } = exchange.request;
  const target = find(exchange, exchange.path, { perm: "w", leaf: "keep" });
  if (target.info !== null) {
    throw new HttpError("method_not_allowed", "something is there already", { allow: ALLOWED });
  }
  if (headers.get("transfer-encoding") !== null || (headers.get("content-length") ?? "0") !== "0") {
    throw new FerryError("unsupported_media_type", "MKCOL takes no body");
  }
  checkPreconditions(exchange, target);
  guard(exchange, [{ kind: "member", at: target }]);
  try {
    Deno.mkdirSync(target.real);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new FerryError("conflict", "its parent folder is not there");
    }
    throw changeError(error, target.path);
  }
  const { dav, root } = exchange.share;
  dav.created(innerPath(root, target.real));
  await syncFolder(parentPath(target.real) || "/");
  return { status: 201, headers: { location: exchange.mounted.urlOf(target.path, true) }, body: null };
}
