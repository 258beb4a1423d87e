import { defineCommand } from "../lib/cli/command.ts";
import type { Io } from "../lib/cli/io.ts";
import { FerryError, quote } from "../lib/core/errors.ts";
import { nameProblem, toUrlPath } from "../lib/core/paths.ts";
import { parseOrigin } from "../lib/http/cors.ts";
import { parsePerms } from "../lib/server/access.ts";
import type { Place } from "../lib/server/listen.ts";
import { DEFAULT_LIMITS } from "../lib/server/limits/limits.ts";
import { isProxyName } from "../lib/server/limits/proxies.ts";
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
  flags: {
    host: { type: "string", value: "ADDRESS", default: "127.0.0.1", about: "the address to listen on" },
    port: {
      type: "integer",
      value: "PORT",
      default: 8420,
      min: 0,
      max: 65535,
      about: "the port to listen on; 0 picks a free one",
    },
    unix: { type: "string", value: "PATH", path: true, about: "listen on a unix socket instead" },
    anonymous: {
      type: "string",
      value: "PERMS",
      default: "r",
      check: (text) => parsePerms(text) === null ? "must be letters of rwds, or none" : null,
      about:
        "what anybody may do: letters of r (read and list), w (create and overwrite), d (delete and move), " +
        "s (manage jobs), or none",
    },
    writable: {
      type: "boolean",
      about: "the same as --anonymous rwd; only on a loopback address or a unix socket",
    },
    auth: {
      type: "list",
      value: "USER:PASSWORD[@PATH[:PERMS],...]",
      about: "a user, and where and what that one may do (default @/:rwd); PASSWORD may be a $scrypt$ hash",
    },
    users: {
      type: "string",
      value: "FILE",
      path: true,
      about:
        "a file with a user a line, NAME:HASH[:/PATH:PERMS,...], the hash by ferry token hash; read again when it changes",
    },
    "token-key": {
      type: "string",
      value: "FILE",
      path: true,
      about: "honour the tokens and share links that are made with this key, see ferry token",
    },
    peer: {
      type: "list",
      value: "URL",
      about:
        "a server, or a folder of one, that this one may be told to fetch from by users with s; no other",
    },
    workers: {
      type: "integer",
      value: "N",
      default: 1,
      min: 1,
      max: 64,
      about: "answer with N threads, each in a sandbox; those beyond the first only read files",
    },
    hidden: { type: "boolean", about: "serve names that start with a dot too" },
    "follow-symlinks": {
      type: "string",
      value: "none|inside",
      default: "inside",
      choices: ["none", "inside"],
      about: "follow symbolic links that stay inside DIR, or none",
    },
    index: {
      type: "string",
      value: "FILE",
      check: (text) => nameProblem(text) === null ? null : "must be the name of a file, without a path",
      about: "show FILE in place of the listing of a folder that has it",
    },
    spa: {
      type: "boolean",
      about: "answer browsers with index.html (or --index FILE) of DIR where a page is not there, for " +
        "applications that read the path themselves",
    },
    compress: {
      type: "boolean",
      default: true,
      about:
        "send everything as it is; else text of 1 KiB to 1 MiB goes in zstd, br or gzip to those who take it",
    },
    precompressed: {
      type: "boolean",
      about:
        "send FILE.zst, FILE.br or FILE.gz for FILE to clients that take it, unless it is older than FILE",
    },
    archive: {
      type: "boolean",
      default: true,
      about:
        "make no archives; else ?archive=zip, tar, tar.gz or tar.zst sends a folder with all that is in it",
    },
    "max-age": {
      type: "duration",
      value: "DUR",
      about: "for so long caches may use a file without asking (default: they ask each time)",
    },
    cors: {
      type: "list",
      value: "ORIGIN",
      check: (text) =>
        parseOrigin(text) === null
          ? "must be * or an origin such as https://app.example, without a path"
          : null,
      about: "let scripts of this origin (https://app.example), or of any (*), use this server",
    },
    "tls-cert": {
      type: "string",
      value: "FILE",
      path: true,
      about: "speak TLS with the certificates in this PEM file, the server's own first",
    },
    "tls-key": {
      type: "string",
      value: "FILE",
      path: true,
      about: "the key of --tls-cert, PEM without a passphrase",
    },
    "tls-self-signed": {
      type: "boolean",
      about: "speak TLS with a certificate of its own, made once and kept, and print how to pin it",
    },
    "state-dir": {
      type: "string",
      value: "DIR",
      path: true,
      about: "keep the index for syncs in DIR (default: .ferry/ of a share that may be written to, else " +
        "ferry/ in $XDG_STATE_HOME or ~/.local/state)",
    },
    "max-upload": { type: "size", value: "SIZE", about: "refuse to store larger files (default: no limit)" },
    "header-timeout": {
      type: "duration",
      value: "DUR",
      default: DEFAULT_LIMITS.headerTimeout,
      about: "end connections on which the head of a request takes longer; 0 for no limit, here and below",
    },
    "body-timeout": {
      type: "duration",
      value: "DUR",
      default: DEFAULT_LIMITS.bodyTimeout,
      about: "end uploads of which nothing comes for so long, and downloads that nobody reads",
    },
    "min-rate": {
      type: "size",
      value: "SIZE",
      default: DEFAULT_LIMITS.minRate,
      about: "the same for less than SIZE a second over --body-timeout",
    },
    "idle-timeout": {
      type: "duration",
      value: "DUR",
      default: DEFAULT_LIMITS.idleTimeout,
      about: "end connections that wait longer for their next request",
    },
    "max-connections": {
      type: "integer",
      value: "N",
      default: DEFAULT_LIMITS.maxConnections,
      min: 0,
      max: 1_000_000,
      about: "answer 503 to those who come when there are so many connections",
    },
    "client-connections": {
      type: "integer",
      value: "N",
      min: 0,
      max: 1_000_000,
      about:
        "answer 429 to a client that has so many (default: half of --max-connections, from this machine any number)",
    },
    "client-requests": {
      type: "integer",
      value: "N",
      default: DEFAULT_LIMITS.clientRequests,
      min: 0,
      max: 1_000_000,
      about:
        "answer 429 to a client that asks more than N times a second, or 5 N times at once; 0 for no limit",
    },
    "limit-rate": {
      type: "size",
      value: "SIZE",
      default: DEFAULT_LIMITS.limitRate,
      about: "send and take at most SIZE a second, all clients together; 0 for no limit",
    },
    "client-limit-rate": {
      type: "size",
      value: "SIZE",
      default: DEFAULT_LIMITS.clientLimitRate,
      about: "send to and take from each client at most SIZE a second; 0 for no limit",
    },
    "trusted-proxy": {
      type: "list",
      value: "ADDRESS",
      check: (text) => isProxyName(text) ? null : "must be an address, a network such as 10.0.0.0/8, or unix",
      about: "a proxy (address, network such as 10.0.0.0/8, or unix for the socket) whose X-Forwarded-For " +
        "says who a client is",
    },
    log: {
      type: "string",
      value: "combined|json|none",
      default: "combined",
      choices: ["combined", "json", "none"],
      about: "the access log on stderr; -q switches it off",
    },
    "log-file": {
      type: "string",
      value: "FILE",
      path: true,
      about: "append the log to FILE instead; SIGHUP opens it anew",
    },
    metrics: {
      type: "boolean",
      about:
        "count, and show it to Prometheus at /.ferry/metrics: to programs on this machine, and to users who may " +
        "read everything",
    },
    config: {
      type: "string",
      value: "FILE",
      about: "read what is not said by flags from FILE, see docs/configuration.md; SIGHUP reads it again",
    },
    explain: {
      type: "boolean",
      about: "print who may do what where, and do not serve",
    },
    "check-config": {
      type: "boolean",
      about: "say whether all of it is right, and do not serve",
    },
  },
  args: { min: 0, max: 1 },
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
      const told = await readTold(line, serve.flags);
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
