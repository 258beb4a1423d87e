import { assertEquals } from "@std/assert";
import { isFlocked } from "./kernel_locks.ts";

const LOCKS = [
  "1: FLOCK  ADVISORY  WRITE 812 00:2f:3 0 EOF",
  "2: POSIX  ADVISORY  WRITE 813 fe:01:44 0 EOF",
  "2: -> FLOCK  ADVISORY  WRITE 814 103:02:7340041 0 EOF",
  "3: FLOCK  ADVISORY  READ  815 fe:01:45 0 EOF",
].join("\n") + "\n";

const MOUNTS = [
  "30 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
  "31 30 0:47 / /mnt rw,relatime - tmpfs tmpfs rw",
  "32 30 0:48 / /mnt\\0400:99 rw,relatime - tmpfs tmpfs rw",
  "33 30 259:2 / /data rw - xfs /dev/nvme0n1p2 rw",
].join("\n") + "\n";

Deno.test("isFlocked() tells files of the same number on two disks apart", () => {
  const cases: [name: string, dev: number, ino: number, locked: boolean][] = [
    ["on that disk", 0x2f, 3, true],
    ["on another disk", 0x30, 3, false],
    ["another file", 0x2f, 33, false],
    ["a lock of another kind", 0xfe01, 44, false],
    ["one for reading", 0xfe01, 45, true],
    ["a major number of three digits", 0x10302, 7340041, true],
    ["a device that no mount has", 0x63, 3, true],
    ["and no lock either", 0x63, 4, false],
  ];
  for (const [name, dev, ino, locked] of cases) {
    assertEquals(isFlocked({ dev, ino }, LOCKS, MOUNTS), locked, name);
  }
});
