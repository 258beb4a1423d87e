/** Lines that say how far transfers are, a bar each, laid out for the width there is. All pure. */
import { formatLeft, type Speed } from "./speedometer.ts";
import { padText, shortenMiddle, textWidth } from "./text_width.ts";
import { formatBytes } from "./units.ts";

/** What one line says. */
export interface Row {
  /** Free of control characters. */
  name: string;
  /** Whether the name is shown as it is, or may be cut in its middle. */
  whole?: boolean;
  bytes: number;
  /** How many there will be, when that is known. */
  size?: number;
  /** Done so far, 0 to 1, when anybody knows. */
  share?: number;
  speed: Speed;
  /** Said at the end of the line, like how often it was tried again. */
  note?: string;
}

/** Columns between cells. */
const GAP = "  ";
/** Narrower bars say nothing; wider ones say no more. */
const BAR = { least: 10, most: 50 };
/** So much of a name is shown before other things give way. */
const NAME_LEAST = 10;
/** Shorter, a cut name is no name any more. */
const NAME_MOST_CUT = 5;

/** What a line is made of beside name and bar, from its left to its right. */
type Cell = "far" | "percent" | "amount" | "rate" | "left" | "note";

/** From the richest to the poorest; the first one that fits is taken. */
const LAYOUTS: readonly { bar: boolean; cells: readonly Cell[] }[] = [
  { bar: true, cells: ["percent", "amount", "rate", "left", "note"] },
  { bar: false, cells: ["percent", "amount", "rate", "left", "note"] },
  { bar: false, cells: ["percent", "amount", "rate", "left"] },
  { bar: false, cells: ["far", "rate", "left"] },
  { bar: false, cells: ["far", "left"] },
  { bar: false, cells: ["far"] },
];

/** A line for each of `rows`, at most `width` columns wide, their cells one below the other. */
export function barLines(rows: readonly Row[], width: number): string[] {
  const natural = Math.max(0, ...rows.map((row) => textWidth(row.name)));
  const fixed = Math.max(0, ...rows.filter((row) => row.whole).map((row) => textWidth(row.name)));
  const least = Math.max(Math.min(natural, NAME_LEAST), fixed);
  for (const { bar, cells } of LAYOUTS) {
    const hasBar = bar && rows.some((row) => row.share !== undefined);
    const columns = cells.map((cell) => column(rows, cell, hasBar)).filter((column) => column.width > 0);
    const taken = columns.reduce((sum, column) => sum + GAP.length + column.width, 0);
    const room = width - taken - (hasBar ? GAP.length + BAR.least : 0);
    // Of one file its user knows the name; of several the names tell which is which.
    const nameless = cells[0] === "far" && (rows.length === 1 || cells.length === 1);
    if (room < (nameless ? -GAP.length : least)) continue;
    const nameWidth = Math.min(natural, room >= NAME_MOST_CUT ? room : 0);
    const barWidth = hasBar ? Math.min(BAR.most, BAR.least + room - nameWidth) : 0;
    return rows.map((row, index) =>
      [
        ...(nameWidth > 0 ? [padText(shortenMiddle(row.name, nameWidth), nameWidth)] : []),
        ...columns.flatMap(({ texts, cell, width }) => [
          padText(texts[index], width, cell === "left" || cell === "note" ? "left" : "right"),
          ...(cell === "percent" && hasBar ? [drawBar(row.share, barWidth)] : []),
        ]),
      ].join(GAP).trimEnd()
    );
  }
  return rows.map(() => "");
}

/** The same for one row without a terminal, as a plain sentence. */
export function barSentence(row: Row): string {
  const cells: Cell[] = ["percent", "amount", "rate", "left", "note"];
  const parts = cells.map((cell) => cellText(row, cell)).filter((text) => text !== "");
  return `${row.name}: ${parts.join(", ")}`;
}

function column(rows: readonly Row[], cell: Cell, steady: boolean) {
  const texts = rows.map((row) => cellText(row, cell));
  const reserved = steady ? Math.max(...rows.map((row) => usualWidth(row, cell))) : 0;
  return { cell, texts, width: Math.max(reserved, ...texts.map((text) => text.length)) };
}

/** What a cell takes most of the time, so that the bar stays as it is while numbers grow. */
function usualWidth({ size }: Row, cell: Cell): number {
  switch (cell) {
    case "percent":
      return "100%".length;
    case "amount":
      return size === undefined ? 0 : `999.9 kB of ${formatBytes(size)}`.length;
    case "rate":
      return size === undefined ? 0 : "999.9 kB/s".length;
    case "left":
      return size === undefined ? 0 : "59 s left".length;
    default:
      return 0;
  }
}

function cellText(row: Row, cell: Cell): string {
  const { bytes, size, share, speed: { rate, left } } = row;
  switch (cell) {
    case "percent":
      return share === undefined ? "" : `${Math.floor(100 * Math.min(1, share))}%`;
    case "far":
      return share === undefined ? formatBytes(bytes) : cellText(row, "percent");
    case "amount":
      return formatBytes(bytes) + (size === undefined || bytes >= size ? "" : ` of ${formatBytes(size)}`);
    case "rate":
      return rate === undefined ? "" : `${formatBytes(Math.round(rate))}/s`;
    case "left":
      return left === undefined ? "" : `${formatLeft(left)} left`;
    case "note":
      return row.note ?? "";
  }
}

function drawBar(share: number | undefined, width: number): string {
  if (share === undefined) return " ".repeat(width);
  const inside = width - 2;
  const full = Math.floor(Math.min(1, share) * inside);
  const head = full < inside ? ">" : "";
  return `[${"=".repeat(full)}${head}${" ".repeat(inside - full - head.length)}]`;
}
