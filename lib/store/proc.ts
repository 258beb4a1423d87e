/** What the kernel tells in files of proc(5), which the runtime's sandbox lets nobody read by its own calls. */
import { libc } from "./libc.ts";
import { isThere } from "./quiet.ts";

/** The text of `path`; null where there is no such file. */
export function readProc(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    const bytes = libc()?.head(path) ?? null;
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }
}

/** Whether there is a process with this id; null where that cannot be told. */
export function isRunning(pid: number): boolean | null {
  const there = (path: string) => isThere(path) || (libc()?.statAt(path) ?? null) !== null;
  return there("/proc/self/stat") ? there(`/proc/${pid}/stat`) : null;
}
