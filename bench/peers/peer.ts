/** What the bench asks of a program: each part is there only when the program has it. */
import type { Daemon } from "../daemon.ts";
import type { CommandLine } from "../process.ts";

export interface ServeOptions {
  /** A folder of its own for configuration and state. */
  scratch: string;
  writable?: boolean;
  /** Listings are HTML, where the server has to be told which. */
  htmlListing?: boolean;
}

export interface Peer {
  /** As the table calls it. */
  name: string;
  /** What it says about its version; null when it is not installed. */
  version(): Promise<string | null>;
  /** Whether a pull or push keeps links, permission bits and times, so that the comparison may demand them. */
  faithful: boolean;
  /** At most so many rounds, for a program whose rounds take long. */
  rounds?: number;
  /** Only where the target is a disk: what it does differently makes no difference on tmpfs. */
  diskOnly?: boolean;
  /** Its server is measured at single files too. */
  servesFiles?: boolean;
  /** Its server stores what is sent with PUT, when it is `writable`. */
  takesPuts?: boolean;
  /** Its server answers PROPFIND of WebDAV. */
  propfind?: boolean;
  /** How its server is asked for a listing in JSON. */
  jsonListing?: { query?: string; accept?: string };
  /** Serves `dir`; the URL ends with a slash. */
  serve?(dir: string, options: ServeOptions): Promise<Daemon>;
  /** Makes the folder `dir` hold what the server at `url` serves. */
  pull?(url: string, dir: string, options: { scratch: string }): CommandLine;
  /** The same, and deletes what the server does not have. */
  mirror?(url: string, dir: string, options: { scratch: string }): CommandLine;
  /** Makes the folder at `url` hold what `dir` holds. */
  push?(dir: string, url: string, options: { scratch: string }): CommandLine;
  /** The same pull, and how many bytes it says that it sent and received. */
  pullCounted?(url: string, dir: string, options: { scratch: string }): {
    command: CommandLine;
    bytes(stdout: string): number;
  };
  /** Copies the folder at `url`, of any server that lists its folders, into `dir`. */
  recurse?(url: string, dir: string, options: { scratch: string }): CommandLine;
  /** Fetches the files `names` of the folder at `url` into `dir`, 16 at a time. */
  getMany?(
    list: { url: string; names: readonly string[] },
    dir: string,
    options: { scratch: string },
  ): CommandLine;
  /** Fetches one file by so many connections. */
  getSegments?(url: string, file: string, segments: number): CommandLine;
  /** Fetches one file. */
  get?(url: string, file: string): CommandLine;
  /** Writes one file to stdout; what the program keeps to itself lies in `scratch`. */
  show?(url: string, options: { scratch: string }): CommandLine;
  /** Runs a pull that has nothing to do and throws when it does something. */
  checkNothingToDo?(url: string, dir: string, options: { scratch: string }): Promise<void>;
}
