import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Boards, BOUNDS, COUNTERS, GAUGES, Meter } from "./board.ts";
import { exposition, type ServerFacts } from "./exposition.ts";
import { processFacts } from "./system.ts";

const FACTS: ServerFacts = {
  workers: 2,
  workerDeaths: 1,
  connections: 3,
  reload: { ok: true, time: 1_700_000_000_000 },
  certificateEnds: 1_800_000_000_000,
  process: { started: 1_700_000_000_000, cpuSeconds: 1.5, residentBytes: 1e8, openFiles: 20 },
};

Deno.test("Meter counts by method and class, and Boards keeps the counters of those who have gone", () => {
  const boards = new Boards();
  const [a, b] = [boards.add(), boards.add()];
  const [first, second] = [new Meter(a), new Meter(b)];
  first.finished({ method: "GET", status: 200, bytes: 10, ms: 0.4 });
  first.finished({ method: "GET", status: 404, bytes: 5, ms: 3 });
  second.finished({ method: "GET", status: 206, bytes: 10, ms: 100_000 });
  second.finished({ method: "BREW", status: 501, bytes: 0, ms: 1 });
  second.set("hotFiles", 7);
  second.set("received", 9);
  boards.remove(b);
  boards.remove(b);
  const cells = boards.sum();
  assertEquals(cells[COUNTERS.sent], 25);
  assertEquals(cells[COUNTERS.received], 9);
  assertEquals(cells[GAUGES.hotFiles], 0);
  const page = exposition(cells, FACTS);
  for (
    const line of [
      'ferry_http_requests_total{method="GET",code="2xx"} 2',
      'ferry_http_requests_total{method="GET",code="4xx"} 1',
      'ferry_http_requests_total{method="other",code="5xx"} 1',
      'ferry_http_request_duration_seconds_bucket{le="0.0005"} 1',
      'ferry_http_request_duration_seconds_bucket{le="0.001"} 2',
      'ferry_http_request_duration_seconds_bucket{le="60"} 3',
      'ferry_http_request_duration_seconds_bucket{le="+Inf"} 4',
      "ferry_http_request_duration_seconds_count 4",
      "ferry_tls_certificate_expiry_timestamp_seconds 1800000000",
    ]
  ) assert(page.includes(line + "\n"), `${line} is not in\n${page}`);
});

Deno.test("exposition() is well formed whatever was counted: types, buckets that rise, sums that agree", () => {
  const record = fc.record({
    method: fc.constantFrom("GET", "PUT", "PROPFIND", 'X"\n'),
    status: fc.integer({ min: 0, max: 999 }),
    bytes: fc.nat(),
    ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
  });
  fc.assert(fc.property(fc.array(record), fc.boolean(), (records, tls) => {
    const boards = new Boards();
    const meter = new Meter(boards.add());
    for (const each of records) meter.finished(each);
    const facts = tls ? FACTS : { ...FACTS, certificateEnds: null, connections: null };
    const page = exposition(boards.sum(), facts);
    const types = new Map<string, string>();
    const values = new Map<string, number>();
    assert(page.endsWith("\n"));
    for (const line of page.slice(0, -1).split("\n")) {
      const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
      if (comment !== null) {
        if (comment[1] === "TYPE") types.set(comment[2], comment[3]);
        continue;
      }
      const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})? (\S+)$/.exec(line);
      assert(sample !== null, `not a sample: ${line}`);
      const [, name, labels = "", value] = sample;
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      assert(types.has(family), line);
      if (types.get(family) === "counter") assert(name.endsWith("_total"), line);
      assert(!values.has(name + labels), `twice: ${line}`);
      assert(Number.isFinite(Number(value)) && Number(value) >= 0, line);
      values.set(name + labels, Number(value));
    }
    const buckets = [...values].filter(([name]) => name.includes("_bucket")).map(([, value]) => value);
    assertEquals(buckets.length, BOUNDS.length + 1);
    assertEquals(buckets, buckets.toSorted((a, b) => a - b));
    const total = [...values].filter(([name]) => name.startsWith("ferry_http_requests_total"))
      .reduce((sum, [, value]) => sum + value, 0);
    assertEquals([total, buckets.at(-1)], [records.length, records.length]);
  }));
});

Deno.test("exposition() is what promtool takes", async () => {
  const boards = new Boards();
  new Meter(boards.add()).finished({ method: "GET", status: 200, bytes: 10, ms: 0.4 });
  let child: Deno.ChildProcess;
  try {
    const args = ["check", "metrics"];
    child = new Deno.Command("promtool", { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return console.log("no promtool here: not compared");
    throw error;
  }
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(exposition(boards.sum(), FACTS)));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr), "");
  assertEquals(code, 0);
});

Deno.test("processFacts() tells of this process", () => {
  const { residentBytes, cpuSeconds, started, openFiles } = processFacts();
  assert(residentBytes > 1e6 && cpuSeconds > 0 && Math.abs(started - Date.now()) < 3600_000);
  if (Deno.build.os === "linux") assert(openFiles! > 2);
});
