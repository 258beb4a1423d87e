/** What the tests of the conformance suite work with: a store over a folder, and ways to fill and to look at both. */
import type { ProblemCode } from "../../core/entry.ts";
import type { Outcome } from "../../wire/outcome.ts";
import type { FileFrame } from "../../wire/pack.ts";
import type { Content } from "../../wire/stream.ts";
import type { Store } from "../store.ts";

/** A store under test, and what has to end with it. */
export interface OpenStore extends AsyncDisposable {
  store: Store;
}

/** What one test works with. */
export interface Bench {
  store: Store;
  /** The folder that the store is over. */
  at(path?: string): string;
  /** A path beside it, outside of the store. */
  outside(path: string): string;
  /** One more store, over `name` beside it; over the same folder when that is its name, `place`. */
  beside(name: string): Promise<OpenStore>;
}

/** Registers one test. The store is over `folder`, which is made before; null for one that is not there yet. */
export type Test = (title: string, run: (bench: Bench) => Promise<void>, folder?: string | null) => void;

/** The time that files are given where it does not matter, ms. */
export const MTIME = 1_500_000_000_123;

/** Who holds a lock where it does not matter. */
export const HOLDER = { source: "a test", host: "here", pid: 1, since: 0 };

export const encode = (text: string) => new TextEncoder().encode(text);

/** A small file as it is staged. */
export function frame(index: number, text: string, mode = 0o644, mtime = MTIME): FileFrame {
  return { kind: "file", index, mtime, mode, content: encode(text) };
}

/** Content from memory; `size` when it lies about it. */
export function content(bytes: Uint8Array, options: { size?: number; outcome?: Outcome } = {}): Content {
  let given = 0;
  return {
    kind: "content",
    meta: { size: options.size ?? bytes.length, mtime: MTIME, mode: 0o640 },
    next: () => {
      if (given === bytes.length) return null;
      const chunk = bytes.slice(given, given += 300_000);
      given = Math.min(given, bytes.length);
      return chunk;
    },
    outcome: () => options.outcome ?? null,
    [Symbol.dispose]() {},
  };
}

/** All bytes of a content. */
export async function take(content: Content): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let chunk = await content.next(); chunk !== null; chunk = await content.next()) {
    parts.push(chunk.slice());
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Makes a file without the store. */
export function write(path: string, text: string | Uint8Array, mtime = MTIME): void {
  Deno.writeFileSync(path, typeof text === "string" ? encode(text) : text);
  Deno.utimeSync(path, new Date(mtime), new Date(mtime));
}

/** The names in a folder, `.ferry` among them unless only what is to last is in it: old versions and the mark. */
export function list(path: string): string[] {
  const lasting = (name: string) => name === ".ferry" && onlyLasting(`${path}/${name}`);
  return [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => !lasting(name)).sort();
}

function onlyLasting(state: string): boolean {
  const names = [...Deno.readDirSync(state)].map(({ name }) => name);
  return names.length > 0 && names.every((name) => name === "trash" || name === "replica");
}

/** What became of an operation: null for done. */
export const code = (outcome: Outcome): ProblemCode | null => outcome === null ? null : outcome.code;
