/** What `ferry serve` was told: by its command line, and by the file that `--config` names. */
import type { FlagTable } from "../lib/cli/flags.ts";
import { FerryError } from "../lib/core/errors.ts";
import { parsePerms, type Rule } from "../lib/server/access.ts";
import type { User } from "../lib/server/auth_flag.ts";
import type { Accounts } from "../lib/server/authenticate.ts";
import type { ReadServeFile } from "../lib/server/config/serve_file.ts";
import { writableRefusal } from "../lib/server/config/loopback.ts";
import type { Place } from "../lib/server/listen.ts";

/** A command line that was read. */
export interface ServeLine<F> {
  flags: F;
  given: ReadonlySet<string>;
}

/** Flags over the file: a flag that was given counts, then what the file says, then the flag's default. */
export interface Told<F> extends ServeLine<F> {
  /** Null without `--config`. */
  file: ReadServeFile | null;
}

/** Reads what `line` and its `--config` say, by the flags of the command. Throws `usage`. */
export async function readTold<F extends { config: string | undefined }>(
  line: ServeLine<F>,
  table: FlagTable,
): Promise<Told<F>> {
  const { flags, given } = line;
  if (flags.config === undefined) return { flags, given, file: null };
  // A server that is told by flags alone need not load this.
  const { readConfigText } = await import("../lib/cli/config/config_file.ts");
  const { overFlags, ReadServeFile } = await import("../lib/server/config/serve_file.ts");
  const file = new ReadServeFile(flags.config, readConfigText(flags.config), table);
  return { flags: overFlags(flags, given, file.value), given, file };
}

interface AccountFlags {
  anonymous: string;
  writable: boolean;
  auth: string[];
  users: string | undefined;
}

/** The file of users, by the command line or else by the configuration; undefined for none. */
export function usersFileOf({ flags, file }: Told<Pick<AccountFlags, "users">>): string | undefined {
  const said = file?.value.users;
  return flags.users ?? (typeof said === "string" ? said : undefined);
}

/** Who may come in, and what they may do where no share says otherwise. */
export async function readAccounts(told: Told<AccountFlags>, place: Place): Promise<Accounts> {
  const { flags, given, file } = told;
  const refused = writableRefusal(place);
  if (flags.writable && refused !== null) {
    throw new FerryError("usage", `--writable ${refused}; use --auth, or a loopback --host`);
  }
  const users = new Map<string, User>();
  let anonymous: Rule[] | undefined;
  if (file !== null) {
    const { anonymousOf, usersOf } = await import("../lib/server/config/file_rules.ts");
    anonymous = anonymousOf(file.value);
    const { users: own } = file.value;
    if (typeof own === "object") usersOf(own).forEach((user) => users.set(user.name, user));
  }
  const usersFile = usersFileOf(told);
  if (usersFile !== undefined) {
    const { readUsers } = await import("../lib/server/users_file.ts");
    for (const user of readUsers(usersFile)) users.set(user.name, user);
  }
  if (flags.auth.length > 0) {
    const { parseAuthFlags } = await import("../lib/server/auth_flag.ts");
    for (const user of parseAuthFlags(flags.auth)) users.set(user.name, user);
  }
  if (file !== null) {
    const { checkServeFile } = await import("../lib/server/config/serve_checks.ts");
    checkServeFile(file, { users: [...users.keys()], place });
  }
  if (anonymous === undefined || given.has("anonymous") || given.has("writable")) {
    anonymous = [{ path: "", perms: parsePerms(flags.writable ? "rwd" : flags.anonymous)! }];
  }
  return { anonymous, users: [...users.values()] };
}
