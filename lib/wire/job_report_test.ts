import { assertEquals, assertThrows } from "@std/assert";
import { FerryError } from "../core/errors.ts";
import { JobReportReader } from "./job_report.ts";

const JOB = '{"job":"5f0c1a52-6a53-4b0e-9f6e-0d9b1f1f2a11"}';
const CHANGE = '{"event":"change","op":"create","path":"a","bytes":1}';
const DONE = '{"event":"done"}';
const ERROR = '{"event":"error","code":"locked","message":"no"}';

Deno.test("JobReportReader takes a report as a server tells it", () => {
  const reader = new JobReportReader();
  const lines = [JOB, "", CHANGE, '{"event":"weather"}', "", DONE, "", ERROR];
  const read = lines.map((line) => reader.line(line));
  assertEquals(read[0], { kind: "job", id: JSON.parse(JOB).job });
  assertEquals(read.map((line) => line === null ? null : line.kind), [
    "job",
    null,
    "event",
    "event",
    null,
    "event",
    null,
    "event",
  ]);
});

Deno.test("JobReportReader refuses a report that no honest server would tell", () => {
  const cases: [string, string[], string][] = [
    ["an event first", [CHANGE], '"job"'],
    ["no text for an id", ['{"job":7}'], '"job"'],
    ["an id that is a path", ['{"job":"../token?path="}'], "no id"],
    ["a second beginning", [JOB, JOB], "begins twice"],
    ["no JSON", [JOB, "<html>"], "not JSON"],
    ["an event behind the end", [JOB, DONE, CHANGE], "behind the last"],
    ["two ends", [JOB, DONE, DONE], "behind the last"],
    ["a line behind an error", [JOB, ERROR, ""], "behind the end"],
    ["empty lines without end", [JOB, ...Array(200).fill("")], "nothing but empty lines"],
    ["empty lines behind the end", [JOB, DONE, ...Array(7).fill("")], "nothing but empty lines"],
    ["nothing but empty lines", Array(200).fill(""), "nothing but empty lines"],
  ];
  for (const [name, lines, message] of cases) {
    const reader = new JobReportReader(() => 0);
    const error = assertThrows(() => lines.forEach((line) => reader.line(line)), FerryError, message);
    assertEquals([name, error.code], [name, "protocol"]);
  }
});

Deno.test("JobReportReader waits as long as a server says that it is at work", () => {
  let now = 0;
  const reader = new JobReportReader(() => now);
  reader.line(JOB);
  for (; now < 48 * 3_600_000; now += 10_000) reader.line("");
});
