import { readProc } from "./proc.ts";

let id: string | undefined;

/** What changes with each start of the machine: what a disk did not get in time before the power went is lost. */
export function bootId(): string {
  if (id !== undefined) return id;
  // To the minute, which may make a run begin anew for nothing, but not go on with what is lost.
  const since = () => `up since ${Math.round((Date.now() / 1000 - Deno.osUptime()) / 60)}`;
  return id = readProc("/proc/sys/kernel/random/boot_id")?.trim() ?? since();
}
