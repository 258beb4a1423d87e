/** What is known of an upload beside its bytes, as JSON in a file of its own. */

/** One upload. */
export interface UploadRecord {
  /** The path of the file that is to be; for a part that is joined with others, the folder it was created at. */
  path: string;
  /** Bytes; null while that is not known. */
  length: number | null;
  /** As the client sent it, checked; empty for none. */
  metadata: string;
  /** As the client sent it, checked; null for an upload of its own. */
  concat: string | null;
  /** The headers that say when the file may take its place, by their names in lower case. */
  conditions: Record<string, string>;
  /** So many bytes are on the disk. */
  synced: number;
  /** The boot of the machine during which the bytes behind those were written. */
  boot: string;
  /** From here on the bytes have yet to be checked; null when none have. */
  unchecked: number | null;
  /** Who wrote last. */
  writer: string;
  /** The bytes are complete, and about to go where they belong: when they are gone, they are there. */
  placing: boolean;
}

/** The record that `text` spells; null when it is not one. */
export function parseRecord(text: string): UploadRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isRecord(value) ? value : null;
}

function isRecord(value: unknown): value is UploadRecord {
  if (typeof value !== "object" || value === null) return false;
  const { path, length, metadata, concat, conditions, synced, boot, unchecked, writer, placing } =
    value as Record<
      keyof UploadRecord,
      unknown
    >;
  return typeof path === "string" && isBytesOrNull(length) && typeof metadata === "string" &&
    (concat === null || typeof concat === "string") && typeof conditions === "object" &&
    conditions !== null && Object.values(conditions).every((text) => typeof text === "string") &&
    isBytesOrNull(synced) && synced !== null && typeof boot === "string" && isBytesOrNull(unchecked) &&
    typeof writer === "string" && typeof placing === "boolean";
}

function isBytesOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0);
}
