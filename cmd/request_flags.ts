/** The flags of `ferry request`. */
import type { FlagTable, FlagValues } from "../lib/cli/flags.ts";
import { hideUserinfo, isSecretLine } from "../lib/client/credentials/credentials.ts";

export const REQUEST_FLAGS = {
  output: {
    type: "list",
    short: "o",
    value: "FILE",
    about: "write the body to FILE, one --output a URL; - is stdout",
  },
  "remote-name": {
    type: "boolean",
    short: "O",
    about: "write the body to a file named as the URL's path ends",
  },
  "output-dir": {
    type: "string",
    path: true,
    value: "DIR",
    about: "the folder for files, named as with --remote-name unless --output; made where there is none",
  },
  "remote-header-name": {
    type: "boolean",
    short: "J",
    about:
      "write the body to a file that the server names: by Content-Disposition, or by where it redirects to. " +
      "Never a path or a hidden file, and with a number in it when that file is there: name (1).ext",
  },
  overwrite: {
    type: "boolean",
    default: null,
    about: "replace files that are there, also those that the server names; with --no-overwrite none, " +
      "and the new one gets a number (default: replace what you name yourself)",
  },
  input: {
    type: "string",
    value: "FILE",
    about:
      'read URLs from FILE, a line each, - is stdin; or lines of JSON: {"url", "output", "headers", "checksum", ' +
      '"method", "data"}. Empty lines and those that begin with # are passed over',
  },
  parallel: {
    type: "integer",
    min: 1,
    max: 1000,
    value: "N",
    about:
      "request so many URLs at a time (default: 16 for --input and for GET into files, else 1); bodies on stdout " +
      "keep the order of the URLs",
  },
  glob: {
    type: "boolean",
    default: true,
    about:
      "take [1-100], [a-z:2] and {one,two} in URLs as all that they stand for, with --no-glob as they are",
  },
  "if-newer": {
    type: "string",
    path: true,
    value: "FILE",
    about: "fetch it only if it was changed after FILE was, else leave everything as it is: exit 0",
  },
  "etag-save": {
    type: "string",
    path: true,
    value: "FILE",
    about: "write the answer's ETag to FILE once its body has come whole; it is empty where there was none",
  },
  "etag-compare": {
    type: "string",
    path: true,
    value: "FILE",
    about:
      "fetch it only if its ETag is another than the one in FILE, else leave everything as it is: exit 0",
  },
  recursive: {
    type: "boolean",
    about:
      "mirror the folder at URL, with all below it, into --output-dir DIR, else into one named as the URL ends",
  },
  include: { type: "list", value: "GLOB", about: "with --recursive: take back what --exclude leaves out" },
  exclude: {
    type: "list",
    value: "GLOB",
    about: "with --recursive: leave this out, a pattern as in .gitignore",
  },
  depth: {
    type: "integer",
    min: 0,
    max: 1000,
    value: "N",
    about: "with --recursive: go so many folders down, 0 takes the files right in URL (default: 64)",
  },
  head: { type: "boolean", short: "I", about: "ask for the headers alone and print them" },
  "show-headers": {
    type: "boolean",
    short: "i",
    about: "print status and headers on stdout before the body",
  },
  range: { type: "string", short: "r", value: "RANGE", about: "ask for these bytes alone: 0-99, 100-, -500" },
  continue: {
    type: "boolean",
    short: "C",
    about:
      "go on with the FILE.ferry-part that an earlier run left, or with the upload that it began; a FILE that is " +
      "whole is not fetched, one from a ferry serve that is damaged is mended",
  },
  segments: {
    type: "integer",
    default: 1,
    min: 1,
    max: 64,
    value: "N",
    about:
      "fetch a file by so many connections at a time, each a part of it, where the server serves ranges; " +
      "with --mirror one for each server by itself",
  },
  mirror: {
    type: "list",
    value: "URL",
    isSecret: (url: string) => hideUserinfo(url) !== url,
    about:
      "fetch parts of the file from this server too, once its digest, or --checksum, shows that it has the same",
  },
  upload: {
    type: "string",
    short: "T",
    value: "FILE",
    about:
      "send FILE by PUT, - is stdin; its name is added to a URL that ends in /. From 8 MiB on it goes on " +
      "where it broke off, if the server has tus",
  },
  data: {
    type: "list",
    short: "d",
    value: "DATA",
    about: "send DATA by POST, @FILE a file as it is, @- stdin",
  },
  "data-json": {
    type: "string",
    value: "JSON",
    about: "send JSON by POST with its content type, or @FILE, @-",
  },
  form: {
    type: "list",
    short: "F",
    value: "NAME=VALUE",
    about:
      "send a form by POST (multipart/form-data); NAME=@FILE sends a file, @- stdin, NAME=<FILE the text in a " +
      "file; ;type=TYPE and ;filename=NAME may follow",
  },
  header: {
    type: "list",
    short: "H",
    value: "LINE",
    isSecret: isSecretLine,
    about: 'send this header: "Name: value"; with "Name:" it is not sent at all',
  },
  user: {
    type: "string",
    short: "u",
    value: "USER:PASSWORD",
    about:
      "basic authentication, for the URL's own origin only; the password is asked for when there is only USER",
  },
  token: {
    type: "string",
    value: "TOKEN",
    about: "bearer token, for the URL's own origin only (FERRY_TOKEN works too)",
  },
  netrc: {
    type: "boolean",
    about: "take logins from .netrc in the home folder, or the file that NETRC names, by the URL's host",
  },
  location: {
    type: "boolean",
    short: "L",
    default: true,
    about: "follow redirects, or with --no-location take them as the answer (default: follow)",
  },
  "max-redirects": {
    type: "integer",
    default: 10,
    min: 0,
    max: 1000,
    value: "N",
    about: "follow so many redirects",
  },
  fail: {
    type: "boolean",
    default: true,
    about: "a status of 400 or more is an answer like any other, exit 0",
  },
  "fail-early": {
    type: "boolean",
    about:
      "of several URLs, stop at the first that fails, and with its exit status; what is under way keeps its part",
  },
  retry: {
    type: "integer",
    default: 4,
    min: 0,
    max: 1000,
    value: "N",
    about:
      "try again so often what is safe to send twice and does not connect, breaks off, or is answered with 408, " +
      "425, 429 or 5xx (but 501, 505 to 508, 510, 511); a try that brings 1 MiB or more does not count",
  },
  timeout: {
    type: "duration",
    value: "DURATION",
    about: "time limit for each URL, tries and waits included",
  },
  "connect-timeout": {
    type: "duration",
    default: 60_000,
    value: "DURATION",
    about: "time limit for a connection to come about, proxies and TLS included; 0 for none",
  },
  "limit-rate": { type: "size", value: "SIZE", about: "move at most so many bytes a second" },
  checksum: {
    type: "string",
    value: "sha256:HEX",
    about: "the body must have this SHA-256, or no file appears",
  },
  "write-out": {
    type: "string",
    short: "w",
    value: "FORMAT",
    about:
      "write this behind each URL's body: %{status}, %{size_download}, %{time_total} and others as curl has them, " +
      "see the notes; @FILE takes it from a file",
  },
  progress: {
    type: "boolean",
    default: null,
    about:
      "show on stderr how far it is; the default on a terminal, but not with --quiet, nor where the body " +
      "or --json goes there",
  },
  unix: {
    type: "string",
    path: true,
    value: "PATH",
    about: "connect to this unix socket whatever host the URL names, by TLS for https",
  },
  cacert: { type: "string", path: true, value: "FILE", about: "trust the authorities in this PEM file too" },
  pin: {
    type: "list",
    value: "sha256:HEX",
    about: "trust servers whose certificate has this SHA-256, whatever its name, and no others",
  },
  insecure: {
    type: "boolean",
    short: "k",
    about: "take any certificate, whoever shows it; --pin is as easy, and safe",
  },
  cert: {
    type: "string",
    short: "E",
    path: true,
    value: "FILE",
    about: "show servers that ask for one this certificate, in PEM; its key may be in the same file",
  },
  key: {
    type: "string",
    path: true,
    value: "FILE",
    about: "the key of --cert, in PEM and without a passphrase",
  },
  resolve: {
    type: "list",
    value: "HOST:PORT:ADDRESS",
    about: "connect to this address (or several, with commas) for HOST:PORT, whatever its name server says",
  },
  ipv4: { type: "boolean", short: "4", about: "connect to IPv4 addresses only" },
  ipv6: { type: "boolean", short: "6", about: "connect to IPv6 addresses only" },
} as const satisfies FlagTable;

export type RequestFlags = FlagValues<typeof REQUEST_FLAGS>;
