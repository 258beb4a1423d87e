/** The note beside a part: what it takes to go on with it. */
import type { Validator } from "./resume.ts";

const MOST_BYTES = 64 * 1024;

/** What lies beside a part: of which resource it is the beginning. */
export interface PartNote {
  url: string;
  size: number;
  validator: Validator;
  /** The boot of the machine that the bytes were written in, or null once they are on the disk for good. */
  boot: string | null;
}

/** The note at `path`; null when there is none, or it makes no sense. */
export function noteAt(path: string): PartNote | null {
  try {
    if (Deno.statSync(path).size > MOST_BYTES) return null;
    return readNote(JSON.parse(Deno.readTextFileSync(path)));
  } catch {
    return null;
  }
}

/** What an earlier run noted, or null for what is no note. */
// deno-lint-ignore no-explicit-any -- whatever JSON can be
function readNote(note: any): PartNote | null {
  const { kind, value } = note?.validator ?? {};
  const good = typeof note?.url === "string" && Number.isSafeInteger(note.size) &&
    typeof value === "string" &&
    (kind === "etag" || kind === "date") && /^[\x20-\x7e]{1,1000}$/.test(value) &&
    (note.boot === null || typeof note.boot === "string");
  return good ? { url: note.url, size: note.size, validator: { kind, value }, boot: note.boot } : null;
}

/** Another one after each start of the machine; empty where the system does not tell. */
export function bootId(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return "";
  }
}
