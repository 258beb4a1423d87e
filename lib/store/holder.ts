import type { Holder } from "../wire/session.ts";

/** This process as the holder of a lock, for a run that reads `source`. */
export function thisProcess(source: string): Holder {
  return { source: source.slice(0, 4096), host: Deno.hostname(), pid: Deno.pid, since: Date.now() };
}
