/** The calls of the sync API that the index answers: the version of a tree, and what changed after one. */
import { FerryError } from "../../core/errors.ts";
import { readConditions } from "../../http/conditional.ts";
import { parseEtagList, weakEqual } from "../../http/etag.ts";
import type { Folder } from "../../store/index/folder.ts";
import type { LiveIndex } from "../../store/index/live_index.ts";
import { type Change, changeLine, changesEnd, changesHead } from "../../wire/changes.ts";
import { headTag, type TreeHead } from "../../wire/head.ts";
import { MAX_CHANGES } from "../../wire/limits.ts";
import { TREE_TYPE } from "../../wire/tree.ts";
import { hasVanished } from "../../store/replica.ts";
import { innerPath } from "../../store/root.ts";
import { type Call, json, queryNumber, require } from "./call.ts";
import { reachOf } from "./reach.ts";

/** A client may ask to wait so long for a change. */
const MAX_WAIT_S = 60;

export interface SyncHeads {
  head(call: Call): Promise<Response>;
  changes(call: Call): Promise<Response>;
}

/** The calls about the head of a tree; `stateHome` is the state folder of this machine. Each throws FerryErrors for refusals. */
export function createSyncHeads(index: LiveIndex, stateHome?: string): SyncHeads {
  async function head(call: Call): Promise<Response> {
    const seconds = countOf(call, "wait", MAX_WAIT_S) ?? 0;
    let gone = false;
    call.completed?.then(() => gone = true, () => gone = true);
    const end = performance.now() + seconds * 1000;
    const ifNoneMatch = readConditions(call.request.headers)?.ifNoneMatch ?? null;
    for (;;) {
      const now = await current(call);
      const tag = headTag(now);
      const list = ifNoneMatch === null ? [] : parseEtagList(ifNoneMatch);
      const same = list === "*" || list.some((item) => weakEqual(item, tag));
      const left = end - performance.now();
      if (same && left > 0 && index.patient && !gone) {
        await index.changed(left, call.completed);
        continue;
      }
      const headers = { etag: tag, "cache-control": "no-cache, no-transform" };
      if (same) return new Response(null, { status: 304, headers });
      const response = json(now);
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
      return response;
    }
  }

  async function changes(call: Call): Promise<Response> {
    const since = countOf(call, "since", Number.MAX_SAFE_INTEGER);
    if (since === null) throw new FerryError("bad_request", "since when? The query's `since` is a number");
    const limit = Math.max(1, countOf(call, "limit", MAX_CHANGES) ?? MAX_CHANGES);
    const head = await current(call);
    const { replica, epoch, seq } = head;
    const { base, folder } = baseOf(call);
    const gone = call.query.get("epoch") === epoch && since <= seq ? index.buried(since) : null;
    if (gone === null) throw new FerryError("gone", "what changed since then is not known; read the tree");
    const list: Change[] = gone.filter(({ path }) => base === "" || path.startsWith(base + "/"))
      .map(({ path, seq }) => ({ seq, path: base === "" ? path : path.slice(base.length + 1), entry: null }));
    collect(folder, since, list);
    list.sort((a, b) => a.seq - b.seq);
    const part = list.slice(0, limit);
    const more = part.length < list.length;
    const body = changesHead({ replica, epoch }) + part.map(changeLine).join("") +
      changesEnd(more ? part.at(-1)!.seq : head);
    const bytes = new TextEncoder().encode(body);
    return new Response(bytes, {
      headers: { "content-type": TREE_TYPE, "content-length": String(bytes.length) },
    });
  }

  /** Adds what changed in `folder` and below after `since`. */
  function collect(folder: Folder, since: number, list: Change[], prefix = ""): void {
    if (folder.seq > since) {
      for (const { name, entry, seq } of index.knownIn(folder)) {
        if (seq > since) list.push({ seq, path: prefix + name, entry });
      }
    }
    for (const child of folder.children.values()) {
      const { mtime, mode, born, name } = child;
      if (born > since) list.push({ seq: born, path: prefix + name, entry: { kind: "dir", mtime, mode } });
      if (child.below.seq > since) collect(child, since, list, `${prefix}${name}/`);
    }
  }

  /** The head of the call's folder as it is now. */
  async function current(call: Call): Promise<TreeHead> {
    require(call, "r", call.base);
    // A client that goes by the head alone would not learn that the disk of the share may be missing.
    if (hasVanished(call.root, stateHome)) throw noHead();
    const known = await index.refresh();
    const { base } = baseOf(call);
    const head = known ? index.head(base) : null;
    if (head === null) throw noHead();
    const { replica, epoch, seq, digest, files, rules } = head;
    return { replica, epoch, seq, root: digest, files, rules };
  }

  /** The folder in the index. With rules below it, a head would tell of what this user may not see. */
  function baseOf(call: Call): { base: string; folder: Folder } {
    const { folder: real, links, visible } = reachOf(call);
    const base = innerPath(call.root, real);
    const folder = index.folder(base);
    const whole = visible === undefined && links === "keep";
    if (!whole || folder === null || folder.problem !== null) throw noHead();
    return { base, folder };
  }

  return { head, changes };
}

function noHead(): FerryError {
  return new FerryError("not_found", "no head is known for this folder; read the tree");
}

/** A number of the query, at most `max`; null where it is not given. */
function countOf(call: Call, name: string, max: number): number | null {
  const number = queryNumber(call, name);
  if (number === undefined) return null;
  if (number < 0) throw new FerryError("bad_request", `the query's \`${name}\` is less than nothing`);
  return Math.min(number, max);
}
