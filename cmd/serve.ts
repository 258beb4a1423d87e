import { defineCommand } from "../lib/cli/command.ts";
import type { Io } from "../lib/cli/io.ts";
import { FerryError, osReason, quote } from "../lib/core/errors.ts";
import { nameProblem } from "../lib/core/paths.ts";
import { parseOrigin } from "../lib/http/cors.ts";
import { parsePerms } from "../lib/server/access.ts";
import type { Accounts } from "../lib/server/authenticate.ts";
import type { Place } from "../lib/server/listen.ts";
import { TOP } from "../lib/server/mounts.ts";
import { DEFAULT_LIMITS, type Limits } from "../lib/server/limits/limits.ts";
import { isProxyName } from "../lib/server/limits/proxies.ts";
import { parsePeers } from "../lib/server/peers.ts";
import { isWritable, type ServerSettings } from "../lib/server/settings.ts";
import { statePlace } from "../lib/server/state_place.ts";
import { supervise } from "../lib/server/supervisor.ts";

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
    unix: { type: "string", value: "PATH", about: "listen on a unix socket instead" },
    anonymous: {
      type: "string",
      value: "PERMS",
      default: "r",
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
      about: "let scripts of this origin (https://app.example), or of any (*), use this server",
    },
    "state-dir": {
      type: "string",
      value: "DIR",
      about: "keep the index for syncs in DIR (default: .ferry/ of a share that may be written to, else " +
        "ferry/ in $XDG_STATE_HOME or ~/.local/state)",
    },
    "max-upload": { type: "size", value: "SIZE", about: "refuse to store larger files (default: no limit)" },
    "header-timeout": {
      type: "duration",
      value: "DUR",
      default: DEFAULT_LIMITS.headerTimeout,
      about: "end connections on which the head of a request takes longer; 0 for none of these limits",
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
      about: "answer 429 to a client that asks more than N times a second, or 5 N times at once",
    },
    "limit-rate": {
      type: "size",
      value: "SIZE",
      default: DEFAULT_LIMITS.limitRate,
      about: "send and take at most SIZE a second, all clients together",
    },
    "client-limit-rate": {
      type: "size",
      value: "SIZE",
      default: DEFAULT_LIMITS.clientLimitRate,
      about: "send to and take from each client at most SIZE a second",
    },
    "trusted-proxy": {
      type: "list",
      value: "ADDRESS",
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
      run: "ferry serve --unix /run/ferry.sock --log json .",
      about: "behind a proxy, with a log for programs",
    },
  ],
  exits: [0, 2, 7],
  async run({ flags, args }, io) {
    const root = shareRoot(args[0] ?? ".");
    if (flags.index !== undefined && nameProblem(flags.index) !== null) {
      throw new FerryError(
        "usage",
        `--index ${quote(flags.index)}: must be the name of a file, without a path`,
      );
    }
    const place: Place = flags.unix === undefined
      ? { kind: "tcp", host: flags.host.replace(/^\[(.*)\]$/, "$1"), port: flags.port }
      : { kind: "unix", path: flags.unix };
    if (place.kind === "unix" && flags.workers > 1) {
      throw new FerryError("usage", "--workers: only one worker can listen on a --unix socket");
    }
    const accounts = await readAccounts(flags, place);
    const cors = readOrigins(flags.cors);
    const writable = isWritable(accounts, { mount: TOP });
    const settings: ServerSettings = {
      place,
      workers: flags.workers,
      accounts,
      shares: [{
        mount: TOP,
        root,
        writable,
        hidden: flags.hidden,
        follow: flags["follow-symlinks"] === "none" ? "none" : "inside",
        index: flags.index,
        spa: flags.spa ? flags.index ?? "index.html" : undefined,
        compress: flags.compress,
        precompressed: flags.precompressed,
        archives: flags.archive,
        cacheControl: cacheControl(flags["max-age"]),
        maxUpload: flags["max-upload"],
        cors,
        state: statePlace(root, { given: flags["state-dir"], writable, env: io.env }),
      }],
      peers: parsePeers(flags.peer),
      cors,
      limits: readLimits(flags),
      log: flags.quiet ? "none" : flags.log as ServerSettings["log"],
      key: crypto.getRandomValues(new Uint8Array(32)),
    };
    const server = await supervise(settings, { entry: WORKER, log: io.err, verbose: flags.verbose });
    announce(io, { root, url: server.url, json: flags.json, quiet: flags.quiet });
    await stopped(io.stop);
    await server.stop(GRACE_MS);
    return 0;
  },
});

interface LimitFlags {
  "header-timeout": number;
  "body-timeout": number;
  "min-rate": number;
  "idle-timeout": number;
  "max-connections": number;
  "client-connections": number | undefined;
  "client-requests": number;
  "limit-rate": number;
  "client-limit-rate": number;
  "trusted-proxy": string[];
}

function readLimits(flags: LimitFlags): Limits {
  for (const name of flags["trusted-proxy"]) {
    if (isProxyName(name)) continue;
    throw new FerryError(
      "usage",
      `--trusted-proxy ${quote(name)}: must be an address, a network such as 10.0.0.0/8, or unix`,
    );
  }
  return {
    headerTimeout: flags["header-timeout"],
    bodyTimeout: flags["body-timeout"],
    minRate: flags["min-rate"],
    idleTimeout: flags["idle-timeout"],
    maxConnections: flags["max-connections"],
    clientConnections: flags["client-connections"],
    clientRequests: flags["client-requests"],
    limitRate: flags["limit-rate"],
    clientLimitRate: flags["client-limit-rate"],
    trustedProxies: flags["trusted-proxy"],
  };
}

/** What files say to caches that may use them for `ms`; undefined for what they say by themselves. */
function cacheControl(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `max-age=${Math.floor(ms / 1000)}`;
}

/** The real path of the folder to share. */
function shareRoot(dir: string): string {
  try {
    const root = Deno.realPathSync(dir);
    if (Deno.statSync(root).isDirectory) return root;
  } catch (error) {
    throw new FerryError("usage", `cannot share ${quote(dir)}: ${osReason(error)}; give an existing folder`);
  }
  throw new FerryError(
    "usage",
    `cannot share ${quote(dir)}: it is not a folder; give the folder that holds it`,
  );
}

function readOrigins(given: readonly string[]): string[] {
  return given.map((text) => {
    const origin = parseOrigin(text);
    if (origin !== null) return origin;
    throw new FerryError(
      "usage",
      `--cors ${quote(text)}: must be * or an origin such as https://app.example, without a path`,
    );
  });
}

async function readAccounts(
  flags: { anonymous: string; writable: boolean; auth: string[] },
  place: Place,
): Promise<Accounts> {
  const perms = parsePerms(flags.writable ? "rwd" : flags.anonymous);
  if (perms === null) {
    throw new FerryError("usage", `--anonymous ${quote(flags.anonymous)}: must be letters of rwds, or none`);
  }
  if (flags.writable && place.kind === "tcp" && !isLoopback(place.host)) {
    throw new FerryError(
      "usage",
      `--writable lets anybody change files and is refused on ${
        quote(place.host)
      }; use --auth, or a loopback --host`,
    );
  }
  const anonymous = [{ path: "", perms }];
  if (flags.auth.length === 0) return { anonymous, users: [] };
  const { parseAuthFlags } = await import("../lib/server/auth_flag.ts");
  return { anonymous, users: parseAuthFlags(flags.auth) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function announce(io: Io, server: { root: string; url: string; json: boolean; quiet: boolean }): void {
  if (server.json) io.out(JSON.stringify({ event: "listening", url: server.url }) + "\n");
  if (!server.quiet) io.err(`ferry: serving ${quote(server.root)} at ${server.url}\n`);
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
