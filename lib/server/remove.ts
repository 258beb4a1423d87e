/** DELETE: a file, a link (itself, not what it leads to), or a folder with all that is in it. */
import { FerryError, osCode } from "../core/errors.ts";
import { parentPath } from "../core/paths.ts";
import { changeError, syncFolder } from "../store/write/stage.ts";
import { parseDepth } from "../http/dav_headers.ts";
import { guard } from "./dav/guard.ts";
import { checkPreconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { innerPath } from "../store/root.ts";
import { demandDeep, type Exchange, find, notFound, type Share } from "./share.ts";

/** Answers 204 once it is gone for everybody. */
export async function remove(exchange: Exchange): Promise<Reply> {
  const { share, access } = exchange;
  const target = find(exchange, exchange.path, { perm: "d", leaf: "keep" });
  if (target.path === "") throw new FerryError("forbidden", "the shared folder itself cannot be deleted");
  const { info, real } = target;
  if (info === null || !(info.isFile || info.isDirectory || info.isSymlink)) throw notFound();
  if (target.slash && info.isFile) throw notFound();
  if (info.isDirectory) {
    parseDepth(exchange.request.headers.get("depth"), ["infinity"]);
    demandDeep(access, "d", target.path);
    demandDeep(access, "d", innerPath(share.root, real));
  }
  checkPreconditions(exchange, target);
  guard(exchange, [{ kind: "tree", at: target }]);
  // At once, before anything can wait: what comes to the path next is something else.
  const gone = () => share.dav.removed(innerPath(share.root, real));
  try {
    if (info.isDirectory) {
      await removeFolder(share, real, gone);
    } else {
      Deno.removeSync(real);
      gone();
    }
  } catch (error) {
    throw changeError(error, target.path);
  }
  await syncFolder(parentPath(real) || "/");
  return { status: 204, headers: {}, body: null };
}

/** Renamed into the stage first, so that it vanishes as a whole however long the removal takes; then `gone` is told. */
async function removeFolder(share: Share, real: string, gone: () => void): Promise<void> {
  const staged = share.staging.take();
  try {
    Deno.renameSync(real, staged);
    gone();
    await Deno.remove(staged, { recursive: true });
  } catch (error) {
    // On a file system of its own it cannot be renamed: then piece by piece.
    if (osCode(error) !== "EXDEV") throw error;
    await Deno.remove(real, { recursive: true });
    gone();
  } finally {
    share.staging.giveBack(staged);
  }
}
