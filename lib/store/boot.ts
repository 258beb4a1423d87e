let id: string | undefined;

/** What changes with each start of the machine: what a disk did not get in time before the power went is lost. */
export function bootId(): string {
  if (id !== undefined) return id;
  try {
    id = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    // To the minute, which may make a run begin anew for nothing, but not go on with what is lost.
    id = `up since ${Math.round((Date.now() / 1000 - Deno.osUptime()) / 60)}`;
  }
  return id;
}
