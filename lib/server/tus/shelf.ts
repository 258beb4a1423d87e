/**
 * Unfinished uploads on the disk: `.ferry/tus/OWNER/ID` has the bytes of one, `ID.json` its record. What is there is
 * all that is known, so that it survives a restart, and several servers of one folder see the same.
 */
import * as crypto from "node:crypto";
import { FerryError, writeError } from "../../core/errors.ts";
import { joinRoot, RESERVED_NAME } from "../../core/paths.ts";
import { bootId } from "../../store/boot.ts";
import { removeQuietly } from "../../store/quiet.ts";
import { parseRecord, type UploadRecord } from "./record.ts";

/** What nobody sent anything to in so long is given up. */
export const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** So long it is known that an upload came to its end, for clients that missed the answer. */
const KNOWN_MS = 24 * 60 * 60 * 1000;

/** What one user, and all of them, may have unfinished at a time; and how many ends are remembered of a user. */
const MOST_OWN = 250;
const MOST = 2000;
const MOST_ENDED = 1000;
/** An upload that rested so long gives way to a new one where there are too many. */
const RESTED_MS = 60 * 60 * 1000;

/** One upload as the disk has it. */
export interface ShelvedUpload {
  id: string;
  /** Where its bytes are. */
  data: string;
  record: UploadRecord;
  /** Bytes that are there for good. */
  offset: number;
  /** Whether the file is where it belongs, or the part was joined. */
  ended: boolean;
  /** When it is given up, or forgotten, in ms since 1970. */
  expires: number;
}

/** What a client tells of a new one. */
export type NewUpload = Pick<UploadRecord, "path" | "length" | "metadata" | "concat" | "conditions">;

export class Shelf {
  readonly #root: string;
  readonly #dir: string;

  /** `root` is the real path of a share. Nothing is made before it is needed. */
  constructor(root: string) {
    this.#root = root;
    this.#dir = shelfDir(root);
  }

  /** Puts a new upload there, without bytes. Throws `too_many`, `disk_full` or `write_failed`. */
  add(owner: string | null, told: NewUpload): ShelvedUpload {
    const dir = this.#dirOf(owner);
    try {
      Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
      this.#makeRoom(dir);
      const id = crypto.randomBytes(16).toString("hex");
      const data = `${dir}/${id}`;
      const record = { ...told, synced: 0, boot: bootId(), unchecked: null, writer: "", placing: false };
      Deno.openSync(data, { write: true, createNew: true }).close();
      this.save({ data, record });
      return { id, data, record, offset: 0, ended: false, expires: Date.now() + KEPT_MS };
    } catch (error) {
      throw writeError(error, this.#root);
    }
  }

  /** The upload `id` of `owner`. Throws `not_found`, also for somebody else's, and `gone` for one that was given up. */
  find(owner: string | null, id: string): ShelvedUpload {
    const found = look(`${this.#dirOf(owner)}/${id}`);
    if (found === null) throw new FerryError("not_found", "there is no such upload");
    if (Date.now() < found.expires) return { id, ...found };
    removeUpload(found.data);
    throw new FerryError("gone", "this upload rested too long and was given up");
  }

  /** An upload of `owner` that came to its end and was to be of such parts, at such a path. */
  findJoined(owner: string | null, wanted: { path: string; concat: string }): string | null {
    const dir = this.#dirOf(owner);
    for (const id of idsIn(dir)) {
      const found = look(`${dir}/${id}`);
      if (found?.ended && found.record.concat === wanted.concat && found.record.path === wanted.path) {
        return id;
      }
    }
    return null;
  }

  /** Writes the record of an upload. */
  save({ data, record }: Pick<ShelvedUpload, "data" | "record">): void {
    // It is there in one step, whole.
    const fresh = `${data}.json.new`;
    Deno.writeTextFileSync(fresh, JSON.stringify(record));
    Deno.renameSync(fresh, `${data}.json`);
  }

  /** Whether nobody has begun to write to an upload since its `record` was. */
  isWriter({ data, record }: Pick<ShelvedUpload, "data" | "record">): boolean {
    return readRecord(data)?.writer === record.writer;
  }

  /** Removes the bytes of a part that was joined. */
  empty(upload: Pick<ShelvedUpload, "data" | "record">): void {
    upload.record.placing = true;
    this.save(upload);
    removeQuietly(upload.data);
  }

  /** Removes an upload, and folders that are empty then. */
  remove({ data }: Pick<ShelvedUpload, "data">): void {
    removeUpload(data);
    removeQuietly(data.slice(0, data.lastIndexOf("/")));
    removeEmpty(this.#root);
  }

  #dirOf(owner: string | null): string {
    return `${this.#dir}/${
      crypto.createHash("sha256").update(JSON.stringify(owner)).digest("hex").slice(0, 32)
    }`;
  }

  /** Throws `too_many` where there is no room for another one in the folder of an owner. */
  #makeRoom(dir: string): void {
    const own = unfinishedIn(dir);
    const ended = idsIn(dir).length - own.length;
    if (ended > MOST_ENDED) forgetOldest(dir, new Set(own));
    let all = 0;
    for (const { name } of Deno.readDirSync(this.#dir)) all += unfinishedIn(`${this.#dir}/${name}`).length;
    if (own.length < MOST_OWN && all < MOST) return;
    const oldest = own.map((id) => ({ data: `${dir}/${id}`, time: lastChange(`${dir}/${id}`) }))
      .sort((a, b) => a.time - b.time)[0];
    if (oldest !== undefined && Date.now() - oldest.time > RESTED_MS) return removeUpload(oldest.data);
    throw new FerryError("too_many", "too many uploads are unfinished; end some of them, or try again later");
  }
}

function shelfDir(root: string): string {
  return `${joinRoot(root, RESERVED_NAME)}/tus`;
}

/** What is there of an upload; null for nothing, or nothing that can be used. */
function look(data: string): Omit<ShelvedUpload, "id"> | null {
  const record = readRecord(data);
  if (record === null) return null;
  const size = sizeOf(data);
  const ended = size === null;
  if (ended && !record.placing) return null;
  const expires = lastChange(data) + (ended ? KNOWN_MS : KEPT_MS);
  const offset = ended ? record.length ?? 0 : trustedBytes(record, size);
  return { data, record, offset, ended, expires };
}

function readRecord(data: string): UploadRecord | null {
  try {
    return parseRecord(Deno.readTextFileSync(`${data}.json`));
  } catch {
    return null;
  }
}

/** What came after the machine was started is there; before, only what the disk was waited for. */
function trustedBytes({ boot, synced, unchecked }: UploadRecord, size: number): number {
  return Math.min(size, boot === bootId() ? Infinity : synced, unchecked ?? Infinity);
}

function sizeOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).size;
  } catch {
    return null;
  }
}

/** When anything was last done to an upload. */
function lastChange(data: string): number {
  return Math.max(changeOf(data), changeOf(`${data}.json`));
}

function changeOf(path: string): number {
  try {
    // The other time may already be the one that the file is to have.
    const { mtime, ctime } = Deno.lstatSync(path);
    return (ctime ?? mtime)?.getTime() ?? 0;
  } catch {
    return 0;
  }
}

function removeUpload(data: string): void {
  // The record first: bytes without one are nothing, a record without bytes may be an upload that came to its end.
  removeQuietly(`${data}.json`);
  removeQuietly(data);
}

function namesIn(dir: string): string[] {
  try {
    return [...Deno.readDirSync(dir)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function idsIn(dir: string): string[] {
  return namesIn(dir).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
}

function unfinishedIn(dir: string): string[] {
  return namesIn(dir).filter((name) => !name.includes("."));
}

/** Forgets half of the uploads in `dir` that came to their end. */
function forgetOldest(dir: string, unfinished: ReadonlySet<string>): void {
  const ended = idsIn(dir).filter((id) => !unfinished.has(id))
    .map((id) => ({ data: `${dir}/${id}`, time: lastChange(`${dir}/${id}`) }))
    .sort((a, b) => a.time - b.time);
  for (const { data } of ended.slice(0, Math.ceil(ended.length / 2))) removeUpload(data);
}

/** Removes what was given up, or is known long enough, below the share `root`. Never throws. */
export function sweepUploads(root: string, now = Date.now()): void {
  for (const owner of namesIn(shelfDir(root))) {
    const dir = `${shelfDir(root)}/${owner}`;
    for (const id of new Set(namesIn(dir).map((name) => name.split(".")[0]))) {
      const data = `${dir}/${id}`;
      const found = look(data);
      // Without a record it is being made, or was left by a process that died.
      if (now < (found?.expires ?? lastChange(data) + KNOWN_MS)) continue;
      removeQuietly(`${data}.json.new`);
      removeUpload(data);
    }
    removeQuietly(dir);
  }
  removeEmpty(root);
}

function removeEmpty(root: string): void {
  removeQuietly(shelfDir(root));
  removeQuietly(joinRoot(root, RESERVED_NAME));
}
