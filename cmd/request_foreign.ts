/** What curl, wget and others call what `ferry request` does in another way. */
import type { ForeignFlags } from "../lib/cli/flags.ts";

const METHOD = "the method is a word before the URL: ferry request DELETE URL";
const SILENT = "progress shows only on a terminal; --quiet there too";
const AGENT = 'give --header "User-Agent: NAME"';
const PROXY = "proxies are those of the environment: http_proxy, https_proxy, no_proxy";
const COOKIE = 'give --header "Cookie: NAME=VALUE"';

export const FOREIGN_FLAGS: ForeignFlags = {
  "-X": METHOD,
  "--request": METHOD,
  "-f": "a status of 400 or more is exit 22 as it is; --no-fail lets it pass",
  "-s": SILENT,
  "-S": SILENT,
  "--silent": SILENT,
  "-A": AGENT,
  "--user-agent": AGENT,
  "-b": COOKIE,
  "--cookie": COOKIE,
  "-x": PROXY,
  "--proxy": PROXY,
  "-m": "did you mean --timeout?",
  "--max-time": "did you mean --timeout?",
  "-z": "did you mean --if-newer?",
  "--time-cond": "did you mean --if-newer?",
  "-Z": "did you mean --parallel?",
  "-n": "did you mean --netrc?",
  "-P": "did you mean --output-dir?",
};
