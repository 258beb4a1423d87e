import { assertEquals } from "@std/assert";
import { goalTable, resultTable, type Row } from "./table.ts";

const WORKS = [{
  name: "pull-cold",
  about: "pull",
  against: ["rsync", "rclone"],
  goal: { against: "rsync", most: 1, memory: 200e6 },
}];

function row(program: string, round: number, value: number, peak?: number): Row {
  return { work: "pull-cold", target: "tmpfs", program, round, unit: "s", value, serverPeak: peak };
}

const ROWS = [
  row("ferry", 1, 2, 90e6),
  row("rsync", 1, 4),
  row("ferry", 2, 3, 120.4e6),
  row("rsync", 2, 6),
];

Deno.test("resultTable() has a line for each program, with ratios for Ferry and the peers that ran", () => {
  assertEquals(resultTable(ROWS, WORKS).split("\n").slice(2), [
    "| pull-cold | tmpfs | ferry | 2.50 s | 2.00..3.00 | 0.50 x rsync | 120 |  | 2 |",
    "| pull-cold | tmpfs | rsync | 5.00 s | 4.00..6.00 |  |  |  | 2 |",
    "",
  ]);
});

Deno.test("goalTable() says what was reached and what was missed", () => {
  const slow = [row("ferry", 1, 5, 90e6), row("rsync", 1, 4)];
  const cases: [Row[], string[]][] = [
    [ROWS, [
      "| pull-cold | at most 1 x rsync | 0.50 x | reached |",
      "| pull-cold | each side at most 200 MB | 120 MB | reached |",
    ]],
    [slow, [
      "| pull-cold | at most 1 x rsync | 1.25 x | missed |",
      "| pull-cold | each side at most 200 MB | 90 MB | reached |",
    ]],
    [[row("ferry", 1, 5, 300e6)], ["| pull-cold | each side at most 200 MB | 300 MB | missed |"]],
  ];
  for (const [rows, expected] of cases) {
    assertEquals(goalTable(rows, WORKS).trimEnd().split("\n").slice(2), expected);
  }
});

Deno.test("goalTable() holds each promise about a disk against the same promise", () => {
  const onDisk = (program: string, value: number): Row => ({ ...row(program, 1, value), target: "disk" });
  const rows = [
    onDisk("ferry", 6),
    onDisk("ferry --no-fsync", 3),
    onDisk("rsync", 2),
    onDisk("rsync --fsync", 12),
  ];
  const goal = [
    { against: "rsync --fsync", most: 1, disk: true },
    { of: "ferry --no-fsync", against: "rsync", most: 1, disk: true },
    { against: "rsync", most: 0.5 },
  ];
  assertEquals(goalTable(rows, [{ ...WORKS[0], goal }]).trimEnd().split("\n").slice(2), [
    "| pull-cold, ferry, disk | at most 1 x rsync --fsync | 0.50 x | reached |",
    "| pull-cold, ferry --no-fsync, disk | at most 1 x rsync | 1.50 x | missed |",
  ]);
});

Deno.test("goalTable() is empty when nothing with a goal was measured", () => {
  assertEquals(goalTable([], WORKS), "");
});
