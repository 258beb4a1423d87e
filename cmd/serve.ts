import { defineCommand } from "../lib/cli/command.ts";
import type { Io } from "../lib/cli/io.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { toUrlPath } from "../lib/core/paths.ts";
import type { Place } from "../lib/server/listen.ts";
import { parsePeers } from "../lib/server/peers.ts";
import { Reloader } from "../lib/server/reload.ts";
import { type ServerSettings, withAccounts } from "../lib/server/settings.ts";
import { statePlace } from "../lib/server/state_place.ts";
import { supervise } from "../lib/server/supervisor.ts";
import { FileWatch } from "../lib/server/file_watch.ts";
import { LogFile } from "../lib/server/log_file.ts";
import { ServerCounts } from "../lib/server/metrics/server_counts.ts";
import {
  demandPrivateKey,
  pairingLine,
  readTls,
  type Tls,
  type TlsChoice,
  tlsChoice,
  tlsFiles,
} from "../lib/server/tls/choice.ts";
import { stateHome } from "../lib/store/state_dir.ts";
import { onHangup } from "./hangup.ts";
import { SERVE_FLAGS } from "./serve_flags.ts";
import { type LimitFlags, limitsOf } from "./serve_limits.ts";
import { originsOf, readShares, type ShareFlags } from "./serve_shares.ts";
import { demandPrivateAccounts, readKey } from "./serve_key.ts";
import { readAccounts, readTold, type Told, usersFileOf } from "./serve_told.ts";

const WORKER = new URL("./serve_worker.ts", import.meta.url);

/** Requests under way at SIGTERM get so long. */
const GRACE_MS = 10_000;

export const serve = defineCommand({
  name: "serve",
  summary: "Share DIR (default: the current folder) over HTTP: to browsers, curl, and ferry itself.",
  usage: ["serve [DIR]"],
  flags: SERVE_FLAGS,
  args: { min: 0, max: 1, operand: { kind: "folder" } },
  notes: [
    "With several PATHs in one --auth the longest that matches decides, and everybody has the --anonymous " +
    "permissions too. The paths follow the last @/ of the value; a password that contains @/ needs them spelled out.",
    "WebDAV clients need no flag: w lets them lock and set properties too. See docs/webdav.md.",
  ],
  examples: [
    { run: "ferry serve", about: "show the current folder at http://127.0.0.1:8420/" },
    { run: "ferry serve --writable ~/inbox", about: "let programs on this machine store files too" },
    {
      run: "ferry serve --host 0.0.0.0 --auth 'ann:secret@/:r,/inbox:rw' --anonymous none /srv/files",
      about: "for Ann alone, who may write to one folder",
    },
    {
      run: "ferry serve --config /etc/ferry.jsonc --check-config",
      about: "see whether a configuration file is right, before a server reads it",
    },
    {
      run: "ferry serve --host 0.0.0.0 --tls-self-signed ~/photos",
      about: "over TLS without an authority; it prints how to trust it",
    },
    {
      run: "ferry serve --unix /run/ferry.sock --log json .",
      about: "behind a proxy, with a log for programs",
    },
  ],
  exits: [0, 2, 7],
  async run(line, io) {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const tell = (text: string) => io.err(marked(text));
    let current: Read | undefined;
    const read = async (warn: (line: string) => void): Promise<ServerSettings> => {
      const told = await readTold(line, SERVE_FLAGS);
      try {
        const next = await readSettings(told, line.args, { key, env: io.env });
        if (current !== undefined) demandSamePlaces(current, next);
        // A check makes nothing, so no certificate either.
        const makes = next.tlsFrom.kind === "self_signed";
        const tls = isDry(line.flags) && makes ? null : await readTls(next.tlsFrom, warn);
        current = { ...next, tls };
        return { ...next.settings, tls: tls?.pair };
      } catch (error) {
        told.file?.blame(error, line.given);
        throw error;
      }
    };
    const settings = await read(tell);
    const { flags } = line;
    if (flags.explain) {
      const { explain, explainText } = await import("../lib/server/explain.ts");
      const rows = explain(settings);
      io.out(flags.json ? rows.map((row) => JSON.stringify(row) + "\n").join("") : explainText(rows));
      return 0;
    }
    if (flags["check-config"]) {
      io.out(`${quote(flags.config ?? "the command line")}: all right\n`);
      return 0;
    }
    const first = current!;
    using file = first.logFile === undefined ? null : new LogFile(first.logFile, tell);
    const log = file === null ? io.err : (text: string) => file.write(text);
    const say = (text: string) => log(marked(text));
    const counts = new ServerCounts(() => ({
      reload: reloader.state,
      certificateEnds: current!.tls?.ends ?? null,
    }));
    let served = settings;
    const reloader = new Reloader(settings, {
      read: () => read(say),
      async take(next) {
        // Whoever may do less may not wait for pushes to end.
        server.setAccounts(next.accounts);
        try {
          if (!isSameButAccounts(served, next)) await server.reload(next);
        } catch (error) {
          server.setAccounts(served.accounts);
          throw error;
        }
        served = next;
      },
      say,
    });
    const server = await supervise(settings, { entry: WORKER, log, counts, verbose: flags.verbose });
    const ended = Promise.withResolvers<void>();
    using _hangup = onHangup(io, {
      reload() {
        file?.reopen();
        reloader.request();
      },
      end: ended.resolve,
    });
    using _watch = new FileWatch(() => filesOf(current!), () => reloader.request());
    announce(io, { settings, url: server.url, pin: first.tls?.pin, json: flags.json, quiet: flags.quiet });
    await Promise.race([stopped(io.stop), ended.promise]);
    await server.stop(GRACE_MS);
    return 0;
  },
});

/** Lines for people, each marked as ours and with nothing in it that a terminal obeys. */
function marked(text: string): string {
  return text.split("\n").map((line) => `ferry: ${quote(line)}\n`).join("");
}

/** What was told, read once. */
interface Plan {
  settings: Omit<ServerSettings, "tls">;
  tlsFrom: TlsChoice;
  usersFile: string | undefined;
  logFile: string | undefined;
}

/** The same with the certificate. */
interface Read extends Plan {
  tls: Tls | null;
}

/** Where a server listens it listens to its end, and where it writes it goes on. */
function demandSamePlaces(old: Plan, next: Plan): void {
  const refused = (what: string) =>
    new FerryError("usage", `${what} cannot change while the server runs: start it anew`);
  if (JSON.stringify(old.settings.place) !== JSON.stringify(next.settings.place)) {
    throw refused("host, port and unix");
  }
  if (old.logFile !== next.logFile) throw refused("log-file");
  // Connections are guarded by whether they are in TLS.
  if ((old.tlsFrom.kind === "none") !== (next.tlsFrom.kind === "none")) throw refused("whether there is TLS");
}

/** What is read again when it changes. */
function filesOf({ tlsFrom, usersFile }: Plan): string[] {
  return [...tlsFiles(tlsFrom), ...(usersFile === undefined ? [] : [usersFile])];
}

/** Whether all is only looked at: then nothing is made. */
function isDry(flags: { "check-config": boolean; explain: boolean }): boolean {
  return flags["check-config"] || flags.explain;
}

function isSameButAccounts(a: ServerSettings, b: ServerSettings): boolean {
  const rest = (settings: ServerSettings) => JSON.stringify({ ...settings, accounts: null });
  return rest(a) === rest(b);
}

type Flags = ShareFlags & LimitFlags & {
  "state-dir": string | undefined;
  "check-config": boolean;
  explain: boolean;
  host: string;
  port: number;
  unix: string | undefined;
  name: string | undefined;
  workers: number;
  anonymous: string;
  writable: boolean;
  auth: string[];
  users: string | undefined;
  "token-key": string | undefined;
  peer: string[];
  "tls-cert": string | undefined;
  "tls-key": string | undefined;
  "tls-self-signed": boolean;
  "log-file": string | undefined;
  metrics: boolean;
  log: string;
  quiet: boolean;
};

/** Throws `usage`; what is wrong in the file is said to it, and all of that at the end. */
async function readSettings(
  told: Told<Flags>,
  args: readonly string[],
  { key, env }: { key: Uint8Array } & Pick<Io, "env">,
): Promise<Plan> {
  const { flags, file } = told;
  const place: Place = flags.unix === undefined
    ? { kind: "tcp", host: flags.host.replace(/^\[(.*)\]$/, "$1"), port: flags.port }
    : { kind: "unix", path: flags.unix };
  if (place.kind === "unix" && flags.workers > 1) {
    throw new FerryError("usage", "--workers: only one worker can listen on a --unix socket");
  }
  const accounts = await readAccounts(told, place);
  const checked = await readShares(told, { dir: args[0], accounts });
  const peers = parsePeers(flags.peer);
  const tlsFrom = tlsChoice(
    { cert: flags["tls-cert"], key: flags["tls-key"], selfSigned: flags["tls-self-signed"] },
    { place, dir: () => stateHome(flags["state-dir"], env) },
  );
  const roots = checked.map(({ root }) => root);
  demandPrivateKey(tlsFrom, roots);
  demandPrivateAccounts({ ...flags, users: usersFileOf(told) }, { roots, env });
  file?.demandRight();
  // All is right: from here on something may be made.
  const given = flags["state-dir"];
  const shares = checked.map((share) => ({
    ...share,
    state: isDry(flags) ? { dir: null } : statePlace(share.root, { given, writable: share.writable, env }),
  }));
  const settings = withAccounts({
    place,
    name: flags.name,
    workers: flags.workers,
    accounts,
    shares,
    peers,
    cors: originsOf(flags.cors),
    limits: limitsOf(flags),
    log: flags.quiet ? "none" : flags.log as ServerSettings["log"],
    metrics: flags.metrics,
    ...await readKey(flags, { key, env, dry: isDry(flags) }),
  }, accounts);
  return { settings, tlsFrom, logFile: flags["log-file"], usersFile: usersFileOf(told) };
}

interface Announced {
  settings: ServerSettings;
  url: string;
  /** Of a certificate of its own. */
  pin?: string | null;
  json: boolean;
  quiet: boolean;
}

/** Says what is served where, once it is. */
function announce(io: Io, { settings, url, pin, json, quiet }: Announced): void {
  const event = { event: "listening", url, pin: pin ? `sha256:${pin}` : undefined };
  if (json) io.out(JSON.stringify(event) + "\n");
  if (quiet) return;
  for (const { root, mount } of settings.shares) {
    const host = mount.hosts.length === 0 ? "" : ` for ${mount.hosts.join(", ")}`;
    io.err(`ferry: serving ${quote(root)} at ${shareUrl(url, mount.path)}${host}\n`);
  }
  if (pin) io.err(`ferry: ${pairingLine(url, pin)}\n`);
}

function shareUrl(url: string, path: string): string {
  return path === "" ? url : url.replace(/\/$/, "") + toUrlPath(path, true);
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
