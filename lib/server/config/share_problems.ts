/** What several shares of one server must not have with each other. */
import { quote } from "../../core/errors.ts";
import { isWithin, joinRoot, RESERVED_NAME } from "../../core/paths.ts";
import { isThere } from "../../store/quiet.ts";
import type { Mount } from "../mounts.ts";

/** A share, as far as this is about it. */
export interface PlacedShare {
  mount: Mount;
  /** A real path. */
  root: string;
  /** What messages call it by. */
  number: number;
}

/** What is wrong with one share. */
export interface ShareProblem {
  /** Its place in the list. */
  share: number;
  /** The key that it is about. */
  key: "folder" | "path" | "host";
  message: string;
}

/** What is wrong with `shares`, for each pair at the later one. `there` tells whether a path of the system is taken. */
export function shareProblems(
  shares: readonly PlacedShare[],
  there: (path: string) => boolean = isThere,
): ShareProblem[] {
  const problems: ShareProblem[] = [];
  for (const [i, share] of shares.entries()) {
    const say = (key: ShareProblem["key"], message: string) => problems.push({ share: i, key, message });
    if (share.root.split("/").includes(RESERVED_NAME)) {
      say("folder", `lies in a ${RESERVED_NAME} folder, Ferry's own state, which is never shared`);
    }
    for (const [j, other] of shares.entries()) {
      const host = commonHost(share.mount, other.mount);
      const earlier = j < i;
      if (earlier && share.root === other.root) {
        say("folder", `is the folder of share ${other.number} already; give that one several hosts instead`);
      }
      if (host === null) continue;
      const at = `/${quote(share.mount.path)}${host === "" ? "" : ` on ${host}`}`;
      if (earlier && share.mount.path === other.mount.path) {
        const key = share.mount.hosts.length > 0 ? "host" : "path";
        say(key, `puts it at ${at}, where share ${other.number} is`);
      }
      const hidden = hiddenBy(share, other);
      if (hidden !== null && there(joinRoot(other.root, hidden))) {
        say(
          "path",
          `${at} hides what share ${other.number} has there, ${quote(joinRoot(other.root, hidden))}`,
        );
      }
    }
  }
  return problems;
}

/** A host that both are for, `""` where both are for all others; null for none. */
function commonHost(a: Mount, b: Mount): string | null {
  if (a.hosts.length === 0 && b.hosts.length === 0) return "";
  return a.hosts.find((host) => b.hosts.includes(host)) ?? null;
}

/** The path in `outer` that nobody can reach any more because `inner` is there; null where the two do not meet. */
function hiddenBy({ mount: inner }: PlacedShare, { mount: outer }: PlacedShare): string | null {
  if (inner.path === outer.path || !isWithin(inner.path, outer.path)) return null;
  return outer.path === "" ? inner.path : inner.path.slice(outer.path.length + 1);
}
