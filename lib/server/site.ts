/** What answers requests: a handler with all that it stands on, made from settings. */
import type { AccessRecord } from "../http/access_log.ts";
import { formatCombined, formatJson } from "../http/access_log.ts";
import { corsPolicy } from "../http/cors.ts";
import { FerryError, quote } from "../core/errors.ts";
import { createAuthenticate } from "./authenticate.ts";
import { Capabilities } from "./capability.ts";
import { CodedFiles } from "./coded_files.ts";
import { PathLocks } from "./dav/path_locks.ts";
import { DavState } from "./dav/state.ts";
import { createHandler, type Handler, type SyncApi as SyncHandler } from "./handler.ts";
import { keepHouse } from "./housekeeping.ts";
import { isWritable, type ServerSettings } from "./settings.ts";
import { Staging } from "./staging.ts";
import type { Role } from "./sandbox.ts";
import type { SyncApi } from "./sync/api.ts";
import type { RunJob } from "./sync/jobs.ts";

/** A server without its sockets. */
export interface Site {
  handler: Handler;
  /** How many pushes and jobs are under way. */
  pushes(): number;
  /** Gives up the sync API; its calls are refused from now on. */
  retire(): Promise<void>;
  /** Ends the answers that stay open for the length of a push; to be called before answers are waited for. */
  hangUp(): void;
  /** Gives up all that it holds. */
  close(): Promise<void>;
}

export interface SiteOptions {
  role: Role;
  runJob: RunJob;
  /** Takes lines for the log, each with its line break. */
  log: (line: string) => void;
  /** Resolves when nobody else has the sync API of the share. */
  alone: Promise<void>;
}

/** Makes the site of `settings`. */
export async function openSite(settings: ServerSettings, options: SiteOptions): Promise<Site> {
  const { accounts, share } = settings;
  const { root } = share;
  const primary = options.role === "primary";
  const warn = (message: string) => options.log(`ferry: ${quote(message)}\n`);
  const capabilities = new Capabilities(settings.key);
  const staging = new Staging(root);
  const house = primary && isWritable(settings) ? keepHouse(root) : null;
  const dir = () => stateDir(settings);
  const dav = new DavState({ dir, root, warn });
  const { runJob, alone } = options;
  const sync = primary
    ? new SyncSeat(
      alone,
      () => openSync(settings, { capabilities, locks: new PathLocks(dav, root), warn, runJob }),
    )
    : null;
  const handler = createHandler({
    share: {
      root,
      hidden: share.hidden,
      follow: share.follow,
      index: share.index,
      spa: share.spa,
      coded: share.compress ? new CodedFiles() : undefined,
      precompressed: share.precompressed,
      cacheControl: share.cacheControl,
      maxUpload: share.maxUpload,
      staging,
      dav,
    },
    authenticate: await createAuthenticate(accounts, capabilities),
    syncApi: sync?.handle,
    cors: corsPolicy(settings.cors),
    log: accessLog(settings.log, options.log),
    warn,
  });
  return {
    handler,
    pushes: () => sync?.busy() ?? 0,
    retire: async () => await sync?.close(),
    hangUp: () => sync?.hangUp(),
    async close() {
      await sync?.close();
      dav[Symbol.dispose]();
      staging.close();
      house?.[Symbol.dispose]();
    },
  };
}

/** The sync API as it comes and goes: one worker at a time has it. */
class SyncSeat {
  #api: SyncApi | null = null;
  #gone = false;
  readonly #opening: Promise<SyncApi | null>;

  constructor(alone: Promise<void>, open: () => Promise<SyncApi>) {
    this.#opening = alone.then(async () => this.#gone ? null : this.#api = await open());
    this.#opening.catch(() => {});
  }

  readonly handle: SyncHandler = (request, context) => {
    if (this.#gone) throw new FerryError("too_many", "the server has new settings; ask again");
    if (this.#api !== null) return this.#api.handle(request, context);
    return this.#opening.then(() => this.handle(request, context));
  };

  busy(): number {
    return this.#api?.busy() ?? 0;
  }

  hangUp(): void {
    this.#api?.hangUp();
  }

  async close(): Promise<void> {
    this.#gone = true;
    const api = this.#api;
    this.#api = null;
    api?.hangUp();
    await api?.close();
  }
}

/** Only the primary has it, and loads it. */
async function openSync(
  settings: ServerSettings,
  options: { capabilities: Capabilities; locks: PathLocks; warn: (message: string) => void; runJob: RunJob },
): Promise<SyncApi> {
  const { createSyncApi } = await import("./sync/api.ts");
  const { share: { root, state }, peers } = settings;
  const { capabilities, locks, warn, runJob } = options;
  return createSyncApi(root, {
    dir: () => stateDir(settings),
    stateHome: state.home,
    warn,
    capabilities,
    locks,
    jobs: peers.length === 0 ? undefined : { peers, run: runJob, warn },
  });
}

/** Where a share's state is. Throws `usage` where there is no place for it. */
function stateDir({ share: { state } }: ServerSettings): string {
  if (state.dir !== null) return state.dir;
  throw new FerryError("usage", state.why ?? "there is no place for an index");
}

function accessLog(
  format: ServerSettings["log"],
  log: (line: string) => void,
): ((record: AccessRecord) => void) | undefined {
  if (format === "none") return undefined;
  const line = format === "json" ? formatJson : formatCombined;
  return (record) => log(line(record));
}
