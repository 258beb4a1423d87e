/** MKCOL: makes one folder (RFC 4918 section 9.3). */
import { FerryError } from "../core/errors.ts";
import { parentPath } from "../core/paths.ts";
import { changeError, syncFolder } from "../store/write/stage.ts";
import { innerPath } from "../store/root.ts";
import { guard } from "./dav/guard.ts";
import { HttpError } from "./failure.ts";
import { ALLOWED } from "./methods.ts";
import { patientBody } from "./patient_body.ts";
import { checkPreconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { type Exchange, find, type Target } from "./share.ts";

/** Answers 201; 405 where something is, 409 without a parent, 415 to a body. */
export async function mkcol(exchange: Exchange): Promise<Reply> {
  findPlace(exchange);
  if (await hasContent(exchange)) throw new FerryError("unsupported_media_type", "MKCOL takes no body");
  // From here to the change nothing waits.
  const target = findPlace(exchange);
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

/** Where the folder will be; throws unless it may and can be there. */
function findPlace(exchange: Exchange): Target {
  const target = find(exchange, exchange.path, { perm: "w", leaf: "keep" });
  if (target.info !== null) {
    throw new HttpError("method_not_allowed", "something is there already", { allow: ALLOWED });
  }
  checkPreconditions(exchange, target);
  guard(exchange, [{ kind: "member", at: target }]);
  return target;
}

/** Whether a body has anything in it: the headers alone do not tell, over HTTP/2 and from one worker to another. */
async function hasContent({ request: { headers, body }, share }: Exchange): Promise<boolean> {
  if (Number(headers.get("content-length") ?? 0) > 0) return true;
  if (body === null) return false;
  const reader = patientBody(body, share.patience).getReader();
  const { value } = await reader.read().catch((error) => {
    throw error instanceof FerryError ? error : new FerryError("bad_request", "the body broke off");
  });
  if (value !== undefined) reader.cancel().catch(() => {});
  return value !== undefined;
}
