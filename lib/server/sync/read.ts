/** The calls of the sync API that read: what is there, the tree, and contents. */
import { FerryError } from "../../core/errors.ts";
import { checkedPath, childPath } from "../../core/paths.ts";
import { VERSION } from "../../core/version.ts";
import { PACK_BUFFERS } from "../../store/buffers.ts";
import type { Folder } from "../../store/index/folder.ts";
import { hashMemory, type LiveIndex } from "../../store/index/live_index.ts";
import { openContent, readOutcome, type ResumePoint } from "../../store/read/content.ts";
import { locate, StrictPaths } from "../../store/root.ts";
import { addChecksums, scanFolders } from "../../store/read/scan.ts";
import { SmallReader } from "../../store/read/small_reader.ts";
import { GZIP_TYPE, gzipStream } from "../../wire/gzip.ts";
import { HASHES_TYPE } from "../../wire/hashes.ts";
import { MAX_HASHED_FILES, MAX_PACK_BYTES, MAX_PACK_FILES, PACK_BYTES, PROTOCOL } from "../../wire/limits.ts";
import { parseFileList } from "../../wire/file_list.ts";
import type { Info } from "../../wire/info.ts";
import { PACK_TYPE, PackBuilder } from "../../wire/pack.ts";
import { type Content, type NoContent, streamContent } from "../../wire/stream.ts";
import { type Listing, TREE_TYPE } from "../../wire/tree.ts";
import { indexLines } from "./index_lines.ts";
import { hasVanished, identityOf } from "../../store/replica.ts";
import { innerPath } from "../../store/root.ts";
import { type Call, json, packResponse, queryBytes, queryNumber, readMessage, require } from "./call.ts";
import { streamHashes } from "./hashes.ts";
import { type Reach, reachOf, realPath, Unreachable } from "./reach.ts";
import { streamTree } from "./tree.ts";

/** Answers to the calls that read. Each throws FerryErrors for refusals. */
export interface SyncReads {
  info(call: Call): Response;
  tree(call: Call): Promise<Response>;
  pack(call: Call): Promise<Response>;
  hashes(call: Call): Promise<Response>;
  file(call: Call): Response;
}

/** What the calls that read share. */
export interface ReadOptions {
  index: LiveIndex;
  /** Packs being put together; others may wait for them. */
  packs: { busy: number };
  /** Whether a job may read a source. */
  offersJobs: (call: Call, source: string) => boolean;
  /** The state folder of this machine. */
  stateHome?: string;
}

/** The calls that read, with the memory that they share. */
export function createSyncReads({ index, packs, offersJobs, stateHome }: ReadOptions): SyncReads {
  const buffers = PACK_BUFFERS;

  function info(call: Call): Response {
    const { root, access, base, query } = call;
    const permissions = (["r", "w", "d", "s"] as const).filter((perm) => access.can(perm, base)).join("");
    if (permissions === "") require({ access, base }, "r", base);
    const found = locate(root, base).info;
    const kind = found === null ? "absent" : found.isDirectory ? "dir" : "file";
    const source = query.get("source");
    const jobs = source === null ? {} : { jobs: offersJobs(call, source) };
    const share = identityOf(root);
    const mark = share === null ? {} : { share };
    const lost = hasVanished(root, stateHome) ? { vanished: true } : {};
    const about = { ...mark, ...lost, ...jobs };
    return json({ ferry: VERSION, protocol: PROTOCOL, kind, permissions, ...about } satisfies Info);
  }

  async function tree(call: Call): Promise<Response> {
    const { query } = call;
    const reach = reachOf(call);
    const rules = query.get("rules") === "1";
    const checksum = query.get("checksum") === "1" ? await hashing(reach) : undefined;
    const known = checksum === undefined ? await indexed(reach) : null;
    const listings = known === null
      ? scanFolders(reach.folder, { ...reach, rules })
      : indexLines(index, known, { rules });
    const body = streamTree(listings, { checksum, busy: () => packs.busy > 0 });
    if (query.get("gzip") !== "1") return new Response(body, { headers: { "content-type": TREE_TYPE } });
    return new Response(gzipStream(body), { headers: { "content-type": GZIP_TYPE } });
  }

  /** The folder as the index knows it, when that is all that the call reaches. */
  async function indexed({ folder, links, visible }: Reach): Promise<Folder | null> {
    if (visible !== undefined || links !== "keep" || !await index.refresh()) return null;
    return index.folder(innerPath(index.root, folder));
  }

  /** What adds the SHA-256 to listings: from the index where the file is the one that was hashed. */
  async function hashing({ folder, links }: Reach): Promise<(listing: Listing) => Promise<void>> {
    await index.renew();
    const memory = hashMemory(index, innerPath(index.root, folder));
    return async (listing) => {
      await addChecksums(folder, listing, { links, memory });
      index.saveHashes();
    };
  }

  async function pack(call: Call): Promise<Response> {
    packs.busy++;
    try {
      return await readPackFiles(call);
    } finally {
      packs.busy--;
    }
  }

  async function readPackFiles(call: Call): Promise<Response> {
    // Before the body is taken, so that nobody sends one who may not read.
    require(call, "r", call.base);
    const files = parseFileList(await readMessage(call), MAX_PACK_FILES);
    const reach = reachOf(call);
    using reader = new SmallReader(reach.folder);
    const builder = new PackBuilder(buffers.take(PACK_BYTES + 512 * 1024));
    files.forEach((path, index) => {
      if (builder.length > MAX_PACK_BYTES / 2) {
        return builder.addProblem(index, "changed", "the pack became too large");
      }
      try {
        const meta = reader.read(realPath(reach, path), (size) => builder.contentBuffer(size));
        builder.finishFile({ index, ...meta });
      } catch (error) {
        const { code, message } = error instanceof Unreachable ? error : readOutcome(error);
        builder.addProblem(index, code, message);
      }
    });
    const bytes = builder.finish();
    // Left to the collector, the packs of a fast client would pile up to a hundred MB.
    const giveBack = () => buffers.give(bytes.buffer);
    call.completed?.then(giveBack, giveBack);
    return packResponse(bytes);
  }

  async function hashes(call: Call): Promise<Response> {
    require(call, "r", call.base);
    const files = parseFileList(await readMessage(call), MAX_HASHED_FILES);
    const reach = reachOf(call);
    const memory = hashMemory(index, innerPath(index.root, reach.folder));
    return new Response(streamHashes(reach, files, memory), { headers: { "content-type": HASHES_TYPE } });
  }

  function file(call: Call): Response {
    const path = checkedPath(call.query.get("file") ?? "");
    if (path === "") throw new FerryError("bad_request", "which file? It is named by the query's `file`");
    require(call, "r", childPath(call.base, path));
    const content = contentOf(reachOf(call), path, resumePoint(call));
    if (content.kind === "content") {
      return new Response(streamContent(content, 0), { headers: { "content-type": PACK_TYPE } });
    }
    const builder = new PackBuilder(new ArrayBuffer(4096));
    builder.addProblem(0, content.code, content.message);
    return packResponse(builder.finish());
  }

  return { info, tree, pack, hashes, file };
}

/** Where the client wants a file to go on, and of which version. */
function resumePoint(call: Call): ResumePoint | undefined {
  const offset = queryBytes(call, "offset");
  if (offset === undefined) return undefined;
  const [size, mtime] = [queryBytes(call, "size"), queryNumber(call, "mtime")];
  if (size === undefined || mtime === undefined) {
    throw new FerryError("bad_request", "an offset needs the size and mtime of the version that it is about");
  }
  return { offset, size, mtime };
}

function contentOf(reach: Reach, path: string, resume?: ResumePoint): Content | NoContent {
  try {
    return openContent(new StrictPaths(reach.folder), realPath(reach, path), resume);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return { kind: "problem", code: error.code, message: error.message };
  }
}
