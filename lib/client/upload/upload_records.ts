/** Uploads that are under way, in files of their own, so that a later run can go on with one whose run was ended. */
import { createHash } from "node:crypto";

/** An upload by tus, and what it is of. */
export interface UploadRecord {
  /** Where the file goes, and its real path here. */
  url: string;
  path: string;
  size: number;
  /** Of the whole file, as it was announced to the server: a `Repr-Digest` (RFC 9530). */
  digest: string;
  /** The URL of the upload. */
  upload: string;
  /** When the server gives it up, in milliseconds since 1970. */
  expires: number;
}

/** For servers that do not say how long they wait: the time that Ferry's own do. */
const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_BYTES = 64 * 1024;

/** The records in `folder`, a file each. Trouble with them ends no upload: then there is none to go on with. */
export class UploadRecords {
  constructor(readonly folder: string, readonly now: () => number = Date.now) {}

  /** The record of the upload of `path` to `url`; null when there is none, or the server has given it up. */
  find(url: string, path: string): UploadRecord | null {
    try {
      const file = this.#file(url, path);
      if (Deno.statSync(file).size > MAX_BYTES) return null;
      const record = readRecord(Deno.readTextFileSync(file));
      return record?.url === url && record.path === path && record.expires > this.now() ? record : null;
    } catch {
      return null;
    }
  }

  /** Keeps `record`, instead of one for the same URL and path; false where that cannot be done. */
  keep(record: Omit<UploadRecord, "expires">, expires: number | null): boolean {
    try {
      Deno.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      this.#prune();
      const file = this.#file(record.url, record.path);
      const fresh = `${file}.${crypto.randomUUID()}`;
      const whole: UploadRecord = { ...record, expires: expires ?? this.now() + LIFETIME_MS };
      // Who knows the URL of an upload may be able to add to it.
      Deno.writeTextFileSync(fresh, JSON.stringify(whole) + "\n", { mode: 0o600, createNew: true });
      Deno.renameSync(fresh, file);
      return true;
    } catch {
      return false;
    }
  }

  forget(url: string, path: string): void {
    remove(this.#file(url, path));
  }

  #file(url: string, path: string): string {
    const name = createHash("sha256").update(JSON.stringify([url, path])).digest("hex").slice(0, 32);
    return `${this.folder}/${name}.json`;
  }

  /** Takes away what can no longer be gone on with. */
  #prune(): void {
    for (const { name, isFile } of Deno.readDirSync(this.folder)) {
      if (!isFile || !/^[0-9a-f]{32}\.json(\.|$)/.test(name)) continue;
      const file = `${this.folder}/${name}`;
      try {
        const record = name.endsWith(".json") ? readRecord(Deno.readTextFileSync(file)) : null;
        const age = this.now() - (Deno.statSync(file).mtime?.getTime() ?? 0);
        if (record === null ? age > LIFETIME_MS : record.expires <= this.now()) remove(file);
      } catch {
        // Another run has taken it away.
      }
    }
  }
}

function remove(file: string): void {
  try {
    Deno.removeSync(file);
  } catch {
    // There is none.
  }
}

function readRecord(text: string): UploadRecord | null {
  let found: Partial<UploadRecord> | null;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const { url, path, size, digest, upload, expires } = found ?? {};
  if (![size, expires].every((value) => Number.isSafeInteger(value))) return null;
  if (![url, path, digest, upload].every((value) => typeof value === "string")) return null;
  // The login for `url` goes along.
  if (URL.parse(url!)?.origin !== URL.parse(upload!)?.origin) return null;
  return { url, path, size, digest, upload, expires } as UploadRecord;
}
