import { assert, assertEquals } from "@std/assert";
import { type FileSystem, fileSystemOf, mountOf, parseMountPoints, sameFileSystem } from "./file_system.ts";

const EXT4 = 0xef53;
const TMPFS = 0x01021994;
const DISK: FileSystem = { mount: "/mnt/usb", type: EXT4, id: "1:2", dev: 17, boot: "a" };

Deno.test("sameFileSystem() knows a file system again, and nothing else for it", () => {
  const cases: [string, FileSystem, FileSystem, boolean][] = [
    ["the same", DISK, DISK, true],
    ["mounted again under another number", DISK, { ...DISK, dev: 33, boot: "b" }, true],
    ["not mounted", DISK, { mount: "/", type: EXT4, id: "5:6", dev: 1, boot: "a" }, false],
    ["a bind mount that is not there", DISK, { ...DISK, mount: "/" }, false],
    ["another disk in its place", DISK, { ...DISK, id: "3:4" }, false],
    ["another kind in its place", DISK, { ...DISK, type: TMPFS }, false],
    ["without an id, the same number", { ...DISK, id: null }, DISK, true],
    ["without an id, another number", { ...DISK, id: null }, { ...DISK, dev: 18 }, false],
    ["without an id, the same number of another boot", { ...DISK, id: null }, { ...DISK, boot: "b" }, false],
    [
      "memory after a new start",
      { ...DISK, type: TMPFS },
      { ...DISK, type: TMPFS, id: "9", boot: "b" },
      true,
    ],
  ];
  for (const [name, before, now, same] of cases) {
    assertEquals([name, sameFileSystem(before, now)], [name, same]);
  }
});

Deno.test("mountOf() finds the nearest mount point, also one with blanks", () => {
  const points = parseMountPoints(
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
      "30 22 8:17 / /mnt/my\\040disk rw,relatime shared:1 - ext4 /dev/sdb1 rw\n" +
      "31 22 0:45 / /mnt rw - tmpfs tmpfs rw\n",
  );
  assertEquals(points, ["/", "/mnt/my disk", "/mnt"]);
  const cases: [string, string][] = [
    ["/", "/"],
    ["/mnt", "/mnt"],
    ["/mntx/a", "/"],
    ["/mnt/my disk", "/mnt/my disk"],
    ["/mnt/my disk/a/b", "/mnt/my disk"],
    ["/mnt/my diskette", "/mnt"],
  ];
  for (const [path, mount] of cases) assertEquals([path, mountOf(path, points)], [path, mount]);
  assertEquals(mountOf("/a", []), "");
});

Deno.test("fileSystemOf() gives the same for all folders of a file system, and tells others apart", () => {
  const dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "ferry-fs-" }));
  try {
    Deno.mkdirSync(`${dir}/a`);
    const [above, below] = [fileSystemOf(dir), fileSystemOf(`${dir}/a`)];
    assertEquals(above, below);
    assert(sameFileSystem(above, below));
    if (Deno.build.os === "linux") assert(!sameFileSystem(above, fileSystemOf("/proc")));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
