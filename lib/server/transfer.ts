/** MOVE and COPY (RFC 4918 sections 9.8 and 9.9). */
import { FerryError, osCode } from "../core/errors.ts";
import { isWithin, parentPath, toUrlPath } from "../core/paths.ts";
import { parseDestination } from "../http/destination.ts";
import { changeError, syncFolder } from "../store/write/stage.ts";
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
  demandMove(exchange, transfer);
  checkPreconditions(exchange, source);
  try {
    await replace(exchange, transfer, () => {
      if (isSameFile(info, destination.info)) Deno.removeSync(source.real); // rename() of two links to one file does nothing
      else if (info.isFile) exchange.share.staging.place(source.real, destination.real);
      else Deno.renameSync(source.real, destination.real);
    });
  } catch (error) {
    if (osCode(error) === "EXDEV") {
      throw new FerryError("conflict", "the two paths are on different file systems of the server");
    }
    throw changeError(error, destination.path);
  }
  await Promise.all([source, destination].map(({ real }) => syncFolder(parentPath(real) || "/")));
  return done(destination);
}

/** Copies a file, through the stage. */
export async function copy(exchange: Exchange): Promise<Reply> {
  const { staging } = exchange.share;
  const before = readTransfer(exchange, "r");
  if (before.info.isDirectory) throw new FerryError("forbidden", "this server copies files, not folders");
  checkPreconditions(exchange, before.source);
  const staged = staging.take();
  try {
    await Deno.copyFile(before.source.real, staged);
    Deno.chmodSync(staged, (before.info.mode ?? 0o644) & 0o777);
    using file = await Deno.open(staged, { write: true });
    await file.sync();
    // Again: much may have happened while the bytes were copied.
    const transfer = readTransfer(exchange, "r");
    checkPreconditions(exchange, transfer.source);
    await replace(exchange, transfer, () => staging.place(staged, transfer.destination.real));
    await syncFolder(parentPath(transfer.destination.real) || "/");
    return done(transfer.destination);
  } catch (error) {
    throw changeError(error, before.destination.path);
  } finally {
    staging.giveBack(staged);
  }
}

function done(destination: Target): Reply {
  if (destination.info !== null) return { status: 204, headers: {}, body: null };
  const location = toUrlPath(destination.path, destination.slash);
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

function destinationPath({ request: { headers } }: Exchange): string {
  const header = headers.get("destination");
  if (header === null) throw new FerryError("bad_request", "the Destination header is missing");
  const destination = parseDestination(header, headers.get("host"));
  if (destination.kind === "path") return destination.path;
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
