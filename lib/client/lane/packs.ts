/**
 * Small files of a Ferry server in packs (docs/protocol.md, "Packs"): one request for hundreds of them. A pack has what a
 * GET of each would have brought; where that is in doubt the file is asked for by a GET.
 */
import { FerryError } from "../../core/errors.ts";
import { parseUrlPath } from "../../core/paths.ts";
import { API_PATH, MAX_PACK_BYTES, PACK_BYTES, PACK_FILES, PROTOCOL } from "../../wire/limits.ts";
import { parseInfo } from "../../wire/info.ts";
import { readPack } from "../../wire/pack.ts";
import type { Head } from "../http1/head.ts";
import type { RequestClient } from "../request_client.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type { Wanted } from "./wanted.ts";

/** Packs under way at a time: one is put together by the server while another one is written here. */
const AT_A_TIME = 3;

/** The first pack, which shows how large the files are. */
const FIRST_FILES = 128;

/** Larger files gain nothing. */
const MOST_AVERAGE = 64 * 1024;

const MAX_INFO_BYTES = 64 * 1024;

/** Memory for packs comes in so much of it. */
const UNIT = 64 * 1024;

/** Where the wanted files come from, and where those go that come in no pack. */
export interface PackSource {
  /** At most so many; none where they are too few for a pack. */
  take(most: number): Wanted[];
  /** It has to be asked for by itself. */
  alone(wanted: Wanted): void;
  pause(): Promise<void> | undefined;
  /** There will be no more packs. */
  ended(): void;
}

export interface PackTools {
  client: RequestClient;
  /** The origin. */
  origin: URL;
  headers: Headers;
  writer: BatchWriter;
  signal: AbortSignal;
}

/** The path of a file as packs call it; null where a GET of it and a frame of a pack may be about two things. */
export function pathInPack({ url, job }: Wanted): string | null {
  return job.headers === undefined && url.search === "" ? pathOf(url) : null;
}

/** The path of a file as packs call it; null for what only a GET can ask for: folders, hidden files, odd spellings. */
function pathOf(url: URL): string | null {
  const { pathname } = url;
  // The one hidden thing that everybody may see is still another matter for a GET.
  if (pathname.endsWith("/") || pathname.includes("//") || /\/(?:\.|%2e)/i.test(pathname)) return null;
  try {
    return parseUrlPath(pathname).path;
  } catch {
    return null;
  }
}

/** Whether the head of an answer may be one of a Ferry: it names no server, and forbids to guess types; files have ETags. */
export function mayBeFerry({ status, fields }: Head): boolean {
  return !fields.has("server") && fields.get("x-content-type-options") === "nosniff" &&
    (status !== 200 || fields.has("etag"));
}

/** Asks a server whether it is a Ferry whose packs can be read. */
export async function findPacks(tools: PackTools): Promise<Packs | null> {
  const { client, origin, headers, signal } = tools;
  try {
    const url = new URL(`${API_PATH}/info?path=`, origin);
    const answer = await client.send(url, { method: "GET", headers, signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return null;
    }
    const bytes = await readBody(answer, MAX_INFO_BYTES);
    const info = parseInfo(JSON.parse(new TextDecoder().decode(bytes)));
    return info.protocol === PROTOCOL && info.permissions.includes("r") ? new Packs(tools) : null;
  } catch {
    // Whatever it is, it sends no packs.
    return null;
  }
}

export class Packs {
  readonly #tools: PackTools;
  #source: PackSource | undefined;
  #count = FIRST_FILES;
  #isOpen = true;
  #sleeping: (() => void)[] = [];
  /** Memory of packs that are written, to be used again: one for each that is under way. */
  readonly #memory: ArrayBuffer[] = [];

  constructor(tools: PackTools) {
    this.#tools = tools;
  }

  start(source: PackSource): void {
    this.#source = source;
    for (let i = 0; i < AT_A_TIME; i++) this.#run(source);
  }

  /** There may be enough for another pack. */
  wake(): void {
    for (const go of this.#sleeping.splice(0)) go();
  }

  close(): void {
    this.#isOpen = false;
    this.wake();
  }

  async #run(source: PackSource): Promise<void> {
    while (this.#isOpen) {
      const files = source.take(this.#count);
      if (files.length === 0) {
        await new Promise<void>((resolve) => this.#sleeping.push(resolve));
        continue;
      }
      try {
        await this.#fetch(files);
      } catch {
        for (const wanted of files) source.alone(wanted);
        this.#end();
      }
      await source.pause();
    }
  }

  #end(): void {
    if (!this.#isOpen) return;
    this.close();
    this.#source!.ended();
  }

  /** Throws before any of the files has been taken or given back. */
  async #fetch(files: Wanted[]): Promise<void> {
    const { client, origin, headers, signal, writer } = this.#tools;
    const paths = files.map(({ inPack }) => inPack!);
    const folder = commonFolder(paths);
    const url = new URL(`${API_PATH}/pack?path=${encodeURIComponent(folder)}`, origin);
    const below = folder === "" ? paths : paths.map((path) => path.slice(folder.length + 1));
    const message = new TextEncoder().encode(JSON.stringify({ files: below }));
    const body = { length: message.length, rereadable: true, open: () => once(message) };
    const typed = new Headers(headers);
    typed.set("content-type", "application/json");
    const answer = await client.send(url, { method: "POST", headers: typed, body, signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new FerryError("protocol", `${answer.status}`);
    }
    const pack = await readBody(answer, MAX_PACK_BYTES, this.#memory);
    const came = new Map<Wanted, Uint8Array>();
    // Nothing is taken of a pack that is not good to its end.
    for (const frame of readPack(pack)) {
      const wanted = files.at(frame.index);
      if (wanted === undefined || came.has(wanted)) {
        throw new FerryError("protocol", "a frame that nobody asked for");
      }
      if (frame.kind === "problem") continue;
      // What a GET would say of it has whole seconds.
      const lastModified = Math.floor(frame.mtime / 1000) * 1000;
      if (wanted.job.mtime === "server") wanted.mtime = lastModified;
      if (wanted.job.onStored) wanted.said = { lastModified };
      came.set(wanted, frame.content);
    }
    for (const wanted of files) if (!came.has(wanted)) this.#source!.alone(wanted);
    this.#adapt(came.size, pack.length);
    if (came.size === 0) return;
    const contents = [...came.values()];
    const memory = await writer.put([...came.keys()], {
      buffer: pack.buffer,
      offsets: Uint32Array.from(contents, ({ byteOffset }) => byteOffset),
      lengths: Uint32Array.from(contents, ({ length }) => length),
    });
    if (memory !== undefined && this.#memory.length < AT_A_TIME) this.#memory.push(memory);
  }

  /** As many files to a pack as make it a good one. */
  #adapt(files: number, bytes: number): void {
    const average = bytes / Math.max(1, files);
    if (files === 0 || average > MOST_AVERAGE) return this.#end();
    this.#count = Math.max(16, Math.min(PACK_FILES, Math.floor(PACK_BYTES / average)));
  }
}

/** The folder that all of `paths` lie in, without a slash at the end. */
function commonFolder(paths: readonly string[]): string {
  let folder = paths[0].slice(0, Math.max(0, paths[0].lastIndexOf("/")));
  for (const path of paths) {
    while (folder !== "" && !path.startsWith(`${folder}/`)) {
      folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")));
    }
  }
  return folder;
}

function once(bytes: Uint8Array) {
  let left: Uint8Array | null = bytes;
  const next = () => {
    const piece = left;
    left = null;
    return piece;
  };
  return { next, close: () => {} };
}

/** The whole body, at most `most` bytes of it, in one of `kept` if it fits. Throws `protocol` for a longer one. */
async function readBody(
  answer: Awaited<ReturnType<RequestClient["send"]>>,
  most: number,
  kept: ArrayBuffer[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = answer;
  if (body === null) return new Uint8Array(0);
  const tooLong = () => new FerryError("protocol", "an answer that is too long");
  let buffer = new Uint8Array(takeMemory(kept, Math.min(most, (body.left ?? 0) + 1)));
  let length = 0;
  try {
    if ((body.left ?? 0) > most) throw tooLong();
    for (;;) {
      const count = await body.read(buffer.subarray(length));
      if (count === null) return buffer.subarray(0, length);
      length += count;
      if (length === most) throw tooLong();
      if (length < buffer.length) continue;
      const larger = new Uint8Array(Math.min(most, buffer.length * 2));
      larger.set(buffer);
      buffer = larger;
    }
  } catch (error) {
    await body.cancel();
    throw error;
  }
}

/** One of `kept` of at least `size` bytes, or a new one. */
function takeMemory(kept: ArrayBuffer[], size: number): ArrayBuffer {
  const at = kept.findIndex(({ byteLength }) => byteLength >= size);
  return at === -1 ? new ArrayBuffer(Math.ceil(size / UNIT) * UNIT) : kept.splice(at, 1)[0];
}
