/** The commands by name. A command's module is loaded only when it is asked for. */
import type { Command } from "../lib/cli/command.ts";

export interface CommandEntry {
  name: string;
  usage: string;
  summary: string;
  load(): Promise<Command>;
}

/** A command made of commands. */
export interface CommandGroup {
  name: string;
  usage: string;
  summary: string;
  commands: readonly CommandEntry[];
}

/** All there are. */
export type Commands = readonly (CommandEntry | CommandGroup)[];

const TOKEN_COMMANDS: readonly CommandEntry[] = [
  {
    name: "create",
    usage: "token create --token-key FILE [flags]",
    summary: "make a token: a path, verbs, an end, and how much",
    load: async () => (await import("./token_create.ts")).tokenCreate,
  },
  {
    name: "share",
    usage: "token share --token-key FILE URL",
    summary: "make a link to one file or folder",
    load: async () => (await import("./token_share.ts")).tokenShare,
  },
  {
    name: "inspect",
    usage: "token inspect TOKEN|LINK|-",
    summary: "show what a token says, and what became of it",
    load: async () => (await import("./token_inspect.ts")).tokenInspect,
  },
  {
    name: "revoke",
    usage: "token revoke --token-key FILE TOKEN|LINK|ID|-",
    summary: "end a token now",
    load: async () => (await import("./token_revoke.ts")).tokenRevoke,
  },
  {
    name: "key",
    usage: "token key FILE",
    summary: "make the key that tokens are signed with",
    load: async () => (await import("./token_key.ts")).tokenKey,
  },
  {
    name: "hash",
    usage: "token hash",
    summary: "make the hash of a password, for --auth and --users",
    load: async () => (await import("./token_hash.ts")).tokenHash,
  },
];

/** The commands, in the order of `--help`. */
export const COMMANDS: Commands = [
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
    name: "token",
    usage: "token COMMAND",
    summary: "make tokens, share links and password hashes for a server",
    commands: TOKEN_COMMANDS,
  },
  {
    name: "completions",
    usage: "completions bash|zsh|fish",
    summary: "make the completions of a shell",
    load: async () => (await import("./completions.ts")).completions(COMMANDS),
  },
  {
    name: "man",
    usage: "man [COMMAND]",
    summary: "make a manual page",
    load: async () => (await import("./man.ts")).man(COMMANDS),
  },
  {
    name: "demo",
    usage: "demo",
    summary: "see Ferry do its whole job on a real tree",
    load: async () => (await import("./demo.ts")).demo,
  },
];
