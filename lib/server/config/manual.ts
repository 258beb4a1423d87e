/** The keys of a shape as tables of Markdown, for the manual. */
import { formatDurationFlag, formatSizeFlag } from "../../cli/units.ts";
import { describe, type Keys, type Shape } from "../../cli/config/shape.ts";

/** A table with a row for each key, in their order, without those that `leave` names. */
export function keyTable(keys: Keys, leave: readonly string[] = []): string {
  const rows = Object.entries(keys).filter(([name]) => !leave.includes(name)).map((
    [name, { shape, about }],
  ) => [
    `\`${name}\``,
    cell(describe(shape)),
    cell(about + defaultNote(shape)),
  ]);
  const all = [["key", "value", "says"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: string[], fill = " ") =>
    `| ${row.map((text, column) => text.padEnd(widths[column], fill)).join(" | ")} |\n`;
  return line(all[0]) + line(["", "", ""], "-") + rows.map((row) => line(row)).join("");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function defaultNote(shape: Shape): string {
  if (shape.kind !== "flag") return "";
  const { flag } = shape;
  switch (flag.type) {
    case "integer":
    case "string":
      return flag.default === undefined ? "" : ` (default ${flag.default})`;
    case "size":
      return flag.default === undefined ? "" : ` (default ${formatSizeFlag(flag.default)})`;
    case "duration":
      return flag.default === undefined ? "" : ` (default ${formatDurationFlag(flag.default)})`;
    case "boolean":
      return flag.default ? " (default true)" : "";
    default:
      return "";
  }
}
