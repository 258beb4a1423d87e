/**
 * What this machine remembers of runs between a folder here and a place on a server, in its state folder: that place's
 * root digest at one version, and digests of folders here by what they were made from. Each is true for ever, whatever
 * becomes of either side, so that nothing that is remembered can make a wrong result; without it a run takes longer.
 */
import * as crypto from "node:crypto";
import { FerryError } from "../core/errors.ts";
import { isId, type TreeHead } from "../wire/head.ts";
import { isObject } from "../wire/fields.ts";
import { readKept, writeKept } from "./kept.ts";
import type { KnownDigests } from "./read/snapshot.ts";

/** A version of a tree elsewhere and its digest. */
export type KnownVersion = Pick<TreeHead, "replica" | "epoch" | "seq"> & { root: string };

export interface RunMemory {
  version: KnownVersion | null;
  digests: KnownDigests;
  /**
   * Paths that only the folder here had, when its last run left them there; none of them below another. No more than a
   * guess: a digest says whether the rest is what the other place held.
   */
  extra: readonly string[];
}

/** Digests of more folders than this are made anew. */
const MAX_DIGESTS = 100_000;

/** Of more extra paths than this nothing is remembered. */
export const MAX_EXTRA = 1000;

/** A file that is larger was not written here. */
const MAX_BYTES = 32 * 1024 * 1024;

export const NO_MEMORY: RunMemory = { version: null, digests: new Map(), extra: [] };

/** Where the memory of runs between the folder `root`, a real path, and the place `other` lies. */
export function runMemoryPath(home: string, root: string, other: string): string {
  const name = crypto.createHash("sha256").update(`${root}\0${other}`).digest("hex").slice(0, 24);
  return `${home}/runs/${name}`;
}

/** What is remembered at `path`. Throws `read_failed` for a file that is not as it was written. */
export function recallRun(path: string): RunMemory {
  try {
    return parse(readKept(path, MAX_BYTES)) ?? NO_MEMORY;
  } catch {
    throw new FerryError("read_failed", `what was remembered of former runs is damaged (${path})`);
  }
}

/** Writes it down. Never throws: a machine without a state folder remembers nothing. */
export function rememberRun(path: string, { version, digests, extra }: RunMemory): void {
  const flat: string[] = [];
  for (const [key, own] of digests) if (flat.push(key, own) >= 2 * MAX_DIGESTS) break;
  writeKept(path, { format: FORMAT, version, extra, digests: flat });
}

/** Changes with what a key or a digest is made from. */
const FORMAT = 2;

/** Null for what another version of this program has written. */
function parse(body: unknown): RunMemory | null {
  if (
    !isObject(body) || body.format !== FORMAT || !Array.isArray(body.digests) || !Array.isArray(body.extra)
  ) return null;
  const { version, digests, extra } = body;
  const known = new Map<string, string>();
  for (let i = 0; i < digests.length; i += 2) known.set(digests[i], digests[i + 1]);
  return { version: isVersion(version) ? version : null, digests: known, extra };
}

function isVersion(value: unknown): value is KnownVersion {
  return isObject(value) && isId(value.replica) && isId(value.epoch) && Number.isSafeInteger(value.seq) &&
    typeof value.root === "string";
}
