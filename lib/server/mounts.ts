/** Where shares are in the URL space of a server: which one answers for a host and a path. */
import { isWithin, parseUrlPath } from "../core/paths.ts";

/** The place of a share. */
export interface Mount {
  /** Host names, lower case; none: for every host that no share names. */
  hosts: readonly string[];
  /** The URL path, checked and relative: `""` for all. */
  path: string;
}

/** That of a share that has the server to itself. */
export const TOP: Mount = { hosts: [], path: "" };

/** A share, and what is left of the path of a request. */
export interface Found<M extends Mount> {
  mount: M;
  /** Raw, below the mount; it starts with a slash, but where the mount itself was named without one it is empty. */
  path: string;
}

/** Finds shares: first by host, as one server for each; then the longest path wins. */
export class Mounts<M extends Mount> {
  readonly #byHost = new Map<string, M[]>();
  readonly #others: M[];

  constructor(mounts: readonly M[]) {
    const longestFirst = mounts.toSorted((a, b) => b.path.length - a.path.length);
    this.#others = longestFirst.filter(({ hosts }) => hosts.length === 0);
    for (const mount of longestFirst) {
      for (const host of mount.hosts) this.#byHost.set(host, [...this.#byHost.get(host) ?? [], mount]);
    }
  }

  /** The shares that a request with this authority (`HOST` or `HOST:PORT`) may reach, those with longer paths first. */
  of(authority: string): readonly M[] {
    if (this.#byHost.size === 0) return this.#others;
    return this.#byHost.get(hostOf(authority)) ?? this.#others;
  }
}

/** The one of `mounts`, as `Mounts.of` gives them, that the checked relative `path` lies in. */
export function mountOf<M extends Mount>(mounts: readonly M[], path: string): M | undefined {
  return mounts.find((mount) => isWithin(path, mount.path));
}

/**
 * The one of `mounts` that a raw URL path leads to. The path is read as the file system's side reads it, so that both
 * see the same names; throws what `parseUrlPath` throws.
 */
export function findMount<M extends Mount>(mounts: readonly M[], raw: string): Found<M> | undefined {
  const mount = mountOf(mounts, parseUrlPath(raw).path);
  if (mount === undefined) return undefined;
  return { mount, path: mount.path === "" ? raw : withoutNames(raw, mount.path.split("/").length) };
}

/** A raw path that parses without its first `count` names. */
function withoutNames(raw: string, count: number): string {
  let at = 0;
  for (let names = 0; names < count && at !== -1; names++) at = raw.indexOf("/", at + 1);
  return at === -1 ? "" : raw.slice(at);
}

/** The name in `HOST` or `HOST:PORT`, as it is compared: lower case, without the dot of a full name. */
export function hostOf(authority: string): string {
  return authority.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
}

/** The names in the folder `path` (checked, relative) that lead to the mounts below it, sorted. */
export function mountNames(mounts: readonly Mount[], path: string): string[] {
  const below = mounts.filter((mount) => mount.path !== path && isWithin(mount.path, path));
  const start = path === "" ? 0 : path.length + 1;
  return [...new Set(below.map((mount) => mount.path.slice(start).split("/")[0]))].sort();
}
