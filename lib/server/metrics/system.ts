/** What the operating system knows of this process; nothing where it does not tell. */
import * as process from "node:process";
import type { ServerFacts } from "./exposition.ts";

const STARTED = Date.now() - performance.now();

/** CPU, memory and files of the process, all workers included. */
export function processFacts(): ServerFacts["process"] {
  const { user, system } = process.cpuUsage();
  return {
    started: STARTED,
    cpuSeconds: (user + system) / 1e6,
    residentBytes: Deno.memoryUsage().rss,
    openFiles: countEntries("/proc/self/fd"),
  };
}

function countEntries(path: string): number | null {
  try {
    let count = 0;
    for (const _ of Deno.readDirSync(path)) count++;
    return count;
  } catch {
    return null;
  }
}
