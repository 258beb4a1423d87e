/**
 * Files of the state folder that hold what one run learned for the next: a line with the SHA-256 of what follows, then
 * JSON. Losing one costs time, never content.
 */
import * as crypto from "node:crypto";
import { forgetOldest } from "./replica.ts";

/** A file is not as it was written. */
export class DamagedMemory extends Error {
  override name = "DamagedMemory";
}

/** What was kept at `path`; null when nothing was. Throws `DamagedMemory`, also for more than `most` bytes. */
export function readKept(path: string, most: number): unknown {
  let text: string;
  try {
    if (Deno.statSync(path).size > most) throw new DamagedMemory();
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof DamagedMemory) throw error;
    return null;
  }
  const line = text.indexOf("\n");
  const body = text.slice(line + 1);
  if (text.slice(0, Math.max(line, 0)) !== digestOf(body)) throw new DamagedMemory();
  try {
    return JSON.parse(body);
  } catch {
    throw new DamagedMemory();
  }
}

/** Keeps `value` at `path`. Never throws: a machine without a state folder keeps nothing. */
export function writeKept(path: string, value: unknown): void {
  try {
    const dir = path.slice(0, path.lastIndexOf("/"));
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const body = JSON.stringify(value);
    Deno.writeTextFileSync(`${path}.${Deno.pid}`, `${digestOf(body)}\n${body}`, { mode: 0o600 });
    Deno.renameSync(`${path}.${Deno.pid}`, path);
    forgetOldest(dir);
  } catch {
    // It cannot be written.
  }
}

function digestOf(text: string): string {
  return crypto.createHash("sha256").update(text).digest("hex");
}
