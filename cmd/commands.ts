/** The commands by name. A command's module is loaded only when it is asked for. */
import type { Command } from "../lib/cli/command.ts";

interface CommandEntry {
  name: string;
  usage: string;
  summary: string;
  load(): Promise<Command>;
}

/** The commands, in the order of `--help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "serve",
    usage: "serve [DIR]",
    summary: "share DIR over HTTP",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "request",
    usage: "request [METHOD] URL...",
    summary: "fetch from a server, or send to it",
    load: async () => (await import("./request.ts")).request,
  },
  {
    name: "sync",
    usage: "sync SRC DST",
    summary: "make DST hold what SRC holds",
    load: async () => (await import("./sync.ts")).sync,
  },
  {
    name: "demo",
    usage: "demo",
    summary: "see Ferry do its whole job on a real tree",
    load: async () => (await import("./demo.ts")).demo,
  },
];
