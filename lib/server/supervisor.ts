/**
 * Starts the workers that answer requests, each in its sandbox (sandbox.ts), and keeps them running: one that dies is
 * replaced, new settings are served by new ones before the old ones go. It is the only part of a server that may do
 * everything; it never sees a request.
 */
import { tmpdir } from "node:os";
import { quote } from "../core/errors.ts";
import { libraryPath } from "../store/libc.ts";
import { removeQuietly } from "../store/quiet.ts";
import type { Accounts } from "./authenticate.ts";
import { Roster } from "./guard/roster.ts";
import { claimPlace, removeSocket } from "./listen.ts";
import { Member } from "./member.ts";
import { PortListeners } from "./port_listeners.ts";
import type { ServerCounts } from "./metrics/server_counts.ts";
import { handoverSocket, permissionsOf, type Role } from "./sandbox.ts";
import type { ServerSettings } from "./settings.ts";

/** A server that answers. */
export interface Supervised {
  /** The URL of its root; `http+unix://...` for a socket. */
  url: string;
  /** Serves `settings` from now on, on the same place; throws, and goes on as before, when that cannot be done. */
  reload(settings: ServerSettings): Promise<void>;
  /** These are who may come in from the next request on; pushes under way go on. */
  setAccounts(accounts: Accounts): void;
  /** Takes no new connections, waits at most `graceMs` for requests under way, and ends. */
  stop(graceMs: number): Promise<void>;
}

export interface SuperviseOptions {
  /** The module that a worker runs. */
  entry: URL;
  /** Takes text for the log. */
  log: (text: string) => void;
  /** Whether to say what only some want to know. */
  verbose?: boolean;
  /** What metrics are told from, where settings want them; absent for none. */
  counts?: ServerCounts;
}

/** A worker that dies so often within `STORM_MS` is not replaced at once any more. */
const STORM_DEATHS = 5;
const STORM_MS = 10_000;
/** The wait before it is, then. */
const STORM_WAIT_MS = 2000;

/** New settings wait so long for pushes to end. */
const PUSH_GRACE_MS = 10 * 60 * 1000;
const LOOK_MS = 100;

/** Requests under way at a reload get so long to end in the old workers. */
const RELOAD_GRACE_MS = 60 * 60 * 1000;

/** Starts to serve `settings`. Throws `address_in_use` or `usage` with what to do. */
export async function supervise(settings: ServerSettings, options: SuperviseOptions): Promise<Supervised> {
  await claimPlace(settings.place);
  // Made when it is needed.
  const folder = `${Deno.realPathSync(tmpdir())}/ferry-${crypto.randomUUID()}`;
  const roster = new Roster(settings.limits);
  const first = await startCrew(settings, { ...options, folder, roster, succeeds: false });
  /** Those that came after the last settings. */
  let newer: Accounts | null = null;
  // Whatever port was free is the one from now on.
  const fixed = (given: ServerSettings): ServerSettings => {
    const accounts = newer ?? given.accounts;
    return given.place.kind === "unix" || first.port === null
      ? { ...given, accounts }
      : { ...given, accounts, place: { ...given.place, port: first.port } };
  };
  const warn = (message: string) => options.log(`ferry: ${quote(message)}\n`);
  const { port } = first;
  if (
    port !== null && !roster.guard(settings.limits, { port, plain: settings.tls === undefined, warn }) &&
    options.verbose
  ) {
    warn("connections are not guarded here, so that slow and idle ones stay; put a proxy in front");
  }
  const listeners = port === null ? null : PortListeners.open(port);
  let givenWay = Promise.resolve();
  let crew = first;
  /** Those that `crew` goes by. */
  let { limits } = settings;
  let stopping = false;
  /** Those that still answer what was asked of them. */
  const leaving = new Set<Crew>();

  async function replaceCrew(next: ServerSettings): Promise<void> {
    // A push that begins with one worker has to end with it.
    for (let waited = 0; await crew.pushes() > 0 && waited < PUSH_GRACE_MS && !stopping; waited += LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    await givenWay;
    if (stopping) return;
    const old = crew;
    const former = listeners?.all() ?? [];
    const { meters } = roster;
    roster.change(next.limits);
    try {
      crew = await startCrew(fixed(next), { ...options, folder, roster, succeeds: true });
    } catch (error) {
      roster.change(limits, meters);
      throw error;
    }
    limits = next.limits;
    givenWay =
      listeners?.giveWay(former).catch((error) => warn(`connections are not led to new workers: ${error}`)) ??
        givenWay;
    await old.retire();
    crew.alone();
    leaving.add(old);
    old.stop(RELOAD_GRACE_MS).finally(() => leaving.delete(old));
  }

  let turn = Promise.resolve();
  return {
    url: first.url,
    reload(next) {
      newer = null;
      const turned = turn.then(() => replaceCrew(next));
      turn = turned.catch(() => {});
      return turned;
    },
    setAccounts(accounts) {
      newer = accounts;
      for (const each of [crew, ...leaving]) each.setAccounts(accounts);
    },
    async stop(graceMs) {
      stopping = true;
      await turn;
      roster.stop();
      await Promise.all([crew, ...leaving].map((each) => each.stop(graceMs)));
      if (settings.place.kind === "unix") removeSocket(settings.place.path);
      removeQuietly(folder, true);
    },
  };
}

/** The workers of one set of settings. */
interface Crew {
  url: string;
  port: number | null;
  /** How many pushes are under way. */
  pushes(): Promise<number>;
  /** Gives up the sync API, and hands what is asked of it to whoever serves now. */
  retire(): Promise<void>;
  /** Tells that nobody else has it. */
  alone(): void;
  /** Tells who may come in from now on. */
  setAccounts(accounts: Accounts): void;
  stop(graceMs: number): Promise<void>;
}

async function startCrew(
  settings: ServerSettings,
  { entry, log, counts, folder, roster, succeeds }: SuperviseOptions & {
    folder: string;
    roster: Roster;
    succeeds: boolean;
  },
): Promise<Crew> {
  const libc = libraryPath();
  const handover = succeeds || settings.workers > 1 ? handoverSocket(folder) : undefined;
  if (handover !== undefined) Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const warn = (message: string) => log(`ferry: ${quote(message)}\n`);
  const members = new Map<number, Member>();
  const deaths: number[] = [];
  let current = settings;
  let stopping = false;
  let alone = !succeeds;

  async function startMember(number: number): Promise<Member> {
    const role: Role = number === 0 ? "primary" : "reader";
    const permissions = permissionsOf(current, role, { libc, handover: folder });
    const board = settings.metrics ? counts?.add() : undefined;
    const metrics = () => counts?.page(roster.connections) ?? "";
    const member = new Member(entry, {
      name: `${role} ${number}`,
      permissions,
      log,
      metrics,
      hangUp: roster.hangUp,
    });
    members.set(number, member);
    if (board !== undefined) member.ended.then(() => counts?.remove(board));
    const { meters } = roster;
    await member.start({ kind: "start", settings: current, role, handover, succeeds: !alone, board, meters });
    roster.add(member, member.ended);
    member.died.then((why) => replace(number, why));
    return member;
  }

  function replace(number: number, why: string): void {
    if (stopping) return;
    counts?.died();
    const now = Date.now();
    deaths.push(now);
    const recent = deaths.filter((at) => at > now - STORM_MS);
    deaths.splice(0, deaths.length, ...recent);
    const wait = recent.length >= STORM_DEATHS ? STORM_WAIT_MS : 0;
    warn(`worker ${number} died and is replaced${wait > 0 ? ` in ${wait / 1000} s` : ""}: ${why}`);
    setTimeout(() => {
      if (stopping) return;
      startMember(number).catch((error) => replace(number, `it did not start: ${(error as Error).message}`));
    }, wait);
  }

  const stop = async (graceMs: number): Promise<void> => {
    stopping = true;
    await Promise.all([...members.values()].map((member) => member.stop(graceMs)));
  };
  try {
    const { url, port } = await startMember(0);
    if (current.place.kind === "tcp" && port !== null) {
      current = { ...current, place: { ...current.place, port } };
    }
    for (let number = 1; number < settings.workers; number++) await startMember(number);
    return {
      url,
      port,
      pushes: async () => await members.get(0)!.ask({ kind: "count" }),
      async retire() {
        const order = { kind: "retire", handover: handoverSocket(folder) } as const;
        await Promise.all([...members.values()].map((member) => member.ask(order)));
      },
      setAccounts(accounts) {
        current = { ...current, accounts };
        for (const member of members.values()) member.tell({ kind: "accounts", accounts });
      },
      alone() {
        alone = true;
        members.get(0)!.tell({ kind: "alone" });
      },
      stop,
    };
  } catch (error) {
    await stop(0);
    throw error;
  }
}
