/** What answers requests: a handler with all that it stands on, made from settings. */
import type { AccessRecord } from "../http/access_log.ts";
import { formatCombined, formatJson } from "../http/access_log.ts";
import { corsPolicy } from "../http/cors.ts";
import { FerryError, quote } from "../core/errors.ts";
import { type Accounts, createAuthenticate } from "./authenticate.ts";
import { Capabilities } from "./capability.ts";
import { CodedFiles } from "./coded_files.ts";
import { PathLocks } from "./dav/path_locks.ts";
import { DavState } from "./dav/state.ts";
import { GuessLimit } from "./guess_limit.ts";
import { createHandler, type Handler, type SyncApi as SyncHandler } from "./handler.ts";
import type { HotFiles } from "./hot_files.ts";
import { keepHouse } from "./housekeeping.ts";
import type { Meter } from "./metrics/board.ts";
import { received } from "./patient_body.ts";
import type { Peer } from "./peers.ts";
import type { ServerSettings, ShareSettings } from "./settings.ts";
import type { Patience } from "./patient_body.ts";
import type { Share } from "./share.ts";
import { type SharedFolder, Shares } from "./shares.ts";
import { Staging } from "./staging.ts";
import type { Role } from "./sandbox.ts";
import { ClientLimits, patienceOf, type SharedMeters } from "./limits/clients.ts";
import type { Gate } from "./guard/gate.ts";
import type { SyncApi } from "./sync/api.ts";
import type { RunJob } from "./sync/jobs.ts";
import { syncOfShares } from "./sync/of_shares.ts";
import { TokenLedger } from "./token_ledger.ts";
import { Uploads } from "./tus/uploads.ts";

/** A server without its sockets. */
export interface Site {
  handler: Handler;
  gate: Gate;
  /** From now on these are who may come in. */
  setAccounts(accounts: Accounts): Promise<void>;
  /** How many pushes and jobs are under way. */
  pushes(): number;
  /** Puts what is counted elsewhere on the board of its meter. */
  measure(): void;
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
  meters: SharedMeters;
  /** Told of connections that have no future. */
  hangUp: (key: string) => void;
  /** Takes lines for the log, each with its line break. */
  log: (line: string) => void;
  /** What counts requests; absent where nobody wants metrics, or cannot ask for them. */
  meter?: { meter: Meter; page: () => Promise<string> };
  /** Resolves when nobody else has the sync API of the share. */
  alone: Promise<void>;
}

/** Makes the site of `settings`. */
export async function openSite(settings: ServerSettings, options: SiteOptions): Promise<Site> {
  const warn = (message: string) => options.log(`ferry: ${quote(message)}\n`);
  const ledger = settings.ledger === undefined
    ? undefined
    : new TokenLedger(settings.ledger, settings.key, { make: true });
  const capabilities = new Capabilities(settings.key, { ledger });
  const guesses = new GuessLimit(options.meters.guesses);
  let authenticate = await createAuthenticate(settings.accounts, { capabilities, guesses });
  const coded = new CodedFiles();
  const patience = patienceOf(settings.limits);
  const clients = new ClientLimits(settings.limits, options);
  const open = settings.shares.map((share) =>
    openShare(share, {
      ...options,
      capabilities,
      coded,
      peers: settings.peers,
      name: settings.name,
      patience,
      warn,
    })
  );
  const seats = open.flatMap(({ sync }) => sync ?? []);
  const shares = new Shares(open.map(({ folder }) => folder));
  const meter = options.meter?.meter;
  const handler = createHandler({
    tls: settings.tls !== undefined,
    name: settings.name,
    ids: settings.log === "json",
    refusals: settings.log !== "none",
    metrics: options.meter?.page,
    shares,
    clients,
    authenticate: (...given) => authenticate(...given),
    ledger,
    syncApi: options.role === "primary"
      ? syncOfShares(shares, new Map(shares.all.map((shared, i) => [shared, seats[i].handle])))
      : undefined,
    cors: corsPolicy(settings.cors),
    log: both(meter && ((record) => meter.finished(record)), accessLog(settings.log, options.log)),
    warn,
  });
  const pushes = () => seats.reduce((sum, seat) => sum + seat.busy(), 0);
  const closeSync = async () => void await Promise.all(seats.map((seat) => seat.close()));
  return {
    handler: clients.pacing(handler),
    gate: clients.gate,
    async setAccounts(next) {
      authenticate = await createAuthenticate(next, { capabilities, guesses });
    },
    pushes,
    measure: () => meter && measure(meter, { pushes: pushes(), hot: shares.all.map((shared) => shared.hot) }),
    retire: closeSync,
    hangUp: () => seats.forEach((seat) => seat.hangUp()),
    async close() {
      await closeSync();
      for (const { close } of open) close();
      ledger?.[Symbol.dispose]();
    },
  };
}

/** Puts on the board of `meter` what it is not told of. */
function measure(meter: Meter, { pushes, hot }: { pushes: number; hot: readonly HotFiles[] }): void {
  const sum = (of: (files: HotFiles) => number) => hot.reduce((all, files) => all + of(files), 0);
  meter.set("pushes", pushes);
  meter.set("received", received.bytes);
  meter.set("hotFiles", sum((files) => files.size));
  meter.set("hotBytes", sum((files) => files.bytes));
  meter.set("hotHits", sum((files) => files.hits));
  meter.set("hotMisses", sum((files) => files.misses));
}

/** A share with all that it stands on. */
interface OpenShare {
  folder: SharedFolder;
  sync: SyncSeat | null;
  close(): void;
}

interface ShareOptions extends SiteOptions {
  /** What the server calls itself. */
  name?: string;
  capabilities: Capabilities;
  /** For all shares together. */
  coded: CodedFiles;
  peers: readonly Peer[];
  patience: Patience;
  warn: (message: string) => void;
}

function openShare(settings: ShareSettings, options: ShareOptions): OpenShare {
  const { root, mount, own } = settings;
  const { role, warn } = options;
  const staging = new Staging(root);
  const house = role === "primary" && settings.writable ? keepHouse(root) : null;
  const dav = new DavState({ dir: () => stateDir(settings), root, warn });
  const sync = role === "primary"
    ? new SyncSeat(options.alone, () => openSync(settings, { ...options, locks: new PathLocks(dav, root) }))
    : null;
  const share: Share = {
    root,
    hidden: settings.hidden,
    follow: settings.follow,
    index: settings.index,
    spa: settings.spa,
    coded: settings.compress ? options.coded : undefined,
    precompressed: settings.precompressed,
    archives: settings.archives,
    name: options.name,
    cacheControl: settings.cacheControl,
    maxUpload: settings.maxUpload,
    staging,
    uploads: new Uploads(root),
    dav,
    patience: options.patience,
  };
  return {
    folder: { mount, share, cors: corsPolicy(settings.cors), own },
    sync,
    close() {
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
  settings: ShareSettings,
  options: ShareOptions & { locks: PathLocks },
): Promise<SyncApi> {
  const { createSyncApi } = await import("./sync/api.ts");
  const { root, state } = settings;
  const { capabilities, locks, peers, warn, runJob } = options;
  return createSyncApi(root, {
    dir: () => stateDir(settings),
    stateHome: state.home,
    patience: options.patience,
    warn,
    capabilities,
    locks,
    jobs: peers.length === 0 ? undefined : { peers, run: runJob, warn },
  });
}

/** Where a share's state is. Throws `usage` where there is no place for it. */
function stateDir({ state }: ShareSettings): string {
  if (state.dir !== null) return state.dir;
  throw new FerryError("usage", state.why ?? "there is no place for an index");
}

type Listener = (record: AccessRecord) => void;

/** Those of the two that are there. */
function both(first: Listener | undefined, second: Listener | undefined): Listener | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (record) => {
    first(record);
    second(record);
  };
}

function accessLog(
  format: ServerSettings["log"],
  log: (line: string) => void,
): Listener | undefined {
  if (format === "none") return undefined;
  const line = format === "json" ? formatJson : formatCombined;
  return (record) => log(line(record));
}
