import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { barLines, barSentence, type Row } from "./bar.ts";
import { textWidth } from "./text_width.ts";

const ISO: Row = {
  name: "debian-13.iso",
  bytes: 420e6,
  size: 1e9,
  share: 0.42,
  speed: { rate: 34.5e6, left: 16_800 },
};
const UNKNOWN: Row = { name: "日本語.tar", bytes: 5e6, speed: { rate: 1e6 } };

Deno.test("barLines() shows all of one file where there is room, most of all how far it is", () => {
  const cases: [number, string][] = [
    [
      99,
      "debian-13.iso   42%  [==============>                    ]    420 MB of 1 GB   34.5 MB/s  17 s left",
    ],
    [79, "debian-13.iso   42%  [======>        ]    420 MB of 1 GB   34.5 MB/s  17 s left"],
    [59, "debian-13.iso  42%  420 MB of 1 GB  34.5 MB/s  17 s left"],
    [49, "debian-13.iso  42%  34.5 MB/s  17 s left"],
    [25, "42%  34.5 MB/s  17 s left"],
    [19, "42%  17 s left"],
    [12, "debi…so  42%"],
    [3, "42%"],
    [2, ""],
    [-1, ""],
  ];
  for (const [width, line] of cases) assertEquals(barLines([ISO], width), [line]);
  const wide = barLines([ISO], 199)[0];
  assertEquals(wide.indexOf("]") - wide.indexOf("[") + 1, 50);
});

Deno.test("barLines() puts the cells of several rows one below the other", () => {
  const rows = [ISO, UNKNOWN, { name: "2 of 9 files", whole: true, bytes: 425e6, share: 2 / 9, speed: {} }];
  assertEquals(barLines(rows, 79), [
    "debian-13.iso   42%  [======>        ]    420 MB of 1 GB   34.5 MB/s  17 s left",
    "日本語.tar                                          5 MB      1 MB/s",
    "2 of 9 files    22%  [===>           ]            425 MB",
  ]);
  assertEquals(barLines(rows, 40), [
    "debian-….iso   42%  34.5 MB/s  17 s left",
    "日本語.tar    5 MB     1 MB/s",
    "2 of 9 files   22%",
  ]);
  assertEquals(barLines(rows, 20), ["debian-13.iso   42%", "日本語.tar     5 MB", "2 of 9 files    22%"]);
});

Deno.test("barLines() never takes more columns than there are", () => {
  const n = fc.nat(10 ** 13);
  const row: fc.Arbitrary<Row> = fc.record({
    name: fc.string({ unit: "grapheme" }),
    whole: fc.boolean(),
    bytes: n,
    size: n,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    speed: fc.record({ rate: n, left: n }, { requiredKeys: [] }),
    note: fc.constant("2 retries"),
  }, { requiredKeys: ["name", "bytes", "speed"] });
  fc.assert(fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: -1, max: 250 }), (rows, width) => {
    const lines = barLines(rows, width);
    assertEquals(lines.length, rows.length);
    for (const line of lines) assert(line === "" || textWidth(line) <= width, line);
  }));
});

Deno.test("barSentence() says the same without a terminal", () => {
  assertEquals(barSentence(ISO), "debian-13.iso: 42%, 420 MB of 1 GB, 34.5 MB/s, 17 s left");
  assertEquals(barSentence({ ...UNKNOWN, note: "1 retry" }), "日本語.tar: 5 MB, 1 MB/s, 1 retry");
});
