/** Locks as syncs meet them. A sync has no token: what is locked stays as it is, and is a problem of the run. */
import { FerryError } from "../../core/errors.ts";
import { childPath } from "../../core/paths.ts";
import { isThere } from "../../store/quiet.ts";
import { innerPath } from "../../store/root.ts";
import type { Operation } from "../../wire/operation.ts";
import type { Outcome } from "../../wire/outcome.ts";
import { type Change, firstMissing, isLocked } from "./guard.ts";
import type { Locks } from "./locks.ts";
import type { DavState } from "./state.ts";

/** The locks of the share at `root`. */
export class PathLocks {
  readonly #dav: DavState;
  readonly #root: string;

  constructor(dav: DavState, root: string) {
    this.#dav = dav;
    this.#root = root;
  }

  get #locks(): Locks | null {
    const locks = this.#dav.known?.locks;
    return locks?.any ? locks : null;
  }

  /** Whether there may be any. */
  get any(): boolean {
    return this.#locks !== null;
  }

  /** An outcome for each of `operations` in `folder`, a real path: null for those that no lock is against. */
  refusals(folder: string, operations: readonly Operation[]): Outcome[] {
    const locks = this.#locks;
    if (locks === null) return operations.map(() => null);
    const base = innerPath(this.#root, folder);
    return operations.map((operation) => {
      const locked = changesOf(operation).some(([kind, path]) =>
        isLocked(locks, childPath(base, path), kind)
      );
      return locked ? { code: "forbidden", message: "a WebDAV client has locked it" } : null;
    });
  }

  /** Throws `locked` where `folder`, a real path, is not there, and a lock is against its being made. */
  demandRoomFor(folder: string): void {
    const locks = this.#locks;
    if (locks === null || isThere(folder)) return;
    if (!isLocked(locks, innerPath(this.#root, firstMissing(folder)), "member")) return;
    throw new FerryError("locked", "a WebDAV client has locked the folder that this one would be in");
  }
}

function changesOf(operation: Operation): [kind: Change["kind"], path: string][] {
  switch (operation.op) {
    case "keep":
      return [];
    case "delete":
      return [["tree", operation.path]];
    case "move":
      return [["tree", operation.from], [operation.expect === null ? "member" : "content", operation.path]];
    default:
      return [[operation.expect === null ? "member" : "content", operation.path]];
  }
}
