/** The shares of a server, each with what is kept for it, and the one that a request is for. */
import type { CorsPolicy } from "../http/cors.ts";
import type { Access, Rule } from "./access.ts";
import { HotFiles } from "./hot_files.ts";
import { Mounted, type ShareFolder } from "./mounted.ts";
import { findMount, type Mount, mountOf, Mounts } from "./mounts.ts";
import type { Share } from "./share.ts";

/** Bytes of files that a worker keeps in memory, for all shares together. */
const HOT_BYTES = 48 * 1024 * 1024;

/** A share in its place. */
export interface SharedFolder {
  mount: Mount;
  share: Share;
  /** Whose scripts may read answers; absent for nobody's. */
  cors?: CorsPolicy;
  /** What the share says itself of who may do what, with paths that start at the share. */
  own?: ShareRules;
}

/** Rules of one share, each in place of the server's. */
export interface ShareRules {
  anonymous?: readonly Rule[];
  /** Whoever is not named has no rule of the own. */
  users?: readonly { name: string; rules: readonly Rule[] }[];
}

/** What somebody with `access` to the server may do in a share, by paths that start at the share. */
export function accessIn(access: Access, { mount, own = {} }: Pick<SharedFolder, "mount" | "own">): Access {
  const { anonymous, users } = own;
  const rules = users && (users.find(({ name }) => name === access.user)?.rules ?? []);
  return access.at(mount.path, { anonymous, rules });
}

/** What a request is for. */
export interface Found {
  /** Null where no share is. */
  shared: Shared | null;
  /** The raw path in the share, empty where the share itself was named without a slash; null for the path as it was asked for. */
  path: string | null;
  /** All shares of its host. */
  mounts: readonly Shared[];
  /** Why the path cannot be read at all. */
  error: unknown;
}

/** The shares of a server. */
export class Shares {
  /** What every request is for, where one share has all of the URL space to itself. */
  readonly only: Found | null;
  readonly all: readonly Shared[];
  readonly #mounts: Mounts<Shared>;

  constructor(folders: readonly SharedFolder[]) {
    const shares = this.all = folders.map((folder) => new Shared(folder, HOT_BYTES / folders.length));
    const [first] = shares;
    const alone = shares.length === 1 && first.path === "" && first.hosts.length === 0;
    this.only = alone ? { shared: first, path: null, mounts: [], error: null } : null;
    this.#mounts = new Mounts(shares);
  }

  /** Whether requests with these two authorities are for the same shares. */
  areOne(a: string, b: string): boolean {
    return this.only !== null || this.#mounts.of(a) === this.#mounts.of(b);
  }

  /** The share that the checked relative `path` of the server lies in. */
  at(authority: string, path: string): Shared | undefined {
    return mountOf(this.#mounts.of(authority), path);
  }

  /** Something was changed by way of this server. */
  changed(): void {
    for (const { hot } of this.all) hot.changed();
  }

  /** What a request with this authority and raw path is for. */
  find(authority: string, raw: string): Found {
    const mounts = this.#mounts.of(authority);
    try {
      const found = findMount(mounts, raw);
      return { shared: found?.mount ?? null, path: found?.path ?? raw, mounts, error: null };
    } catch (error) {
      return { shared: null, path: raw, mounts, error };
    }
  }
}

/** One share. */
export class Shared implements Mount {
  readonly hosts: readonly string[];
  readonly path: string;
  readonly share: Share;
  readonly cors: CorsPolicy | undefined;
  readonly hot: HotFiles;
  readonly #own: ShareRules;
  /** Whether paths and rules of the share are those of the server. */
  readonly #plain: boolean;
  readonly #accesses = new WeakMap<Access, Access>();

  constructor({ mount, share, cors, own = {} }: SharedFolder, hotBytes: number) {
    this.hosts = mount.hosts;
    this.path = mount.path;
    this.share = share;
    this.cors = cors;
    this.hot = new HotFiles(hotBytes);
    this.#own = own;
    this.#plain = mount.path === "" && own.anonymous === undefined && own.users === undefined;
  }

  /** What somebody with `access` to the server may do in the share, by paths that start at the share. */
  accessOf(access: Access): Access {
    if (this.#plain) return access;
    const known = this.#accesses.get(access);
    if (known !== undefined) return known;
    const own = accessIn(access, { mount: this, own: this.#own });
    this.#accesses.set(access, own);
    return own;
  }

  /** The folder, for somebody with `access` to the server who may read anything in it. */
  see(access: Access): ShareFolder | null {
    if (!this.accessOf(access).canSomewhere("r")) return null;
    const { root } = this.share;
    try {
      return { real: root, info: Deno.lstatSync(root) };
    } catch {
      return null;
    }
  }

  /** Its place among `mounts`, for somebody with `access` to the server. */
  mountedAmong(mounts: readonly Shared[], access: Access): Mounted {
    if (mounts.length === 0) return Mounted.ALONE;
    return new Mounted(this, mounts, (mount) => (mount as Shared).see(access));
  }
}
