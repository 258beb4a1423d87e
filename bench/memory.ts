/** Peak memory of a process and its children, from /proc. */

/** Watches one process and what it forks; `peak()` is in bytes, 0 where /proc has nothing to say. */
export interface MemoryWatch {
  /**
   * The greatest sum of high-water marks (VmHWM) of the processes alive at one moment. What forked processes share is
   * counted for each of them, so for programs that fork it is an upper bound.
   */
  peak(): number;
  stop(): void;
}

/** How often the high-water marks are read: often enough to see them shortly before a process ends. */
const EVERY_MS = 20;

/** Starts watching the process `pid`. */
export function watchMemory(pid: number): MemoryWatch {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, familyPeak(pid));
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    peak: () => {
      look();
      return peak;
    },
    stop: () => clearInterval(timer),
  };
}

function familyPeak(pid: number): number {
  let sum = highWaterMark(pid);
  for (const child of children(pid)) sum += familyPeak(child);
  return sum;
}

function highWaterMark(pid: number): number {
  return parseHighWaterMark(readText(`/proc/${pid}/status`));
}

/** Bytes of the `VmHWM:` line of a /proc/PID/status; 0 when it has none. */
function parseHighWaterMark(status: string): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(status);
  return match ? Number(match[1]) * 1024 : 0;
}

/** Only of the main thread: no program here forks from another one. */
function children(pid: number): number[] {
  return readText(`/proc/${pid}/task/${pid}/children`).split(" ").filter((word) => word !== "").map(Number);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The process has ended, or there is no /proc.
    return "";
  }
}
