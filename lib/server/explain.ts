/** Who may do what where, as the server itself would decide: every user, every path that a rule names, every verb. Pure. */
import { quote } from "../core/errors.ts";
import { Access, formatPerms, type Perm, type PermSet } from "./access.ts";
import { childPath } from "../core/paths.ts";
import type { Accounts } from "./authenticate.ts";
import { mountOf, Mounts } from "./mounts.ts";
import { accessIn, type SharedFolder } from "./shares.ts";

/** What one user may do at one path and below it, as far as no longer path says otherwise. */
export interface Explained {
  /** Where the host name makes a difference; absent for all others. */
  host?: string;
  /** Null for everybody, logged in or not. */
  user: string | null;
  /** As in a URL, not encoded. */
  path: string;
  perms: string;
  verbs: string[];
}

/** What each verb asks for at a path; deep ones also at every rule below it. */
const VERBS: readonly { verb: string; perms: readonly Perm[]; deep?: boolean }[] = [
  { verb: "GET", perms: ["r"] },
  { verb: "HEAD", perms: ["r"] },
  { verb: "PROPFIND", perms: ["r"] },
  { verb: "PUT", perms: ["w"] },
  { verb: "MKCOL", perms: ["w"] },
  { verb: "PROPPATCH", perms: ["w"] },
  { verb: "LOCK", perms: ["w"] },
  { verb: "COPY from", perms: ["r"] },
  { verb: "COPY to", perms: ["w"] },
  { verb: "MOVE from", perms: ["d"] },
  { verb: "MOVE to", perms: ["w"] },
  { verb: "DELETE", perms: ["d"] },
  { verb: "COPY folder from", perms: ["r"], deep: true },
  { verb: "MOVE folder from", perms: ["d"], deep: true },
  { verb: "DELETE folder", perms: ["d"], deep: true },
  { verb: "sync from", perms: ["r"] },
  { verb: "sync to", perms: ["r", "w"] },
  { verb: "sync --delete to", perms: ["r", "w", "d"] },
  { verb: "jobs", perms: ["r", "w", "s"], deep: true },
];

const PERMS: readonly Perm[] = ["r", "w", "d", "s"];

/** What a server's settings say of who may do what. */
export interface Explainable {
  accounts: Accounts;
  shares: readonly Pick<SharedFolder, "mount" | "own">[];
}

/**
 * For each host name that has shares of its own, and for all others, a row for each user, everybody first, and each path
 * of a share or a rule that lies in a share.
 */
export function explain({ accounts, shares }: Explainable): Explained[] {
  const { users, anonymous } = accounts;
  const mounts = new Mounts(shares.map((share) => ({ ...share.mount, share })));
  const hosts = [...new Set(shares.flatMap(({ mount }) => mount.hosts))].sort();
  const rules = [...anonymous, ...users.flatMap((user) => user.rules)].map((rule) => rule.path);
  const accesses = [{ name: null, rules: [] }, ...users].map(({ name, rules }) =>
    new Access({ user: name, rules, anonymous, logins: users.length > 0 })
  );
  const rowsOf = (host: string | null): Explained[] => {
    const here = mounts.of(host ?? "");
    const paths = here.flatMap(({ share }) => ownPaths(share));
    return accesses.flatMap((access) =>
      [...new Set([...rules, ...paths])].sort().flatMap((path) => {
        const found = mountOf(here, path);
        if (found === undefined) return [];
        const inner = path.slice(found.path === "" ? 0 : found.path.length + 1);
        return [{ ...(host === null ? {} : { host }), ...row(accessIn(access, found.share), path, inner) }];
      })
    );
  };
  return [...rowsOf(null), ...hosts.flatMap(rowsOf)];
}

/** The path of a share, and those of its own rules, on the server. */
function ownPaths({ mount, own }: Pick<SharedFolder, "mount" | "own">): string[] {
  const rules = [...own?.anonymous ?? [], ...own?.users?.flatMap((user) => user.rules) ?? []];
  const join = (path: string) => path === "" ? mount.path : childPath(mount.path, path);
  return [mount.path, ...rules.map((rule) => join(rule.path))];
}

/** What `access` gives at `inner` of a share, which is `path` of the server. */
function row(access: Access, path: string, inner: string): Explained {
  const perms = PERMS.reduce<PermSet>((set, perm, i) => access.can(perm, inner) ? set | 1 << i : set, 0);
  const verbs = VERBS.filter(({ perms, deep }) =>
    perms.every((perm) => deep ? access.canDeep(perm, inner) : access.can(perm, inner))
  );
  return { user: access.user, path: `/${path}`, perms: formatPerms(perms), verbs: verbs.map((v) => v.verb) };
}

/** The same as text for people. */
export function explainText(rows: readonly Explained[]): string {
  const cells = rows.map(({ host, user, path, perms, verbs }) => [
    user === null ? "(everybody)" : quote(user),
    (host ?? "") + quote(path),
    perms,
    verbs.join(", ") || "nothing",
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => i < 3 ? cell.padEnd(widths[i]) : cell).join("  ") + "\n")
    .join("");
}
