/** Samples as Markdown: the table, what its works are, and what was to be reached; pure. */
import { median, ratio, significant, summarise, type Summary } from "./stats.ts";
import type { Goal, Unit, Work } from "./works/work.ts";

/** One measured value. */
export interface Row {
  work: string;
  target: string;
  program: string;
  round: number;
  unit: Unit;
  value: number;
  serverPeak?: number;
  clientPeak?: number;
}

type Described = Pick<Work, "name" | "about" | "against" | "goal">;

/** The name of the program under test; every other ratio is one of its own to that of a peer. */
const OURS = "ferry";

/** A Markdown table, a line for each program at each work on each target. */
export function resultTable(rows: readonly Row[], works: readonly Described[]): string {
  const lines = [
    "| work | target | program | median | min..max | Ferry is | server MB | client MB | rounds |",
    "|---|---|---|---:|---:|---|---:|---:|---:|",
  ];
  for (const group of groups(rows)) {
    const work = works.find(({ name }) => name === group.work);
    for (const program of distinct(group.rows.map((row) => row.program))) {
      const samples = group.rows.filter((row) => row.program === program);
      const values = summarise(samples.map((row) => row.value)) as Summary;
      lines.push(tableLine([
        group.work,
        group.target,
        program,
        `${significant(values.median)} ${samples[0].unit}`,
        values.rounds === 1 ? "" : `${significant(values.min)}..${significant(values.max)}`,
        program.startsWith(OURS) ? ratios(group.rows, program, work?.against ?? []) : "",
        megabytes(samples.map((row) => row.serverPeak)),
        megabytes(samples.map((row) => row.clientPeak)),
        String(values.rounds),
      ]));
    }
  }
  return lines.join("\n") + "\n";
}

/** What was to be reached and what was, in memory unless a goal is about a disk. Empty when none was touched. */
export function goalTable(rows: readonly Row[], works: readonly Described[]): string {
  const lines: string[] = [];
  for (const { name, goal } of works) {
    if (!goal) continue;
    for (const one of [goal].flat()) {
      const onDisk = one.disk ?? false;
      const group = groups(rows).find(({ work, target }) => work === name && (target === "disk") === onDisk);
      if (group) {
        lines.push(...goalLines(onDisk ? `${name}, ${one.of ?? OURS}, disk` : name, one, group.rows));
      }
    }
  }
  if (lines.length === 0) return "";
  return ["| work | to reach | measured | |", "|---|---|---|---|", ...lines].join("\n") + "\n";
}

/** A number with as many places as it needs, two at most. */
function shown(value: number): string {
  return String(Number(value.toFixed(2)));
}

function goalLines(work: string, goal: Goal, rows: readonly Row[]): string[] {
  const lines: string[] = [];
  const ours = rows.filter((row) => row.program === (goal.of ?? OURS));
  const add = (wanted: string, measured: string, reached: boolean) =>
    lines.push(tableLine([work, wanted, measured, reached ? "reached" : "missed"]));
  const { against, most, least, memory } = goal;
  const theirs = rows.filter((row) => row.program === against);
  const value = ratio(ours.map((row) => row.value), theirs.map((row) => row.value));
  if (value !== null && most !== undefined) {
    add(`at most ${shown(most)} x ${against}`, `${value.toFixed(2)} x`, value <= most);
  }
  if (value !== null && least !== undefined) {
    add(`at least ${shown(least)} x ${against}`, `${value.toFixed(2)} x`, value >= least);
  }
  if (against === undefined && most !== undefined && ours.length > 0) {
    const value = median(ours.map((row) => row.value));
    const { unit } = ours[0];
    add(`at most ${shown(most)} ${unit}`, `${shown(value)} ${unit}`, value <= most);
  }
  const peaks = ours.flatMap((row) => [row.serverPeak ?? 0, row.clientPeak ?? 0]);
  const peak = Math.max(0, ...peaks);
  if (memory !== undefined && peak > 0) {
    add(`each side at most ${Math.round(memory / 1e6)} MB`, `${Math.round(peak / 1e6)} MB`, peak <= memory);
  }
  return lines;
}

function ratios(rows: readonly Row[], program: string, against: readonly string[]): string {
  const valuesOf = (name: string) => rows.filter((row) => row.program === name).map((row) => row.value);
  return against.flatMap((name) => {
    const value = ratio(valuesOf(program), valuesOf(name));
    return value === null ? [] : [`${value.toFixed(2)} x ${name}`];
  }).join(", ");
}

/** By work and target, in the order of their first sample. */
function groups(rows: readonly Row[]): { work: string; target: string; rows: Row[] }[] {
  const groups = new Map<string, { work: string; target: string; rows: Row[] }>();
  for (const row of rows) {
    const key = `${row.work} ${row.target}`;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { work: row.work, target: row.target, rows: [row] });
  }
  return [...groups.values()];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function megabytes(peaks: readonly (number | undefined)[]): string {
  const peak = Math.max(0, ...peaks.map((peak) => peak ?? 0));
  return peak === 0 ? "" : String(Math.round(peak / 1e6));
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
