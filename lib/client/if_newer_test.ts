import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { ifNewerHeader, isNoNewer, timeOf } from "./if_newer.ts";

Deno.test("timeOf() gives the time of a file, and null where there is none", () => {
  const dir = Deno.makeTempDirSync({ prefix: "ferry-test-" });
  try {
    Deno.writeTextFileSync(`${dir}/file`, "");
    Deno.utimeSync(`${dir}/file`, 1_700_000_000.25, 1_700_000_000.25);
    assertEquals(timeOf(`${dir}/file`), 1_700_000_000_250);
    assertEquals(timeOf(`${dir}/none`), null);
    assertThrows(() => timeOf(dir), FerryError, "it is not a file");
    assertThrows(() => timeOf(`${dir}/file/x`), FerryError, "--if-newer");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("isNoNewer() compares in the seconds that HTTP counts in", () => {
  const cases: [status: number, lastModified: number | undefined, since: number, expected: boolean][] = [
    [200, 1_700_000_000_000, 1_700_000_000_999, true],
    [200, 1_700_000_000_000, 1_700_000_000_000, true],
    [200, 1_700_000_001_000, 1_700_000_000_999, false],
    [206, 1_600_000_000_000, 1_700_000_000_000, true],
    [200, undefined, 1_700_000_000_000, false],
    [404, 1_600_000_000_000, 1_700_000_000_000, false],
  ];
  for (const [status, lastModified, since, expected] of cases) {
    assertEquals(isNoNewer({ status, lastModified }, since), expected);
  }
  assertEquals(ifNewerHeader(1_700_000_000_999), { "if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT" });
});
