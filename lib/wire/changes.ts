/**
 * What changed in a tree after a number, as lines of JSON: a head `{"ferry":1,"replica":...,"epoch":...}`, then a line
 * a change in the order of their numbers, then `{"end":SEQ,"more":false}`: up to where the list is whole, and whether
 * there is more behind it.
 *
 * - `{"seq":7,"path":"a/b","entry":["b","f",5,1764000000123,420]}`: this is there now, whatever was before
 * - `{"seq":8,"path":"a/c","gone":true}`: nothing is there any more, nor below it
 */
import type { Entry } from "../core/entry.ts";
import { baseName } from "../core/paths.ts";
import { PROTOCOL } from "./limits.ts";
import { encodeEntry } from "./tree.ts";

/** One change: what is at the path, or null for nothing. */
export interface Change {
  seq: number;
  path: string;
  entry: Entry | null;
}

export function changesHead(index: { replica: string; epoch: string }): string {
  return JSON.stringify({ ferry: PROTOCOL, ...index }) + "\n";
}

export function changeLine({ seq, path, entry }: Change): string {
  const what = entry === null ? { gone: true } : { entry: encodeEntry(baseName(path), entry) };
  return JSON.stringify({ seq, path, ...what }) + "\n";
}

export function changesEnd({ seq, more }: { seq: number; more: boolean }): string {
  return JSON.stringify({ end: seq, more }) + "\n";
}
