/** The flags of `ferry serve`; docs/configuration.md and ferry.schema.json are made from them. */
import type { FlagTable } from "../lib/cli/flags.ts";
import { nameProblem } from "../lib/core/paths.ts";
import { parseOrigin } from "../lib/http/cors.ts";
import { parsePerms } from "../lib/server/access.ts";
import { DEFAULT_LIMITS } from "../lib/server/limits/limits.ts";
import { isProxyName } from "../lib/server/limits/proxies.ts";

export const SERVE_FLAGS = {
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
  name: {
    type: "string",
    value: "NAME",
    check: (text) => /^[^\p{Cc}]{1,100}$/u.test(text) ? null : "must be 1 to 100 printable characters",
    about: "what the server calls itself, in the titles of its pages and in /.ferry/health",
  },
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
    about: "a server, or a folder of one, that this one may be told to fetch from by users with s; no other",
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
    about: "send FILE.zst, FILE.br or FILE.gz for FILE to clients that take it, unless it is older than FILE",
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
} as const satisfies FlagTable;
