/** The server's side of the sync API (docs/protocol.md): `/.ferry/v1/...`. */
import { FerryError } from "../../core/errors.ts";
import { PROTOCOL } from "../../wire/limits.ts";
import type { SyncApi as SyncHandler } from "../handler.ts";
import { LiveIndex, type LiveIndexOptions } from "../../store/index/live_index.ts";
import { markReplica } from "../../store/replica.ts";
import type { Capabilities } from "../capability.ts";
import type { PathLocks } from "../dav/path_locks.ts";
import { PATIENCE, type Patience } from "../patient_body.ts";
import { bodyMemory, type Call, folderIn } from "./call.ts";
import { createSyncHeads } from "./head.ts";
import { createSyncJobs, type JobsConfig } from "./jobs.ts";
import { createSyncDeltas } from "./delta.ts";
import { createSyncReads } from "./read.ts";
import { createSyncSessions } from "./session.ts";
import { PushSessions } from "./sessions.ts";
import { issueToken } from "./token.ts";
import { createSyncWrites } from "./write.ts";

/** The sync API of one share. */
export interface SyncApi {
  /** Answers one call. Throws FerryErrors for refusals. */
  handle: SyncHandler;
  /** How many pushes and jobs are under way. */
  busy(): number;
  /** Ends the answers that stay open for the length of a push; to be called before the server waits for its answers. */
  hangUp(): void;
  /** Drops every push under way. */
  close(): Promise<void>;
}

/** Beside what the index needs: */
export interface SyncApiOptions extends Pick<LiveIndexOptions, "dir" | "warn"> {
  /** Where tokens come from; without it there are none. */
  capabilities?: Capabilities;
  /** What jobs need; without it there are none. */
  jobs?: JobsConfig;
  /** The state folder of this machine, to remember that the share is a replica. */
  stateHome?: string;
  /** What WebDAV clients have locked; absent where there is no WebDAV. */
  locks?: PathLocks;
  /** How long it waits for bodies. */
  patience?: Patience;
}

/** The API for the share at `root`, a real path. */
export function createSyncApi(root: string, options: SyncApiOptions): SyncApi {
  const { capabilities, dir, warn, stateHome, locks, patience = PATIENCE } = options;
  const sessions = new PushSessions(root, {
    mark: (share) => markReplica(share, stateHome, index.replica),
    warn,
  });
  const jobs = options.jobs === undefined ? null : createSyncJobs(options.jobs, sessions);
  const memory = bodyMemory();
  const packs = { busy: 0 };
  const index = new LiveIndex(root, { dir, warn, busy: () => packs.busy > 0 });
  const offersJobs = (call: Call, source: string) => jobs?.offers(call, source) ?? false;
  const reads = createSyncReads({ index, packs, offersJobs, stateHome });
  const heads = createSyncHeads(index, stateHome);
  const pushes = createSyncSessions(sessions);
  const writes = createSyncWrites(sessions);
  const deltas = createSyncDeltas(sessions);

  async function handle(
    request: Request,
    { path: call, access, completed, mount = "", host }: Parameters<SyncHandler>[1],
  ): Promise<Response> {
    const mark = request.url.indexOf("?");
    const query = new URLSearchParams(mark === -1 ? "" : request.url.slice(mark + 1));
    const base = folderIn(query).slice(mount === "" ? 0 : mount.length + 1);
    const [name, ...rest] = call.split("/");
    const context: Call = {
      root,
      mount,
      host,
      request,
      query,
      access,
      base,
      completed,
      patience,
      memory,
      locks,
    };
    const route = `${request.method} ${name}/${rest.length}`;
    if (name !== "head" && name !== "changes") index.giveWay();
    if (capabilities !== undefined && route === "POST token/0") return issueToken(context, capabilities);
    if (jobs !== null && route === "POST jobs/0") return await jobs.start(context);
    if (jobs !== null && route === "PUT jobs/1") return await jobs.renew(context, rest[0]);
    switch (route) {
      case "GET info/0":
        return reads.info(context);
      case "GET tree/0":
        return await reads.tree(context);
      case "GET head/0":
        return await heads.head(context);
      case "GET changes/0":
        return await heads.changes(context);
      case "POST pack/0":
        return await reads.pack(context);
      case "POST hashes/0":
        return await reads.hashes(context);
      case "GET file/0":
        return reads.file(context);
      case "POST session/1":
        return await pushes.begin(context, rest[0]);
      case "GET session/1":
        return pushes.touch(context, rest[0]);
      case "POST finish/1":
        return await pushes.finish(context, rest[0]);
      case "DELETE session/1":
        return await pushes.end(context, rest[0]);
      case "GET stage/1":
        return writes.staged(context, rest[0]);
      case "PUT stage/1":
        return await writes.stage(context, rest[0]);
      case "PUT stage/2":
        return await writes.stageOne(context, rest[0], rest[1]);
      case "POST left/1":
        return await writes.left(context, rest[0]);
      case "POST commit/1":
        return await writes.commit(context, rest[0]);
      case "GET chunks/0":
        return deltas.chunks(context);
      case "POST delta/0":
        return await deltas.delta(context);
      case "POST delta/2":
        return await deltas.match(context, rest[0], rest[1]);
      case "PUT delta/2":
        return await deltas.assemble(context, rest[0], rest[1]);
      default:
        throw new FerryError(
          "not_found",
          `there is no ${request.method} ${call} in version ${PROTOCOL} of the sync API`,
        );
    }
  }

  function hangUp(): void {
    sessions.hangUp();
    index.hangUp();
  }

  async function close(): Promise<void> {
    index.close();
    await sessions.close();
  }

  return { handle, busy: () => sessions.count, hangUp, close };
}
