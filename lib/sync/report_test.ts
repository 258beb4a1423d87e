import { assertEquals, assertMatch } from "@std/assert";
import type { Problem } from "../core/entry.ts";
import { type Change, makePlan } from "./plan.ts";
import { jsonReport, type Report, textReport } from "./report.ts";
import type { Summary } from "./summary.ts";

const SUMMARY: Summary = {
  created: 2,
  updated: 1,
  deleted: 1,
  moved: 0,
  conflicts: 0,
  problems: 1,
  files: 9,
  bytes_content: 1536,
  bytes_sent: 10,
  bytes_received: 2_000_000,
  ms: 2150,
};

const CHANGES: Change[] = [
  { op: "create", path: "d", entry: { kind: "dir", mtime: 1, mode: 0o755 }, content: false },
  { op: "create", path: "d/f", entry: { kind: "file", size: 1536, mtime: 1, mode: 0o644 }, content: true },
  {
    op: "update",
    path: "m",
    entry: { kind: "file", size: 7, mtime: 1, mode: 0o600 },
    was: { kind: "file", size: 7, mtime: 1, mode: 0o644 },
    content: false,
  },
  { op: "delete", path: "odd\nname\x1b", was: { kind: "file", size: 99, mtime: 1, mode: 0o644 } },
];
const PROBLEM: Problem = { path: "pi\tpe", code: "unsupported_kind", message: "it is\nneither" };

function play(report: Report): void {
  report.plan(makePlan(new Map([["a", { kind: "file", size: 5, mtime: 1, mode: 0o644 }]]), new Map()));
  report.problem(PROBLEM);
  for (const change of CHANGES) report.change(change);
  report.done(SUMMARY);
  report.flush();
}

function sink() {
  const texts: string[] = [];
  return { texts, write: (text: string) => void texts.push(text) };
}

Deno.test("textReport() writes one line a change, then the summary", () => {
  const [out, err] = [sink(), sink()];
  play(textReport(out.write, err.write, { dryRun: false, color: false, quiet: false }));
  assertEquals(
    out.texts.join(""),
    "! pi\\tpe: it is\\nneither\n+ d\n+ d/f\n~ m\n- odd\\nname\\x1b\n" +
      "2 created, 1 updated, 1 deleted, 1 problem; 1.5 kB of content, 2 MB received, 10 B sent, 2.15 s\n",
  );
  assertEquals(err.texts, []);
});

Deno.test("textReport() says of a dry run that nothing was changed", () => {
  const out = sink();
  const report = textReport(out.write, out.write, { dryRun: true, color: false, quiet: false });
  report.done({ ...SUMMARY, problems: 0, ms: 85 });
  report.flush();
  assertEquals(
    out.texts.join(""),
    "dry run, nothing was changed: 2 created, 1 updated, 1 deleted; " +
      "1.5 kB of content, 2 MB received, 10 B sent, 85 ms\n",
  );
});

Deno.test("textReport() colours the marks alone", () => {
  const out = sink();
  const report = textReport(out.write, out.write, { dryRun: false, color: true, quiet: false });
  report.change(CHANGES[0]);
  report.flush();
  assertEquals(out.texts, ["\x1b[32m+\x1b[0m d\n"]);
});

Deno.test("textReport() leaves only the problems when quiet, on the other stream", () => {
  const [out, err] = [sink(), sink()];
  play(textReport(out.write, err.write, { dryRun: false, color: false, quiet: true }));
  assertEquals([out.texts, err.texts], [[], ["! pi\\tpe: it is\\nneither\n"]]);
});

Deno.test("jsonReport() writes the contract's events, a line each", () => {
  const out = sink();
  play(jsonReport(out.write, { dryRun: false }));
  assertEquals(out.texts.join("").split("\n"), [
    '{"event":"plan","create":1,"update":0,"delete":0,"move":0,"bytes":5}',
    '{"event":"problem","path":"pi\\tpe","code":"unsupported_kind","message":"it is\\nneither"}',
    '{"event":"change","op":"create","path":"d","bytes":0}',
    '{"event":"change","op":"create","path":"d/f","bytes":1536}',
    '{"event":"change","op":"update","path":"m","bytes":0}',
    '{"event":"change","op":"delete","path":"odd\\nname\\u001b","bytes":0}',
    '{"event":"done","ok":false,"created":2,"updated":1,"deleted":1,"moved":0,"conflicts":0,"problems":1,' +
    '"files":9,"bytes_content":1536,"bytes_sent":10,"bytes_received":2000000,"ms":2150}',
    "",
  ]);
});

Deno.test("jsonReport() says ok when nothing went wrong, and never of a run that was stopped", () => {
  const cases: [(report: Report) => void, boolean][] = [
    [(report) => report.done({ ...SUMMARY, problems: 0 }), true],
    [(report) => report.done(SUMMARY), false],
    [(report) => report.stopped({ ...SUMMARY, problems: 0 }, new Error("x")), false],
  ];
  for (const [act, ok] of cases) {
    const out = sink();
    const report = jsonReport(out.write, { dryRun: false });
    act(report);
    report.flush();
    const event = JSON.parse(out.texts.join(""));
    assertEquals([event.event, event.ok, event.dry_run], ["done", ok, undefined]);
  }
});

Deno.test("jsonReport() gathers lines, so that 70,000 of them are not as many writes", () => {
  const out = sink();
  const report = jsonReport(out.write, { dryRun: false });
  for (let i = 0; i < 5000; i++) report.change(CHANGES[1]);
  report.flush();
  report.flush();
  assertEquals(out.texts.join("").trimEnd().split("\n").length, 5000);
  assertEquals(out.texts.length < 20, true);
});

Deno.test("a scheduled run begins its summary with the time, also when quiet", () => {
  const scheduled = { started: new Date(0), exitOf: () => 7 };
  for (const quiet of [false, true]) {
    const [out, err] = [sink(), sink()];
    play(textReport(out.write, err.write, { dryRun: false, color: false, quiet, scheduled }));
    const lines = out.texts.join("").trimEnd().split("\n");
    assertEquals(lines.length, quiet ? 1 : 6);
    assertMatch(lines.at(-1)!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d 2 created, 1 updated, /);
  }
});

Deno.test("a scheduled run says in JSON when it began and what it would have ended with", () => {
  const cases: [(report: Report) => void, boolean, number][] = [
    [(report) => report.done({ ...SUMMARY, problems: 0 }), true, 0],
    [(report) => report.done(SUMMARY), false, 1],
    [(report) => report.stopped(SUMMARY, new Error("x")), false, 7],
  ];
  for (const [act, ok, exit] of cases) {
    const out = sink();
    const report = jsonReport(out.write, {
      dryRun: false,
      scheduled: { started: new Date(0), exitOf: () => 7 },
    });
    act(report);
    report.flush();
    const event = JSON.parse(out.texts.join(""));
    assertEquals([event.ok, event.exit, event.started], [ok, exit, "1970-01-01T00:00:00.000Z"]);
  }
});
