/** MOVE and COPY (RFC 4918 sections 9.8 and 9.9). */
import { FerryError, osCode } from "../core/errors.ts";
import { isWithin, parentPath } from "../core/paths.ts";
import { parseDestination } from "../http/destination.ts";
import { authorityOf } from "../http/target.ts";
import { changeError, syncFolder } from "../store/write/stage.ts";
import { parseDepth } from "../http/dav_headers.ts";
import { innerPath } from "../store/root.ts";
import { copyTree } from "./dav/copy_tree.ts";
import { type Change, guard } from "./dav/guard.ts";
import { checkPreconditions } from "./preconditions.ts";
import type { Reply } from "./reply.ts";
import { demand, demandDeep, type Exchange, find, notFound, type Target } from "./share.ts";

/** What is there, and where it goes. */
interface Transfer {
  source: Target;
  info: Deno.FileInfo;
  destination: Target;
}

/** Renames a file, link or folder; a folder that is replaced goes as a whole. */
export async function move(exchange: Exchange): Promise<Reply> {
  const transfer = readTransfer(exchange, "d");
  const { source, info, destination } = transfer;
  if (info.isDirectory) parseDepth(exchange.request.headers.get("depth"), ["infinity"]);
  demandMove(exchange, transfer);
  checkPreconditions(exchange, source);
  guard(exchange, [{ kind: "tree", at: source }, changeAt(destination)]);
  const { dav, root } = exchange.share;
  try {
    await replace(exchange, transfer, () => {
      if (isSameFile(info, destination.info)) Deno.removeSync(source.real); // rename() of two links to one file does nothing
      else if (info.isFile) exchange.share.staging.place(source.real, destination.real);
      else Deno.renameSync(source.real, destination.real);
      dav.moved(innerPath(root, source.real), innerPath(root, destination.real));
    });
  } catch (error) {
    throw acrossOr(error, destination.path);
  }
  await Promise.all([source, destination].map(({ real }) => syncFolder(parentPath(real) || "/")));
  return done(exchange, destination);
}

/** Copies a file, or a folder with what is served of it, through the stage. */
export async function copy(exchange: Exchange): Promise<Reply> {
  const { staging, dav, root } = exchange.share;
  const depth = parseDepth(exchange.request.headers.get("depth"), ["infinity", "0"]);
  const deep = depth === "infinity";
  const before = readCopy(exchange, deep);
  const staged = staging.take();
  try {
    await copyInto(exchange, before, { staged, deep });
    // Again: much may have happened while the bytes were copied.
    const { source, info, destination } = readCopy(exchange, deep);
    if (info.isDirectory !== before.info.isDirectory) throw new FerryError("conflict", "it is being changed");
    await replace(exchange, { source, info, destination }, () => {
      if (info.isDirectory) Deno.renameSync(staged, destination.real);
      else staging.place(staged, destination.real);
      dav.copied(innerPath(root, source.real), innerPath(root, destination.real), deep);
    });
    await syncFolder(parentPath(destination.real) || "/");
    return done(exchange, destination);
  } catch (error) {
    throw acrossOr(error, before.destination.path);
  } finally {
    staging.giveBack(staged);
  }
}

/** Finds both ends of a COPY that may be done. */
function readCopy(exchange: Exchange, deep: boolean): Transfer {
  const transfer = readTransfer(exchange, "r");
  const { source, info, destination } = transfer;
  if (info.isDirectory && deep) {
    demandDeep(exchange.access, "r", source.path);
    demandDeep(exchange.access, "r", innerPath(exchange.share.root, source.real));
    demandDeep(exchange.access, "w", destination.path);
  }
  checkPreconditions(exchange, source);
  guard(exchange, [changeAt(destination)]);
  return transfer;
}

async function copyInto(
  { share }: Exchange,
  { source, info }: Transfer,
  { staged, deep }: { staged: string; deep: boolean },
): Promise<void> {
  if (info.isDirectory) {
    return await copyTree(source.real, staged, { hidden: share.hidden, deep, root: share.root });
  }
  await Deno.copyFile(source.real, staged);
  Deno.chmodSync(staged, (info.mode ?? 0o644) & 0o777);
  using file = await Deno.open(staged, { write: true });
  await file.sync();
}

function changeAt(destination: Target): Change {
  const { info } = destination;
  return { kind: info === null ? "member" : info.isDirectory ? "tree" : "content", at: destination };
}

function acrossOr(error: unknown, path: string): FerryError {
  if (osCode(error) === "EXDEV") {
    return new FerryError("conflict", "the two paths are on different file systems of the server");
  }
  return changeError(error, path);
}

function done({ mounted }: Exchange, destination: Target): Reply {
  if (destination.info !== null) return { status: 204, headers: {}, body: null };
  const location = mounted.urlOf(destination.path, destination.slash);
  return { status: 201, headers: { location }, body: null };
}

/** Finds both ends, with all that must hold whatever the method is. */
function readTransfer(exchange: Exchange, perm: "r" | "d"): Transfer {
  const source = find(exchange, exchange.path, { perm, leaf: perm === "d" ? "keep" : "follow" });
  const { info } = source;
  if (source.path === "") throw new FerryError("forbidden", "the shared folder itself stays where it is");
  if (info === null || !(info.isFile || info.isDirectory || info.isSymlink)) throw notFound();
  if (source.slash && info.isFile) throw notFound();
  const destination = find(exchange, destinationPath(exchange), { perm: "w", leaf: "keep" });
  if (destination.path === "" || destination.real === source.real) {
    throw new FerryError("forbidden", "source and destination are the same, or the shared folder itself");
  }
  if (isWithin(destination.real, source.real) || isWithin(source.real, destination.real)) {
    throw new FerryError("conflict", "one of the two paths lies within the other");
  }
  if (destination.slash && !info.isDirectory && !destination.info?.isDirectory) {
    throw new FerryError("conflict", "the Destination ends with a slash, and a file has none");
  }
  checkDestination(exchange, destination);
  return { source, info, destination };
}

function destinationPath({ request: { headers, url }, mounted }: Exchange): string {
  const header = headers.get("destination");
  if (header === null) throw new FerryError("bad_request", "the Destination header is missing");
  const destination = parseDestination(header, headers.get("host") ?? authorityOf(url));
  if (destination.kind === "path") {
    const inside = mounted.inside(destination.path);
    if (inside !== null) return inside;
    throw new FerryError("forbidden", "the Destination lies in another share: get it and put it there");
  }
  const why = destination.kind === "elsewhere" ? "names another server" : "is neither a path nor a URL";
  throw new FerryError("bad_request", `the Destination header ${why}`);
}

function checkDestination({ request: { headers }, access }: Exchange, destination: Target): void {
  const overwrite = headers.get("overwrite") ?? "T";
  if (!/^[TF]$/i.test(overwrite)) throw new FerryError("bad_request", "the Overwrite header must be T or F");
  if (destination.info === null) {
    const parent = statOrNull(parentPath(destination.real) || "/");
    if (!parent?.isDirectory) throw new FerryError("conflict", "the folder of the Destination is not there");
    return;
  }
  if (overwrite.toUpperCase() === "F") {
    throw new FerryError("precondition_failed", "the Destination is there already");
  }
  // The folder that has to give way is deleted, with all that is in it.
  if (destination.info.isDirectory) demandDeep(access, "d", destination.path);
}

/** A move must not be a way to read what may not be read, nor to reach over a rule inside the folder. */
function demandMove({ access }: Exchange, { source, info, destination }: Transfer): void {
  if (info.isDirectory) {
    demandDeep(access, "d", source.path);
    demandDeep(access, "w", destination.path);
    if (access.can("r", destination.path)) demandDeep(access, "r", source.path);
  } else if (access.can("r", destination.path)) {
    demand(access, "r", source.path);
  }
}

/** Runs `put`, which puts something at the destination; a folder in the way is set aside first, and back on failure. */
async function replace({ share }: Exchange, { info, destination }: Transfer, put: () => void): Promise<void> {
  if (destination.info === null || (!destination.info.isDirectory && !info.isDirectory)) {
    put();
    return;
  }
  const aside = share.staging.take();
  try {
    Deno.renameSync(destination.real, aside);
    try {
      put();
    } catch (error) {
      Deno.renameSync(aside, destination.real);
      throw error;
    }
    await Deno.remove(aside, { recursive: true });
  } finally {
    share.staging.giveBack(aside);
  }
}

function isSameFile(a: Deno.FileInfo, b: Deno.FileInfo | null): boolean {
  return b !== null && a.isFile && b.isFile && a.ino === b.ino && a.dev === b.dev;
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
