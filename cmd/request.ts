import { type Command, defineCommand } from "../lib/cli/command.ts";
import { type Io, isLive } from "../lib/cli/io.ts";
import { ifNewerThan } from "../lib/client/if_newer.ts";
import { parseRangeFlag } from "../lib/client/range_flag.ts";
import { readSending, type Sending } from "../lib/client/request_input.ts";
import { planOutputs } from "../lib/client/request_output.ts";
import { RequestRun } from "../lib/client/request_run.ts";
import type { RequestSettings } from "../lib/client/request_settings.ts";
import { WORST_FIRST } from "../lib/client/jobs/outcome.ts";
import type { Jobs } from "../lib/client/jobs/job.ts";
import { UrlJobs } from "../lib/client/jobs/url_jobs.ts";
import { splitArgs } from "../lib/client/target.ts";
import { makeFolder } from "../lib/client/sink.ts";
import type { TransfersMeter } from "../lib/client/transfers_meter.ts";
import type { WriteOut } from "../lib/client/write_out/write_out.ts";
import { checkFlags, parseChecksum } from "./request_checks.ts";
import { REQUEST_FLAGS, type RequestFlags } from "./request_flags.ts";
import { FOREIGN_FLAGS } from "./request_foreign.ts";
import { dialerFor, hideSecrets, identityOf } from "./request_network.ts";

export const request: Command = defineCommand({
  name: "request",
  summary: "Fetch from a server, or send to it.",
  usage: [
    "request [METHOD] URL...",
    "request [METHOD] --input FILE",
    "request --recursive URL...",
    "request -T FILE URL...",
    "request -o FILE URL",
  ],
  flags: REQUEST_FLAGS,
  foreign: FOREIGN_FLAGS,
  flagFile: true,
  args: { min: 0, max: 100_000 },
  notes: [
    "METHOD defaults to GET, to POST with --data, --data-json or --form, to PUT with --upload. The body goes to stdout unless a flag names a file. " +
    "A file appears under its own name only when it is whole and its checksum is right; until then it is NAME.ferry-part.",
    "A transfer that breaks off is gone on with at the byte where it stopped, when the server proves by a strong " +
    "validator that the content is still the same. --json prints one object a URL, on stdout where the body " +
    "went to a file, else on stderr.",
    "What the server says of a body by Repr-Digest or Content-Digest (RFC 9530) is checked, and asked for: else exit 43, " +
    "and no file.",
    "A file of 8 MiB or more goes to a ferry serve by tus 1.0 (docs/uploads.md), so that an upload that breaks off " +
    "goes on, with --continue that of an earlier run too; with PUT as METHOD it is one plain request. Files are sent with their SHA-256, by which such a server " +
    "refuses what came otherwise: exit 43.",
    "Several URLs: one that fails is told, and the others go on. The exit status is that of the worst, which is the " +
    `one that the same call would help least: ${WORST_FIRST.join(", ")}.`,
    "--recursive reads listings as Ferry, Caddy, nginx, Apache, Python and others make them, or over WebDAV. It writes " +
    "nothing outside its folder and follows no symbolic link in it. A file that is here is fetched anew only when its size " +
    "or time differs, or where the listing has neither, when the server says that it changed (If-Modified-Since, " +
    "If-None-Match); files get the server's times. What only lies here stays.",
    "--write-out takes curl's names: status (http_code), size_download, size_upload, speed_download, time_total, " +
    "time_namelookup, time_connect, time_appconnect, time_pretransfer, time_starttransfer, time_redirect, url, " +
    "url_effective, redirect_url, num_redirects, num_connects, num_retries, num_headers, content_type, method, scheme, " +
    "http_version, remote_ip, remote_port, local_ip, local_port, filename_effective, exitcode, errormsg, json, " +
    "header_json, stderr, stdout, onerror; bytes, ms, path, sha256, resumed and retries as --json has them; %header{NAME}; %%, \\n, " +
    "\\r, \\t. Sizes are those of all tries together.",
    "-u, --token, an Authorization or Cookie header, and others whose names speak of a secret (token, api-key, password), " +
    "never follow a redirect to another origin.",
  ],
  examples: [
    { run: "ferry request http://host/data.json | jq .name", about: "the body to a pipe" },
    {
      run: "ferry request http://host/tree.tar.gz | tar xz",
      about: "unpack while it arrives; a break is mended in the stream",
    },
    {
      run: "ferry request -O http://host/a.iso http://host/b.iso",
      about: "two files, named as in their URLs",
    },
    {
      run: "ferry request -o 'page_#1.html' 'http://host/page/[1-100]'",
      about: "a hundred pages, some at a time",
    },
    {
      run: "ferry request --input urls.txt --output-dir pages",
      about: "a URL a line, however many",
    },
    {
      run: "ferry request --recursive http://host/pub/ --output-dir pub",
      about: "mirror a folder; once more for what has changed",
    },
    { run: "ferry request -C -o big.iso http://host/big.iso", about: "go on where an earlier run stopped" },
    {
      run: "ferry request -o feed --etag-save feed.etag --etag-compare feed.etag http://host/feed",
      about: "only when it has changed",
    },
    {
      run: "ferry request --segments 8 -O http://host/big.iso --mirror http://other/big.iso",
      about: "by eight connections to two servers",
    },
    { run: "ferry request http://host/big.iso | sha256sum", about: "checksum without a file" },
    {
      run: "tar cz src | ferry request -T - http://host/src.tgz",
      about: "upload from a pipe, however long it is",
    },
    {
      run: "ferry request -C -T big.iso http://host/",
      about: "go on with an upload that an earlier run began",
    },
    { run: "ferry request -r 0-15 http://host/big.iso | xxd", about: "the first 16 bytes" },
    { run: "ferry request --data-json '{\"a\":1}' http://host/api", about: "POST JSON" },
    {
      run: "ferry request --pin sha256:HEX https://nas:8420/notes.txt",
      about: "from a server that made its certificate itself and printed this",
    },
    {
      run: "ferry request --form title=Sea --form photo=@sea.jpg http://host/album",
      about: "POST a form with a file",
    },
    {
      run: "ferry request -o /dev/null -w '%{status} %{time_starttransfer}\\n' http://host/",
      about: "what came of it, and how fast",
    },
    { run: "ferry request DELETE http://host/old.txt", about: "any other method" },
  ],
  environment: [
    { name: "FERRY_TOKEN", about: "the token where nothing else says who it is" },
    { name: "NETRC", about: "the file for --netrc" },
    {
      name: "http_proxy, https_proxy, all_proxy",
      about: "the proxy: http://, https://, socks5:// or socks5h://",
    },
    {
      name: "no_proxy",
      about: "hosts that are reached without one, with commas between: names, .suffixes, addresses, *",
    },
    { name: "XDG_STATE_HOME", about: "where unfinished uploads are kept in mind, in its folder ferry" },
    { name: "NO_COLOR", about: "no colours when it is not empty" },
  ],
  exits: [0, 1, 2, 3, 6, 7, 18, 22, 23, 26, 28, 33, 35, 41, 43, 47, 60, 67, 130, 143],
  async run({ flags, args }, io) {
    await hideSecrets(flags, args);
    const { method, targets } = splitArgs(args, { input: flags.input !== undefined });
    const sending = await readSending(flags, method, io);
    const urls = await UrlJobs.read(targets, { glob: flags.glob });
    const count = urls.counts.reduce((sum, count) => sum + count, 0);
    const several = count > 1 || flags.input !== undefined || flags.recursive;
    await checkFlags(flags, { sending, count, several });
    const ifNewer = flags["if-newer"] === undefined ? undefined : ifNewerThan(flags["if-newer"], sending);
    const intoFiles = flags["remote-name"] || flags["remote-header-name"] ||
      flags["output-dir"] !== undefined ||
      flags.output.length > 0;
    const many = flags.input !== undefined || flags.recursive ||
      (count > 1 && intoFiles && sending.method === "GET");
    const writeOut = await writeOutOf(flags, io);
    // A mirror says itself where its files go.
    const outputs = planOutputs(flags.recursive ? { ...flags, "output-dir": undefined } : flags, urls.counts);
    const wantsEtags = flags["etag-save"] !== undefined || flags["etag-compare"] !== undefined;
    const { prepareEtags } = wantsEtags ? await import("./request_etag.ts") : {};
    const [job] = count === 1 ? urls : [];
    const saveEtag = prepareEtags?.(flags, { sending, outputs, job });
    const settings: RequestSettings = {
      sending,
      outputs,
      intoFiles: intoFiles && !flags.output.includes("-"),
      sinks: {
        overwrite: flags.overwrite,
        terminal: io.stdoutIsTerminal && !flags.output.includes("-"),
      },
      identity: await identityOf(flags, io),
      dialer: await dialerFor(flags, io, { lookFirst: writeOut?.wantsLookup }),
      transfer: {
        range: flags.range === undefined ? undefined : parseRangeFlag(flags.range),
        ifNewer,
        resume: flags.continue,
        sha256: flags.checksum === undefined ? undefined : parseChecksum(flags.checksum, several),
        maxRedirects: flags.location ? flags["max-redirects"] : null,
        retries: flags.retry,
        timeout: flags.timeout || undefined,
        fail: flags.fail,
      },
      segments: flags.segments,
      mirrors: flags.mirror,
      showHeaders: flags["show-headers"],
      limitRate: flags["limit-rate"],
      uploadsFolder: async () => {
        const { stateHomeIfAny } = await import("../lib/store/state_dir.ts");
        const home = stateHomeIfAny(undefined, io.env);
        return home === undefined ? undefined : `${home}/uploads`;
      },
      fileWriter: async () => {
        const { DownloadThread } = await import("../lib/store/downloads/thread.ts");
        return new DownloadThread();
      },
      parallel: flags.parallel ?? (many && flags.segments === 1 ? PARALLEL : 1),
      several,
      saveEtag,
      failEarly: flags["fail-early"],
      json: flags.json,
      writeOut,
      quiet: flags.quiet,
      verbose: flags.verbose,
    };
    const work = async (io: Io, meter?: TransfersMeter) => {
      using run = new RequestRun(settings, io, meter);
      if (!flags.recursive) {
        const jobs = await jobsOf(flags, urls, io);
        if (flags["output-dir"] !== undefined && sending.method !== "HEAD") makeFolder(flags["output-dir"]);
        return await run.all(jobs);
      }
      const { mirrorAll } = await import("./request_recursive.ts");
      return await mirrorAll({ flags, targets: Array.from(urls, ({ target }) => target), run }, io);
    };
    if (!wantsProgress(flags, sending, io)) return await work(io);
    const { withProgress } = await import("../lib/client/request_progress.ts");
    return await withProgress(io, flags.input === undefined && !flags.recursive ? count : undefined, work);
  },
});

/** What is to be written about each URL. Throws `usage` and `read_failed`. */
async function writeOutOf(flags: RequestFlags, io: Io): Promise<WriteOut | undefined> {
  const format = flags["write-out"];
  if (format === undefined) return undefined;
  const { WriteOut } = await import("../lib/client/write_out/write_out.ts");
  return new WriteOut(format, { stdout: io.stdoutIsTerminal, stderr: io.stderrIsTerminal });
}

/** URLs at a time where they go into files. */
const PARALLEL = 16;

/** What is to be done: the URLs of the command line, and behind them those of `--input`. */
async function jobsOf(flags: RequestFlags, urls: UrlJobs, io: Io): Promise<Jobs> {
  if (flags.input === undefined) return urls;
  const { InputFile } = await import("../lib/client/jobs/input_file.ts");
  const file = await InputFile.open(flags.input, io.stdin, { below: flags["output-dir"] !== undefined });
  return file.jobs(urls[Symbol.iterator]());
}

/** By itself it is shown on a terminal, unless bodies or lines of JSON go to one. */
function wantsProgress(
  flags: RequestFlags & { json: boolean; quiet: boolean },
  sending: Sending,
  io: Io,
): boolean {
  if (flags.progress !== undefined) return flags.progress;
  if (flags.quiet || !isLive(io)) return false;
  const intoFiles = flags.recursive || flags["remote-name"] || flags["remote-header-name"] ||
    flags["output-dir"] !== undefined;
  const toStdout = flags.output.includes("-") || flags.output.length === 0 && !intoFiles;
  const isTold = flags.json || flags["write-out"] !== undefined;
  if (isTold && (toStdout || io.stdoutIsTerminal)) return false;
  // An upload is what takes its time, and its answer is short.
  return !(toStdout && io.stdoutIsTerminal && sending.body.kind === "none");
}
