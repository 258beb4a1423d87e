/** What Linux tells of the locks that there are (proc_locks(5), proc_pid_mountinfo(5)). */

/** A file as stat(2) has it. */
export interface FileId {
  dev: number;
  ino: number;
}

/**
 * Whether somebody holds a lock of flock(2) on `file`, by what `/proc/locks` and `/proc/self/mountinfo` say. Where stat(2)
 * has a device number of its own making, as for a subvolume of btrfs, a lock on that inode of any disk counts.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * assert(isFlocked({ dev: 0x2f, ino: 3 }, "1: FLOCK  ADVISORY  WRITE 77 00:2f:3 0 EOF\n", "30 1 0:47 / /mnt rw\n"));
 * ```
 */
export function isFlocked({ dev, ino }: FileId, locks: string, mounts: string): boolean {
  const [major, minor] = deviceNumbers(dev);
  const isTold = new RegExp(`^\\d+ \\d+ ${major}:${minor} `, "m").test(mounts);
  const device = isTold ? `${hex(major)}:${hex(minor)}` : "[0-9a-f]+:[0-9a-f]+";
  return new RegExp(` FLOCK .* ${device}:${ino} `).test(locks);
}

/** The parts of a `dev_t` as glibc packs it (gnu_dev_major(3)). */
function deviceNumbers(dev: number): [major: number, minor: number] {
  const high = Math.floor(dev / 2 ** 32);
  const low = dev % 2 ** 32;
  const major = high - high % 2 ** 12 + Math.floor(low / 2 ** 8) % 2 ** 12;
  const minor = Math.floor(low / 2 ** 20) * 2 ** 8 + low % 2 ** 8;
  return [major, minor];
}

function hex(number: number): string {
  return number.toString(16).padStart(2, "0");
}
